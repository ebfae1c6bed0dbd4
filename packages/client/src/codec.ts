/** Values instead of bytes: how the data of a znode is written and read, stated once per handle or stream. */

/** @throws from `decode` whatever is wrong with the data; it reaches the user as the cause of an `INVALID_DATA` error. */
export interface Codec<T> {
  encode(value: T): Uint8Array
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

/** Bytes as they are: what every call uses that names no codec. */
export const bytes: Codec<Uint8Array> = { encode: (value) => value, decode: (data) => data }

/** UTF-8. @throws TypeError from `decode` for anything else. */
export const text: Codec<string> = {
  encode: (value) => encoder.encode(value),
  decode: (data) => strict.decode(data),
}

/** JSON, checked by a schema where one is given; without one nothing is promised about its shape. */
export function json<T = unknown>(): Codec<T>
export function json<Output>(schema: StandardSchema<Output>): Codec<Output>
export function json(schema?: StandardSchema): Codec<unknown> {
  return {
    encode(value) {
      const written = JSON.stringify(value)
      if (written === undefined) throw new TypeError(`${typeof value} has no JSON form`)
      return encoder.encode(written)
    },
    decode(data) {
      const value: unknown = JSON.parse(strict.decode(data))
      if (schema === undefined) return value
      const result = schema['~standard'].validate(value)
      return result instanceof Promise ? result.then(valueOf) : valueOf(result)
    },
  }
}

/** What a schema did not accept, issue by issue. */
export class SchemaError extends Error {
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
