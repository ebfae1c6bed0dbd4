/** The numbers that servers put at the end of sequential znodes. The counter of a parent goes from 2147483647 to -2147483648. */

/** `%010d` of a 32-bit integer: a negative one has nine or ten digits behind the sign. */
const pattern = /^(?:\d{10}|-\d{9,10})$/

/** Undefined for digits that no server writes. The caller knows where the number begins: a dash may be a sign or part of the name. */
export function sequenceFrom(digits: string): number | undefined {
  const sequence = Number(digits)
  return pattern.test(digits) && sequence === (sequence | 0) ? sequence : undefined
}

/** For sorting. Of two numbers the later one is ahead by less than half of all numbers. */
export function bySequence(a: { readonly sequence: number }, b: { readonly sequence: number }): number {
  return (a.sequence - b.sequence) | 0
}
