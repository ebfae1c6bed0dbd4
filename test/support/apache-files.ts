/**
 * Files of a data directory as Apache ZooKeeper 3.3 to 3.9 wrote them, byte by byte and without our own writers: what is read from
 * them was not made by the code that reads it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Acl = readonly (readonly [perms: number, scheme: string, id: string])[]

export const openAcl: Acl = [[31, 'world', 'anyone']]

const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const long = (value: bigint | number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}
const buffer = (bytes: Uint8Array): Buffer => Buffer.concat([int(bytes.length), bytes])
/** A string or, for bytes, a buffer: they look alike. */
const field = (value: string | Uint8Array): Buffer => buffer(Buffer.from(value as string))
const acls = (list: Acl): Buffer =>
  Buffer.concat([
    int(list.length),
    ...list.map(([perms, scheme, id]) => Buffer.concat([int(perms), field(scheme), field(id)])),
  ])

function adler32(bytes: Uint8Array): number {
  let a = 1
  let b = 0
  for (const byte of bytes) {
    a = (a + byte) % 65521
    b = (b + a) % 65521
  }
  return b * 65536 + a
}

// -- snapshots --------------------------------------------------------------------------------------------------------

export interface StatFields {
  readonly czxid: number
  readonly cversion?: number
  readonly owner?: bigint
  readonly pzxid?: number
}

const time = 1_600_000_000_000

export function stat({ czxid, cversion = 0, owner = 0n, pzxid = czxid }: StatFields): Buffer {
  const numbers = [int(0), int(cversion), int(0), long(owner), long(pzxid)]
  return Buffer.concat([long(czxid), long(czxid), long(time), long(time), ...numbers])
}

/** A path, '' for the root; data; number of an ACL list, -1 for the open one; `stat`. */
export type SnapshotNode = readonly [path: string, data: string, aclId: number, stat: Buffer]

/** What every tree has. */
export const systemNodes: readonly SnapshotNode[] = [
  ['', '', -1, stat({ czxid: 0, cversion: -1 })],
  ['/zookeeper', '', -1, stat({ czxid: 0, cversion: -1 })],
  ['/zookeeper/quota', '', -1, stat({ czxid: 0 })],
]

/** Without a digest, as 3.4 and 3.5 wrote them. */
export function snapshotFile(
  nodes: readonly SnapshotNode[],
  sessions: readonly (readonly [id: bigint, timeoutMs: number])[] = [],
  lists: readonly (readonly [id: number, acl: Acl])[] = [],
): Buffer {
  const body = Buffer.concat([
    Buffer.from('ZKSN'),
    int(2),
    long(-1),
    int(sessions.length),
    ...sessions.map(([id, timeoutMs]) => Buffer.concat([long(id), int(timeoutMs)])),
    int(lists.length),
    ...lists.map(([id, acl]) => Buffer.concat([long(id), acls(acl)])),
    ...nodes.map(([path, data, aclId, bytes]) => Buffer.concat([field(path), field(data), long(aclId), bytes])),
    field('/'),
  ])
  return Buffer.concat([body, long(adler32(body)), field('/')])
}

// -- logs -------------------------------------------------------------------------------------------------------------

export interface TxnFields {
  readonly session?: bigint
  readonly cxid?: number
  readonly zxid: number
  readonly type: number
  readonly body?: Buffer
}

export function txn({ session = 0x100n, cxid = 1, zxid, type, body = Buffer.alloc(0) }: TxnFields): Buffer {
  return Buffer.concat([long(session), int(cxid), long(zxid), long(time), int(type), body])
}

/** Header, records, zeros. */
export function logFile(txns: readonly Buffer[], size = 65_536): Buffer {
  const records = txns.map((each) => Buffer.concat([long(adler32(each)), buffer(each), Buffer.from('B')]))
  const bytes = Buffer.concat([Buffer.from('ZKLG'), int(2), long(0), ...records])
  return Buffer.concat([bytes, Buffer.alloc(Math.max(0, size - bytes.length))])
}

interface CreateFields {
  readonly acl?: Acl
  readonly ephemeral?: boolean
  /** Undefined writes none, as 3.3 did. */
  readonly parentCVersion?: number | undefined
}

/** Bodies of transactions, by what they do. */
export const bodies = {
  create(path: string, data: string, { acl = openAcl, ephemeral = false, parentCVersion }: CreateFields = {}): Buffer {
    const parts = [field(path), field(data), acls(acl), Buffer.from([ephemeral ? 1 : 0])]
    return Buffer.concat(parentCVersion === undefined ? parts : [...parts, int(parentCVersion)])
  },
  delete: (path: string): Buffer => field(path),
  setData: (path: string, data: string, version: number): Buffer =>
    Buffer.concat([field(path), field(data), int(version)]),
  setAcl: (path: string, acl: Acl, version: number): Buffer => Buffer.concat([field(path), acls(acl), int(version)]),
  createSession: (timeoutMs: number): Buffer => int(timeoutMs),
  error: (code: number): Buffer => int(code),
}

/** Types of transactions. */
export const types = { error: -1, create: 1, delete: 2, setData: 5, setAcl: 7, createSession: -10, closeSession: -11 }

/** Writes files into `version-2` below `dataDir`. */
export function writeDirectory(dataDir: string, files: Readonly<Record<string, Buffer>>): void {
  const directory = join(dataDir, 'version-2')
  mkdirSync(directory, { recursive: true })
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes)
}
