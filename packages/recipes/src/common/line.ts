/** The line in which sequential znodes stand, read from their names alone. contender.ts creates and watches them. */

/** A child that stands in line. */
export interface InLine<M extends string = string> {
  readonly name: string
  /** What stands right in front of the number. */
  readonly marker: M
  /** The number that the server gave; a 32-bit integer. */
  readonly sequence: number
}

export type Standing =
  /** No contender before us keeps us out. */
  | { readonly kind: 'first' }
  /** The one to wait for. */
  | { readonly kind: 'behind'; readonly name: string }
  /** Our own znode is gone. */
  | { readonly kind: 'gone' }

/** `%010d` of a 32-bit integer: a negative one has nine or ten digits behind the sign. */
const sequencePattern = /^(?:\d{10}|-\d{9,10})$/

/** The children that end in one of `markers` and a number, first come first. All others belong to somebody else and are left out. */
export function lineOf<M extends string>(children: readonly string[], markers: readonly M[]): InLine<M>[] {
  const line: InLine<M>[] = []
  for (const name of children) {
    const found = parse(name, markers)
    if (found !== undefined) line.push(found)
  }
  return line.sort((a, b) => order(a, b) || markers.indexOf(a.marker) - markers.indexOf(b.marker))
}

/** Where `own` stands: it waits for the nearest one before it that `blocks` it. */
export function standingIn<M extends string>(
  line: readonly InLine<M>[],
  own: string,
  blocks: (other: InLine<M>) => boolean = () => true,
): Standing {
  const at = line.findIndex(({ name }) => name === own)
  if (at === -1) return { kind: 'gone' }
  for (let i = at - 1; i >= 0; i--) {
    const other = line[i] as InLine<M>
    if (blocks(other)) return { kind: 'behind', name: other.name }
  }
  return { kind: 'first' }
}

function parse<M extends string>(name: string, markers: readonly M[]): InLine<M> | undefined {
  for (const marker of markers) {
    const at = name.lastIndexOf(marker)
    if (at === -1) continue
    const digits = name.slice(at + marker.length)
    const sequence = Number(digits)
    if (sequencePattern.test(digits) && sequence === (sequence | 0)) return { name, marker, sequence }
  }
  return undefined
}

/** The counter of a parent goes from 2147483647 to -2147483648, so the later of two is less than half of all numbers ahead. */
function order(a: InLine, b: InLine): number {
  return (a.sequence - b.sequence) | 0
}
