/** Codecs turn the data of a znode into values and back. A handle or a stream has one. */
import { looking, wellFormed, wrongType } from './arguments/checks.ts'
import { isBytes } from './arguments/data.ts'
import { describe } from './arguments/describe.ts'

/** @throws from `decode` anything that is wrong with the data; the user gets it as the cause of an `INVALID_DATA` error. */
export interface Codec<T> {
  /** What this throws for a value that cannot be written is thrown to the caller, unchanged. */
  encode(value: T): Uint8Array | Promise<Uint8Array>
  /**
   * Makes the value from the data of a znode. What this throws, or rejects with, goes to the caller unchanged; a watch delivers it as a
   * change of kind `unreadable`.
   */
  decode(data: Uint8Array): T | Promise<T>
}

/**
 * The part that we use of the shape that schema libraries share (zod, valibot, arktype and others; standardschema.dev, version 1).
 * It is declared again here, so that this package needs none of them.
 */
export interface StandardSchema<Output = unknown> {
  /** What the schema offers under the name that the standard fixes. */
  readonly '~standard': {
    /** The version of the standard. */
    readonly version: 1
    /** The name of the schema library. */
    readonly vendor: string
    /** Checks a value: gives the value in its output form, or the issues; or a promise of one of them. */
    validate(value: unknown): StandardResult<Output> | Promise<StandardResult<Output>>
    /** For the compiler alone; there is no value at run time. */
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

/** One fault that a validator of Standard Schema found in a value. */
export interface StandardIssue {
  /** What is wrong, for people. */
  readonly message: string
  /** Where in the value it is, key by key from the outside; undefined or empty for the value itself. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

const strict = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

/** A codec that encodes at once, without a promise. */
export interface SyncCodec<T> extends Codec<T> {
  encode(value: T): Uint8Array
}

/** Bytes without a conversion; the codec of every call that names none. @throws TypeError from `encode` for anything else. */
export const bytes: SyncCodec<Uint8Array> = {
  encode(value) {
    if (!isBytes(value)) throw wrongType('bytes', 'the value', 'a Uint8Array', value)
    return value
  },
  decode: (data) => data,
}

/** UTF-8. @throws TypeError from `encode` where the value is no well-formed string, from `decode` where the data is no UTF-8. */
export const text: SyncCodec<string> = {
  encode(value) {
    if (typeof value !== 'string') throw wrongType('text', 'the value', 'a string', value)
    return encoder.encode(wellFormed(value, 'the value', 'text'))
  },
  decode: (data) => strict.decode(data),
}

/**
 * JSON. With a schema, `decode` checks the value; without one, its type is not checked. `encode` checks the value in the form in
 * which it will be read, so this codec can read everything that it writes.
 * @throws from `encode` TypeError for a value without a JSON form, SchemaError for a value that the schema refuses; from `decode`
 * SyntaxError, TypeError, SchemaError.
 */
export function json<T = unknown>(): SyncCodec<T>
export function json<Output>(schema: StandardSchema<Output>): Codec<Output>
export function json(schema?: StandardSchema): Codec<unknown> {
  if (schema !== undefined) looking('schema', 'json', () => checkSchema(schema))
  return {
    encode(value) {
      const written = JSON.stringify(value)
      if (written === undefined) throw new TypeError(`json: the value has no JSON form: it is ${describe(value)}`)
      if (schema === undefined) return encoder.encode(written)
      const result = schema['~standard'].validate(JSON.parse(written))
      if (!isThenable(result)) return encoder.encode(accepted(result, written))
      return Promise.resolve(result).then((own) => encoder.encode(accepted(own, written)))
    },
    decode(data) {
      const value: unknown = JSON.parse(strict.decode(data))
      if (schema === undefined) return value
      const result = schema['~standard'].validate(value)
      return isThenable(result) ? Promise.resolve(result).then(valueOf) : valueOf(result)
    },
  }
}

/** Whether the value is a promise; promises of other libraries and realms count too. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

function checkSchema(schema: unknown): void {
  const isThere = (typeof schema === 'object' || typeof schema === 'function') && schema !== null
  const standard = isThere ? (schema as { '~standard'?: { validate?: unknown } })['~standard'] : undefined
  if (typeof standard?.validate !== 'function')
    throw wrongType('json', 'schema', 'a Standard Schema, as zod, valibot and arktype make them', schema)
}

function accepted(result: StandardResult<unknown>, written: string): string {
  valueOf(result)
  return written
}

/** The issues that a schema reported. */
export class SchemaError extends TypeError {
  override readonly name = 'SchemaError'
  /** The issues, as the schema gave them. */
  readonly issues: readonly StandardIssue[]

  constructor(issues: readonly StandardIssue[]) {
    super(issues.map(describeIssue).join('; '))
    this.issues = issues
  }
}

function valueOf(result: StandardResult<unknown>): unknown {
  if (result.issues === undefined) return result.value
  throw new SchemaError(result.issues)
}

function describeIssue({ message, path = [] }: StandardIssue): string {
  const where = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
  return where === '' ? message : `${where}: ${message}`
}
