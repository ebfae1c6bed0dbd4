/** The line that sequential znodes stand in, read from their names alone. Creating and watching live in contender.ts. */

/** A child that stands in line. */
export interface InLine<M extends string = string> {
  readonly name: string
  /** What stands right in front of the number. */
  readonly marker: M
  /** As the server counted; a 32-bit integer. */
  readonly sequence: number
}

export type Standing =
  /** Nobody before us keeps us out. */
  | { readonly kind: 'first' }
  /** The one to wait for. */
  | { readonly kind: 'behind'; readonly name: string }
  /** Our own znode is not there any more. */
  | { readonly kind: 'gone' }

/** `%010d` of a 32-bit integer: negative ones have nine digits or more behind the sign. */
const sequencePattern = /^(?:\d{10}|-\d{9,10})$/

/** Children that end in one of `markers` and a number, first come first; all others are not ours to judge. */
export function lineOf<M extends string>(children: readonly string[], markers: readonly M[]): InLine<M>[] {
  const line: InLine<M>[] = []
  for (const name of children) {
    const found = parse(name, markers)
    if (found !== undefined) line.push(found)
  }
  return line.sort((a, b) => order(a, b) || markers.indexOf(a.marker) - markers.indexOf(b.marker))
}

/** The nearest one before `own` that `blocks` it. */
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

/** The counter of a parent goes from 2147483647 to -2147483648: who comes behind is at most half the numbers ahead. */
function order(a: InLine, b: InLine): number {
  return (a.sequence - b.sequence) | 0
}
