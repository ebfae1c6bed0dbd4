/** Operations of transactions and reads of `readMany`, as users hand them over. */
import type { ManyRead } from '../options.ts'
import type { TransactionOp } from '../transaction.ts'
import { type Check, list, looking, wrongType } from './checks.ts'
import { isMade } from './made.ts'
import { checkPath } from './path.ts'

const operation: Check<TransactionOp<unknown>> = (value, name, operation) => {
  if (typeof value === 'object' && value !== null && isMade(value)) return value as TransactionOp<unknown>
  throw wrongType(operation, name, 'an operation that op.create, op.set, op.delete or op.check made', value)
}
const operations = list(operation, 'a list of operations that op.create, op.set, op.delete or op.check made')

export function operationsOf(value: unknown, call: string): TransactionOp<unknown>[] {
  return looking('operations', call, () => operations(value, 'operations', call))
}

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
