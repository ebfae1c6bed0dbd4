/** The mark of what `op` made: every part of it has been checked. */

const mark = Symbol.for('lightkeeper.op')

/** A copy with the mark. A copy of that by spreading has it too, also in another copy of this package. */
export function made<O extends object>(operation: O): O {
  return { ...operation, [mark]: true }
}

export function isMade(value: object): boolean {
  return mark in value
}
