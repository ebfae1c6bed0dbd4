/**
 * A snapshot file: sessions, ACL lists, every znode, and behind each part an Adler-32 of everything so far (FileSnap.java,
 * SerializeUtils.java). Optional parts at the end are told apart by what is left, not by settings.
 */
import { type Acl, adler32, MalformedFrameError, Reader, Writer } from '@lightkeeper/protocol'
import { DataTree, type TreeListener } from '../tree/data-tree.ts'
import { digestVersion } from '../tree/digest.ts'
import { persistedStatBytes, type Znode } from '../tree/znode.ts'

const snapshotMagic = 0x5a4b_534e
const snapshotVersion = 2
const openAclId = -1n
const digestPartBytes = 33
const zxidPartBytes = 21
/** Longer paths and data than this are damage. */
const fieldBytesMax = 1 << 30

/** Why a snapshot cannot be used. */
export class SnapshotDamage extends Error {
  override readonly name = 'SnapshotDamage'
  readonly code = 'SNAPSHOT_DAMAGED'

  constructor(reason: string, offset: number) {
    super(`${reason}, at byte ${offset} of its uncompressed content`)
  }
}

export interface LoadedSnapshot {
  readonly tree: DataTree
  /** Digest of the tree at a zxid at or above the snapshot's; undefined where the writer kept none. */
  readonly digest: { readonly zxid: bigint; readonly value: bigint } | undefined
  /** What it says of itself: everything up to here is in it. Undefined where the writer did not say, as before 3.9. */
  readonly zxid: bigint | undefined
  /**
   * Znodes whose ACL list is not in the snapshot's table, by path, with its number there. Apache writes the table first and the
   * znodes later, so that the list of a later transaction may be missing; the log has it. Nobody passes such a list.
   */
  readonly missingAcls: ReadonlyMap<string, bigint>
}

/** Stands for a list that is missing. Equal to no list that a client can set: its scheme is none. */
export function missingAcl(aclId: bigint): readonly Acl[] {
  return [{ perms: 0, id: { scheme: missingScheme, id: String(aclId) } }]
}

export function isMissingAcl(acl: readonly Acl[]): boolean {
  return acl[0]?.id.scheme === missingScheme
}

/** Empty schemes are refused in every request. */
const missingScheme = ''

// -- writing ----------------------------------------------------------------------------------------------------------

/** Encodes a snapshot piece by piece; `take` what was encoded before it grows large. */
export class SnapshotEncoder {
  readonly #writer = new Writer(256 * 1024)
  readonly #aclIds = new Map<readonly Acl[], bigint>()
  #sum = 1

  /** The part in front of the znodes. */
  begin(sessions: ReadonlyMap<bigint, number>, acls: Iterable<readonly Acl[]>): void {
    const writer = this.#writer
    writer.int(snapshotMagic)
    writer.int(snapshotVersion)
    writer.long(-1n)
    writer.int(sessions.size)
    for (const [id, timeoutMs] of sessions) {
      writer.long(id)
      writer.int(timeoutMs)
    }
    const lists = [...acls]
    writer.int(lists.length)
    for (const list of lists) {
      const id = BigInt(this.#aclIds.size + 1)
      this.#aclIds.set(list, id)
      writer.long(id)
      writer.vector(list, (each, { perms, id: who }) => {
        each.int(perms)
        each.ustring(who.scheme)
        each.ustring(who.id)
      })
    }
  }

  /** `acl` is one of the lists given to `begin`, or the open one. */
  znode(path: string, node: Znode, acl: readonly Acl[]): void {
    const writer = this.#writer
    writer.ustring(path === '/' ? '' : path)
    writer.buffer(node.data)
    writer.long(this.#aclIds.get(acl) ?? openAclId)
    writer.raw(node.persistedStat)
  }

  /** Everything behind the znodes. `digest` is the tree's at `digestZxid`; 0 and 0 say that none is kept. */
  end(zxid: bigint, digestZxid: bigint, digest: bigint): void {
    const writer = this.#writer
    writer.ustring('/')
    this.#seal()
    writer.long(digestZxid)
    writer.int(digestVersion)
    writer.long(digest)
    this.#seal()
    writer.long(zxid)
    this.#seal()
  }

  /** Bytes waiting to be taken. */
  get length(): number {
    return this.#writer.length
  }

  /** What was encoded since the last call, the caller's to keep. */
  take(): Uint8Array {
    const bytes = this.#writer.written()
    this.#sum = adler32(bytes, this.#summed, bytes.length, this.#sum)
    this.#summed = 0
    this.#writer.renew(256 * 1024)
    return bytes
  }
  /** Bytes of the writer that are in the sum already. */
  #summed = 0

  #seal(): void {
    this.#sum = adler32(this.#writer.bytes, this.#summed, this.#writer.length, this.#sum)
    this.#summed = this.#writer.length
    this.#writer.long(BigInt(this.#sum))
    this.#writer.ustring('/')
  }
}

// -- reading ----------------------------------------------------------------------------------------------------------

/** The next piece of a file, undefined at its end. */
export type ByteSource = () => Promise<Uint8Array | undefined>

/** @throws SnapshotDamage where the bytes are no snapshot, or not all of one. */
export async function readSnapshot(source: ByteSource, listener: TreeListener): Promise<LoadedSnapshot> {
  const stream = new SummedStream(source)
  try {
    return await readParts(stream, listener)
  } catch (error) {
    if (error instanceof MalformedFrameError) throw new SnapshotDamage(error.message, stream.offset)
    throw error
  }
}

async function readParts(stream: SummedStream, listener: TreeListener): Promise<LoadedSnapshot> {
  const { reader } = stream
  await stream.need(20)
  if (reader.int() !== snapshotMagic) throw new SnapshotDamage('it does not start with "ZKSN"', 0)
  reader.int()
  reader.long()
  const tree = new DataTree(listener)
  for (let left = reader.int(); left > 0; left--) {
    if (reader.remaining < 12) await stream.need(12)
    tree.sessions.set(reader.long(), reader.int())
  }
  const acls = await readAcls(stream)
  const missingAcls = await readZnodes(stream, tree, acls)
  await checkSeal(stream, 'its znodes')
  const left = await stream.rest(digestPartBytes + zxidPartBytes + 1)
  let digest: LoadedSnapshot['digest']
  let zxid: bigint | undefined
  if (left === digestPartBytes || left === digestPartBytes + zxidPartBytes) {
    const digestZxid = reader.long()
    const version = reader.int()
    const value = reader.long()
    await checkSeal(stream, 'its digest')
    if (version === digestVersion && (digestZxid !== 0n || value !== 0n)) digest = { zxid: digestZxid, value }
  } else if (left !== 0 && left !== zxidPartBytes) {
    throw new SnapshotDamage(`${left} bytes behind the znodes, which is none of the known endings`, stream.offset)
  }
  if (left >= digestPartBytes + zxidPartBytes || left === zxidPartBytes) {
    zxid = reader.long()
    await checkSeal(stream, 'its zxid')
  }
  tree.loaded()
  return { tree, digest, zxid, missingAcls }
}

async function readAcls(stream: SummedStream): Promise<Map<bigint, readonly Acl[]>> {
  const { reader } = stream
  const acls = new Map<bigint, readonly Acl[]>()
  await stream.need(4)
  for (let left = reader.int(); left > 0; left--) {
    await stream.need(12)
    const id = reader.long()
    const list: Acl[] = []
    for (let entries = reader.int(); entries > 0; entries--) {
      await stream.need(8)
      const perms = reader.int()
      const scheme = await stream.text()
      list.push({ perms, id: { scheme, id: await stream.text() } })
    }
    acls.set(id, list)
  }
  return acls
}

async function readZnodes(
  stream: SummedStream,
  tree: DataTree,
  acls: ReadonlyMap<bigint, readonly Acl[]>,
): Promise<Map<string, bigint>> {
  const { reader } = stream
  const missing = new Map<string, bigint>()
  for (;;) {
    if (reader.remaining < 4) await stream.need(4)
    const pathLength = stream.peekLength(0)
    if (reader.remaining < 8 + pathLength) await stream.need(pathLength === 1 ? 5 : 8 + pathLength)
    if (pathLength === 1) {
      const path = reader.ustring()
      if (path === '/') return missing
      throw new SnapshotDamage(`a znode with the path "${path}"`, stream.offset)
    }
    const bytes = 8 + pathLength + stream.peekLength(4 + pathLength) + 8 + persistedStatBytes
    if (reader.remaining < bytes) await stream.need(bytes)
    const path = reader.ustring() ?? ''
    const data = reader.buffer()
    const aclId = reader.long()
    let acl = aclId === openAclId ? open : acls.get(aclId)
    if (acl === undefined) {
      acl = missingAcl(aclId)
      missing.set(path === '' ? '/' : path, aclId)
    }
    const stat = reader.bytes.subarray(reader.pos, reader.pos + persistedStatBytes)
    reader.pos += persistedStatBytes
    if (!tree.load(path, data, acl, stat)) {
      throw new SnapshotDamage(`${path} stands in front of its parent or without one`, stream.offset)
    }
  }
}

const open: readonly Acl[] = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]

async function checkSeal(stream: SummedStream, of: string): Promise<void> {
  const sum = stream.sum()
  await stream.need(8)
  if (stream.reader.long() !== BigInt(sum)) {
    throw new SnapshotDamage(`the checksum over ${of} does not match`, stream.offset)
  }
  await stream.text()
}

/** A window over a source, with a running sum of what was read from it. */
class SummedStream {
  readonly reader = new Reader(new Uint8Array(0))
  readonly #source: ByteSource
  /** Position in the window up to which bytes are in the sum. */
  #summedTo = 0
  #sum = 1
  /** Offset of the window in the stream. */
  #base = 0

  constructor(source: ByteSource) {
    this.#source = source
  }

  get offset(): number {
    return this.#base + this.reader.pos
  }

  /** Adler-32 of everything read so far. */
  sum(): number {
    const { reader } = this
    this.#sum = adler32(reader.bytes, this.#summedTo, reader.pos, this.#sum)
    this.#summedTo = reader.pos
    return this.#sum
  }

  /** Length of a string or buffer that stands `ahead` bytes on; null counts as 0. */
  peekLength(ahead: number): number {
    const { bytes, pos } = this.reader
    const at = pos + ahead
    const length =
      ((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)
    if (length < -1 || length > fieldBytesMax) throw new SnapshotDamage(`a field of length ${length}`, this.offset)
    return Math.max(0, length)
  }

  async text(): Promise<string> {
    await this.need(4)
    await this.need(4 + this.peekLength(0))
    return this.reader.ustring() ?? ''
  }

  /** Makes `count` bytes readable. */
  async need(count: number): Promise<void> {
    if ((await this.#fill(count)) < count) throw new SnapshotDamage('it ends early', this.offset)
  }

  /** How many bytes are left, counted up to `most`. */
  async rest(most: number): Promise<number> {
    return Math.min(most, await this.#fill(most))
  }

  async #fill(count: number): Promise<number> {
    const { reader } = this
    while (reader.remaining < count) {
      const chunk = await this.#source()
      if (chunk === undefined) break
      this.sum()
      const rest = reader.bytes.subarray(reader.pos, reader.end)
      const window = rest.length === 0 ? chunk : new Uint8Array(rest.length + chunk.length)
      if (rest.length > 0) {
        window.set(rest)
        window.set(chunk, rest.length)
      }
      this.#base += reader.pos
      this.#summedTo = 0
      reader.reset(window, 0, window.length)
    }
    return reader.remaining
  }
}
