/** JSON in the form in which Apache's admin pages print it (Jackson with indentation): 64-bit numbers as they are, `0.0` for a double. */

/** A number that Java holds as a double. */
export class JavaDouble {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }

  /** Java prints a fraction always: `0.0`, `4.25`. */
  toString(): string {
    const text = `${Number(this.value.toFixed(4))}`
    return text.includes('.') ? text : `${text}.0`
  }
}

export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | JavaDouble
  | readonly Json[]
  | ReadonlyMap<string, Json>
  | { readonly [key: string]: Json }

/** `value` as text, without a line end. */
export function jsonText(value: Json, indent = ''): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return `${value}`
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint' || value instanceof JavaDouble) return value.toString()
  if (isList(value)) {
    return value.length === 0 ? '[ ]' : `[ ${value.map((each) => jsonText(each, indent)).join(', ')} ]`
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  if (entries.length === 0) return '{ }'
  const inner = `${indent}  `
  const lines = entries.map(([key, each]) => `${inner}${JSON.stringify(key)} : ${jsonText(each as Json, inner)}`)
  return `{\n${lines.join(',\n')}\n${indent}}`
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
