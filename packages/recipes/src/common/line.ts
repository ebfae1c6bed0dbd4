/** The line of sequential znodes, read only from their names. contender.ts creates and watches them. */
import { bySequence, sequenceFrom } from './sequence.ts'

/** A child that stands in line. */
export interface InLine<M extends string = string> {
  readonly name: string
  /** The text right before the number. */
  readonly marker: M
  /** The number from the server; a 32-bit integer. */
  readonly sequence: number
}

export type Standing =
  /** No contender before us blocks us. */
  | { readonly kind: 'first' }
  /** The contender to wait for. */
  | { readonly kind: 'behind'; readonly name: string }
  /** Our own znode is gone. */
  | { readonly kind: 'gone' }

/**
 * The children whose names end in one of `markers` and a number, first come first. Other children belong to other programs and are
 * ignored.
 */
export function lineOf<M extends string>(children: readonly string[], markers: readonly M[]): InLine<M>[] {
  const line: InLine<M>[] = []
  for (const name of children) {
    const found = parse(name, markers)
    if (found !== undefined) line.push(found)
  }
  return line.sort((a, b) => bySequence(a, b) || markers.indexOf(a.marker) - markers.indexOf(b.marker))
}

/** The place of `own`: it waits for the nearest contender before it that `blocks` it. */
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
    const sequence = sequenceFrom(name.slice(at + marker.length))
    if (sequence !== undefined) return { name, marker, sequence }
  }
  return undefined
}
