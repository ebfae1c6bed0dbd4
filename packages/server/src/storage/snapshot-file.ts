/**
 * A snapshot file: a header, an image of the tree (image.ts), and after each part an Adler-32 of everything so far (FileSnap.java,
 * SerializeUtils.java). The size of the end shows which optional parts it has; settings do not matter.
 */
import { type Acl, adler32, MalformedFrameError, Reader, Writer } from '@lightkeeper/protocol'
import type { ReadableFile } from '@lightkeeper/runtime'
import type { DataTree } from '../tree/data-tree.ts'
import { digestVersion } from '../tree/digest.ts'
import { ImageEncoder, ImageParser, type ImageSink, SnapshotDamage } from './image.ts'
import { ImageTree } from './image-tree.ts'

const snapshotMagic = 0x5a4b_534e
const snapshotVersion = 2
/** Bytes in front of the image. */
export const headerBytes = 16
const writerBytes = 256 * 1024
/** A checksum and the text "/". */
const sealBytes = 13
const digestPartBytes = 20 + sealBytes
const zxidPartBytes = 8 + sealBytes
const readBytes = 1 << 20

/** The content of a snapshot after its image. */
export interface SnapshotEnd {
  /** The digest of the tree at a zxid at or above the snapshot's; undefined where the writer kept none. */
  readonly digest: { readonly zxid: bigint; readonly value: bigint } | undefined
  /** The snapshot's own zxid: everything up to it is included. Undefined where the writer did not write it, before 3.9. */
  readonly zxid: bigint | undefined
}

export interface LoadedSnapshot extends SnapshotEnd {
  readonly tree: DataTree
  /** Znodes whose ACL list is not in the snapshot, by path, with its number; see ImageTree. */
  readonly missingAcls: ReadonlyMap<string, bigint>
}

// -- writing ----------------------------------------------------------------------------------------------------------

/**
 * Encodes a snapshot piece by piece: `begin` or `header`, then the image, then `end`. Call `take` before the encoded part becomes
 * large.
 */
export class SnapshotEncoder {
  readonly image: ImageEncoder
  readonly #writer = new Writer(writerBytes)
  #sum = 1
  /** Bytes of the writer that are included in the sum already. */
  #summed = 0

  constructor() {
    this.image = new ImageEncoder(this.#writer)
  }

  /** For an image that exists as bytes: one from a leader. */
  header(): void {
    this.#writer.int(snapshotMagic)
    this.#writer.int(snapshotVersion)
    this.#writer.long(-1n)
  }

  /** The part before the znodes. */
  begin(sessions: ReadonlyMap<bigint, number>, lists: readonly (readonly Acl[])[]): void {
    this.header()
    this.image.begin(sessions, lists)
  }

  /** Bytes of an image, unchanged. */
  raw(bytes: Uint8Array): void {
    this.#writer.raw(bytes)
  }

  /** Everything after the image. `digest` is the tree's at `digestZxid`; 0 and 0 mean that there is none. */
  end(zxid: bigint, digestZxid: bigint, digest: bigint): void {
    const writer = this.#writer
    this.#seal()
    writer.long(digestZxid)
    writer.int(digestVersion)
    writer.long(digest)
    this.#seal()
    writer.long(zxid)
    this.#seal()
  }

  /** The bytes encoded since the last call; the caller owns them. */
  take(): Uint8Array {
    const bytes = this.#writer.written()
    this.#sum = adler32(bytes, this.#summed, bytes.length, this.#sum)
    this.#summed = 0
    this.#writer.renew(writerBytes)
    return bytes
  }

  #seal(): void {
    this.#sum = adler32(this.#writer.bytes, this.#summed, this.#writer.length, this.#sum)
    this.#summed = this.#writer.length
    this.#writer.long(BigInt(this.#sum))
    this.#writer.ustring('/')
  }
}

// -- reading ----------------------------------------------------------------------------------------------------------

/** Returns the next piece of a file, undefined at its end. */
export type ByteSource = () => Promise<Uint8Array | undefined>

/** The content of a file from its beginning, in pieces that the caller owns. */
export function bytesOf(file: ReadableFile): ByteSource {
  let position = 0
  return async () => {
    const target = new Uint8Array(readBytes)
    const count = await file.read(position, target)
    position += count
    return count === 0 ? undefined : target.subarray(0, count)
  }
}

/** @throws SnapshotDamage where the bytes are no snapshot, or not a whole one. */
export async function readSnapshot(source: ByteSource): Promise<LoadedSnapshot> {
  const builder = new ImageTree()
  const { tree, missingAcls } = builder
  const end = await readSnapshotInto(source, builder, () => (builder.hasRoot ? undefined : 'it has no root'))
  tree.loaded()
  return { tree, missingAcls, ...end }
}

/**
 * Reads the image of a snapshot into `sink`. `check` is called after the image, and may return what is wrong with it.
 * @throws SnapshotDamage as `readSnapshot`; the sink may have got a part by then.
 */
export async function readSnapshotInto(
  source: ByteSource,
  sink: ImageSink,
  check?: () => string | undefined,
): Promise<SnapshotEnd> {
  const parser = new SnapshotParser(sink)
  for (let piece = await source(); piece !== undefined; piece = await source()) parser.push(piece)
  return parser.end(check)
}

class SnapshotParser {
  readonly #image: ImageParser
  /** The header, until it is whole; later the part after the image. Both are small. */
  readonly #edge = new Writer(256)
  #isHeaderDone = false
  /** Adler-32 of the header and the image. */
  #sum = 1

  constructor(sink: ImageSink) {
    this.#image = new ImageParser(sink, headerBytes)
  }

  push(bytes: Uint8Array): void {
    let at = this.#isHeaderDone ? 0 : this.#pushHeader(bytes)
    if (this.#isHeaderDone && !this.#image.isDone) {
      const taken = this.#image.push(bytes, at)
      this.#sum = adler32(bytes, at, at + taken, this.#sum)
      at += taken
    }
    if (at === bytes.length) return
    const room = sealBytes + digestPartBytes + zxidPartBytes + 1 - this.#edge.length
    this.#edge.raw(bytes.subarray(at, at + Math.max(0, room)))
  }

  end(check: () => string | undefined = () => undefined): SnapshotEnd {
    if (!this.#isHeaderDone || !this.#image.isDone) {
      const offset = this.#isHeaderDone ? this.#image.offset : this.#edge.length
      throw new SnapshotDamage('it ends early', offset)
    }
    const problem = check()
    if (problem !== undefined) throw new SnapshotDamage(problem, this.#image.offset)
    return this.#parseEnding()
  }

  #pushHeader(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, headerBytes - this.#edge.length)
    this.#edge.raw(bytes.subarray(0, taken))
    if (this.#edge.length < headerBytes) return taken
    const header = this.#edge.written()
    if (new Reader(header).int() !== snapshotMagic) throw new SnapshotDamage('it does not start with "ZKSN"', 0)
    this.#sum = adler32(header, 0, headerBytes, this.#sum)
    this.#edge.clear()
    this.#isHeaderDone = true
    return taken
  }

  #parseEnding(): SnapshotEnd {
    const bytes = this.#edge.written()
    const reader = new Reader(bytes)
    const offset = this.#image.offset
    let summed = 0
    const checkSeal = (what: string): void => {
      this.#sum = adler32(bytes, summed, reader.pos, this.#sum)
      summed = reader.pos
      if (reader.remaining < sealBytes) throw new SnapshotDamage('it ends early', offset + bytes.length)
      const sum = reader.long()
      reader.ustring()
      if (sum !== BigInt(this.#sum)) {
        throw new SnapshotDamage(`the checksum over ${what} does not match`, offset + summed)
      }
    }
    try {
      checkSeal('its znodes')
      const left = reader.remaining
      let digest: SnapshotEnd['digest']
      let zxid: bigint | undefined
      if (left === digestPartBytes || left === digestPartBytes + zxidPartBytes) {
        const digestZxid = reader.long()
        const version = reader.int()
        const value = reader.long()
        checkSeal('its digest')
        if (version === digestVersion && (digestZxid !== 0n || value !== 0n)) digest = { zxid: digestZxid, value }
      } else if (left !== 0 && left !== zxidPartBytes) {
        const what = left > digestPartBytes + zxidPartBytes ? `more than ${left - 1} bytes` : `${left} bytes`
        throw new SnapshotDamage(`${what} behind the znodes, which is none of the known endings`, offset + reader.pos)
      }
      if (left === digestPartBytes + zxidPartBytes || left === zxidPartBytes) {
        zxid = reader.long()
        checkSeal('its zxid')
      }
      return { digest, zxid }
    } catch (error) {
      if (error instanceof MalformedFrameError) throw new SnapshotDamage(error.message, offset + reader.pos)
      throw error
    }
  }
}
