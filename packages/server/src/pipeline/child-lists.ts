/**
 * Long lists of children, in wire format. Encoding two hundred thousand names takes some twenty milliseconds. A list that is
 * requested again before a child comes or goes is sent from here, and clients that read slowly share one copy.
 */
import { Writer } from '@lightkeeper/protocol'
import type { Znode } from '../tree/znode.ts'

/** The list of a znode with fewer children is encoded each time. */
export const longList = 1_000
/** Bytes of all kept lists. */
const keptBytesMax = 16 << 20

interface Kept {
  readonly bytes: Uint8Array
  /** Creates raise one, deletes lower the other: if both are equal, the children are the same. */
  readonly cversion: number
  readonly numChildren: number
}

export class ChildLists {
  /** The last requested ones are at the end. */
  readonly #kept = new Map<Znode, Kept>()
  readonly #limits: { readonly maxReplyBytes: number }
  readonly #keptMax: number
  #bytes = 0

  /** A list of more than `maxReplyBytes` is not made; all kept lists together have at most `keptMax` bytes. */
  constructor(limits: { readonly maxReplyBytes: number }, keptMax: number = keptBytesMax) {
    this.#limits = limits
    this.#keptMax = keptMax
  }

  /** Bytes of the kept lists. */
  get keptBytes(): number {
    return this.#bytes
  }

  /** The number and names of the children of `node`, encoded; do not change the bytes. Undefined where they are too many bytes. */
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

  /** Encodes the list; `expected` is its approximate size in bytes. */
  write(node: Znode, expected: number): Uint8Array | undefined {
    const { maxReplyBytes } = this.#limits
    const writer = new Writer(Math.min(expected, maxReplyBytes) + 1024)
    writer.int(node.numChildren)
    for (const name of node.children?.keys() ?? []) {
      writer.ustring(name)
      if (writer.length > maxReplyBytes) return undefined
    }
    // Without the unused room at its end, which would be kept as long.
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
