/** A JSON form for the client's values. JSON has no 64-bit integers, and a program that logs such a value must not fail. */
import { formatHex } from '@lightkeeper/protocol'

/**
 * The same object, in a form that `JSON.stringify` accepts: ids and zxids become hex text, as servers print them; errors become
 * their name and message. A value from a codec keeps its JSON form; a bigint in it becomes its digits.
 */
export function jsonable<T extends object>(value: T): T {
  return Object.defineProperty(value, 'toJSON', { value: toJson, configurable: true })
}

function toJson(this: object): Record<string, unknown> {
  const form: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(this)) form[name] = formOf(name, value)
  return form
}

function formOf(name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return name === 'value' ? String(value) : formatHex(value)
  // A snapshot inside a change has no `toJSON` of its own.
  if (name === 'previous' && typeof value === 'object' && value !== null) return toJson.call(value)
  if (value instanceof Error && !('toJSON' in value)) return { name: value.name, message: value.message }
  return value
}
