/** The JSON form of the recipes' values. JSON has no 64-bit integers, and a program that logs such a value must not fail. */

/** Numbers that people compare. All other 64-bit integers are ids, which servers print in hex. */
const decimals: ReadonlySet<string> = new Set(['fencingToken', 'epoch', 'before', 'after', 'value'])

/** Gives `value` a `toJSON`: ids and zxids become hex text; tokens, epochs and counts become decimal text. */
export function jsonable<T extends object>(value: T): T {
  return Object.defineProperty(value, 'toJSON', { value: toJson, configurable: true })
}

function toJson(this: object): Record<string, unknown> {
  return jsonFormOf(this as Readonly<Record<string, unknown>>)
}

/** For the `toJSON` of classes, which choose their properties themselves. */
export function jsonFormOf(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const form: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(facts)) form[name] = formOf(name, value)
  return form
}

function formOf(name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return decimals.has(name) ? `${value}` : hexOf(value)
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  // An entry of a cache inside a change.
  if (name === 'previous' && typeof value === 'object' && value !== null && !('toJSON' in value)) {
    return toJson.call(value)
  }
  if (value instanceof Error && !('toJSON' in value)) return { name: value.name, message: value.message }
  return value
}

function hexOf(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`
}
