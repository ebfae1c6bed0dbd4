/** Values instead of bytes: how the data of a znode is written and read, stated once per handle or stream. */
import { looking, wellFormed, wrongType } from './arguments/checks.ts'
import { isBytes } from './arguments/data.ts'
import { describe } from './arguments/describe.ts'

/** @throws from `decode` whatever is wrong with the data; it reaches the user as the cause of an `INVALID_DATA` error. */
export interface Codec<T> {
  /** What this throws for a value that cannot be written reaches the caller who gave the value, as it is. */
  encode(value: T): Uint8Array | Promise<Uint8Array>
  decode(data: Uint8Array): T | Promise<T>
}

/**
 * The shape shared by schema libraries (zod, valibot, arktype and others; standardschema.dev, version 1), as far as it is used
 * here. Declared anew, so that none of them is needed.
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    validate(value: unknown): StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

const strict = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

/** A codec whose values are written at once, without a promise. */
export interface SyncCodec<T> extends Codec<T> {
  encode(value: T): Uint8Array
}

/** Bytes as they are: what every call uses that names no codec. @throws TypeError from `encode` for anything else. */
export const bytes: SyncCodec<Uint8Array> = {
  encode(value) {
    if (!isBytes(value)) throw wrongType('bytes', 'the value', 'a Uint8Array', value)
    return value
  },
  decode: (data) => data,
}

/** UTF-8. @throws TypeError from `encode` for what is no well-formed string, from `decode` for what is no UTF-8. */
export const text: SyncCodec<string> = {
  encode(value) {
    if (typeof value !== 'string') throw wrongType('text', 'the value', 'a string', value)
    return encoder.encode(wellFormed(value, 'the value', 'text'))
  },
  decode: (data) => strict.decode(data),
}

/**
 * JSON, checked by a schema where one is given; without one nothing is promised about its shape. A value is checked before it is
 * written in the form in which it will be read: what this codec writes, it reads.
 * @throws from `encode` TypeError for a value without a JSON form, SchemaError for one that the schema refuses; from `decode`
 *   SyntaxError, TypeError, SchemaError.
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

/** Whether it is to be waited for; promises of other libraries and realms are. */
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

/** What a schema did not accept, issue by issue. */
export class SchemaError extends TypeError {
  override readonly name = 'SchemaError'
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
