/** The reads of `readMany`, as users write them. */
import type { ManyRead } from '../options.ts'
import { type Check, list, looking, wrongType } from './checks.ts'
import { checkPath } from './path.ts'

const manyRead: Check<ManyRead> = (value, name, call) => {
  const expected = '{ get: path } or { children: path }'
  if (typeof value !== 'object' || value === null) throw wrongType(call, name, expected, value)
  const { get, children } = value as { get?: unknown; children?: unknown }
  if ((get === undefined) === (children === undefined)) throw wrongType(call, name, expected, value)
  if (get !== undefined) {
    checkPath(get, call, false, `${name}.get`)
    return { get }
  }
  checkPath(children, call, false, `${name}.children`)
  return { children }
}
const manyReads = list(manyRead, 'a list of { get: path } and { children: path }')

export function readsOf(value: unknown, call: string): ManyRead[] {
  return looking('reads', call, () => manyReads(value, 'reads', call))
}
