/**
 * Long lists of children as they stand on the wire. Making one of two hundred thousand names takes some twenty milliseconds, so what
 * is asked for again while no child came or went is sent from here, and those who do not take it hold it once.
 */
import { Writer } from '@lightkeeper/protocol'
import type { Znode } from '../tree/znode.ts'

/** A znode with fewer children is listed anew each time. */
export const longList = 1_000
/** Bytes of all lists that are kept. */
const keptBytesMax = 16 << 20

interface Kept {
  readonly bytes: Uint8Array
  /** Creates raise the one, deletes lower the other: both alike means that the children are the same. */
  readonly cversion: number
  readonly numChildren: number
}

export class ChildLists {
  /** Those asked for last at the end. */
  readonly #kept = new Map<Znode, Kept>()
  readonly #limits: { readonly maxReplyBytes: number }
  readonly #keptMax: number
  #bytes = 0

  /** A list of more than `maxReplyBytes` is not made; `keptMax` bytes are kept of all. */
  constructor(limits: { readonly maxReplyBytes: number }, keptMax: number = keptBytesMax) {
    this.#limits = limits
    this.#keptMax = keptMax
  }

  /** Bytes of the lists that are kept. */
  get keptBytes(): number {
    return this.#bytes
  }

  /** The number of the children of `node` and their names; they stay as they are. Undefined where they are too many bytes. */
  of(node: Znode): Uint8Array | undefined {
    const { cversion, numChildren } = node
    const kept = this.#kept.get(node)
    if (kept !== undefined) {
      this.#kept.delete(node)
      if (kept.cversion === cversion && kept.numChildren === numChildren) {
        this.#kept.set(node, kept)
        return kept.bytes
      }
      this.#bytes -= kept.bytes.length
    }
    const bytes = this.write(node, kept?.bytes.length ?? numChildren * 16)
    if (bytes !== undefined && bytes.length <= this.#keptMax) {
      this.#kept.set(node, { bytes, cversion, numChildren })
      this.#bytes += bytes.length
      this.#forgetOldest()
    }
    return bytes
  }

  /** Makes the list anew; `expected` is its size in bytes, about. */
  write(node: Znode, expected: number): Uint8Array | undefined {
    const { maxReplyBytes } = this.#limits
    const writer = new Writer(Math.min(expected, maxReplyBytes) + 1024)
    writer.int(node.numChildren)
    for (const name of node.children?.keys() ?? []) {
      writer.ustring(name)
      if (writer.length > maxReplyBytes) return undefined
    }
    // Without the room behind it, which would be held as long.
    return writer.bytes.slice(0, writer.length)
  }

  #forgetOldest(): void {
    for (const [node, { bytes }] of this.#kept) {
      if (this.#bytes <= this.#keptMax) return
      this.#kept.delete(node)
      this.#bytes -= bytes.length
    }
  }
}
