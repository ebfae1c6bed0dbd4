/** What JSON has of the client's values: it has no integers of 64 bits, and a program that logs one must not fail over it. */
import { formatHex } from '@lightkeeper/protocol'

/**
 * The same object, which `JSON.stringify` takes: ids and zxids become hex text, as servers print them, and errors their name and
 * message. What a codec decoded stays as JSON has it; a bigint of its own becomes its digits.
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
  // A snapshot within a change has no `toJSON` of its own.
  if (name === 'previous' && typeof value === 'object' && value !== null) return toJson.call(value)
  if (value instanceof Error && !('toJSON' in value)) return { name: value.name, message: value.message }
  return value
}
