/** A data directory on a simulated disk, filled by the real log and snapshots, for tests that damage it. */

import { opCode, parentPath, type TxnHeader } from '@lightkeeper/protocol'
import { World } from '@lightkeeper/testing/sim'
import { resolveConfig, type ServerOptions } from '../config/config.ts'
import { DataTree } from '../tree/data-tree.ts'
import { TreeWalk } from '../tree/tree-walk.ts'
import type { Txn } from '../tree/txn.ts'
import { ImageEncoder } from './image.ts'
import { type Recovered, type RecoveryOptions, recover } from './recovery.ts'
import { Storage, type StorageOptions } from './storage.ts'
import { logTxn } from './txn-log.ts'

export const directory = '/data/version-2'
const host = 'server'

export class Bench {
  readonly world: World
  storage: Storage | undefined
  tree = new DataTree()
  lastZxid = 0n
  /** The same tree, one batch ahead: a transaction is logged with the digest of the tree after it, before it is applied. */
  #ahead = new DataTree()
  readonly #options: ServerOptions

  constructor(seed = 1, options: ServerOptions = {}) {
    this.world = new World(seed)
    this.#options = { preAllocSize: 1, ...options }
  }

  get disk() {
    return this.world.disk(host)
  }

  async open(options: StorageOptions = {}): Promise<Storage> {
    const config = resolveConfig({ dataDir: '/data', ...this.#options }, 0)
    const opened = Storage.open(this.world.runtime(host), config, '/data', options)
    const storage = await this.world.run(opened)
    this.storage = storage
    this.tree = storage.recovered.tree
    this.#ahead = (await this.recover(options.damage === 'report' ? options : {})).tree
    this.lastZxid = storage.recovered.lastZxid
    return storage
  }

  /** One batch: logged, durable, applied. Returns the zxid of the last. */
  async write(...txns: readonly Txn[]): Promise<bigint> {
    const storage = this.storage as Storage
    const batch: [TxnHeader, Txn][] = []
    let zxid = this.lastZxid
    for (const txn of txns) {
      zxid++
      const header = { clientId: 7n, cxid: 1, zxid, time: 1_000n + zxid, type: txn.type }
      batch.push([header, txn])
    }
    const logged: [TxnHeader, Txn, bigint][] = []
    for (const [header, given] of batch) {
      const txn = numbered(this.#ahead, given)
      this.#ahead.apply(header, txn)
      const digest = this.#ahead.computeDigest()
      logged.push([header, txn, digest])
      logTxn(storage.log, header, txn, digest)
    }
    await this.world.run(
      new Promise<void>((resolve, reject) => {
        storage.log.flush((error) => (error === undefined ? resolve() : reject(error)))
      }),
    )
    for (const [header, txn, digest] of logged) {
      this.tree.apply(header, txn)
      this.tree.digest.value = digest
    }
    this.lastZxid = zxid
    storage.applied(zxid)
    return zxid
  }

  async creates(count: number, prefix = 'n', bytes = 10): Promise<void> {
    for (let i = 0; i < count; i++) await this.write(create(`/${prefix}${this.lastZxid + 1n}`, new Uint8Array(bytes)))
  }

  snapshot(): Promise<unknown> {
    return this.world.run((this.storage as Storage).snapshot())
  }

  /** A clean end. */
  async close(): Promise<void> {
    await this.world.run((this.storage as Storage).close())
    this.storage = undefined
  }

  /** The result of a start, with no other changes than those of a start. */
  recover(options: Partial<RecoveryOptions> = {}): Promise<Recovered> {
    const all = { snapshotDirectory: directory, logDirectory: directory, damage: 'refuse', ...options } as const
    return this.world.run(recover(this.world.runtime(host), all))
  }

  /** Names in the directory, sorted. */
  names(): string[] {
    return [...this.disk.files(directory).keys()].sort()
  }

  damage(name: string, change: (bytes: Uint8Array) => Uint8Array): void {
    this.disk.damage(`${directory}/${name}`, change)
  }

  /** Removes our mark, as if another server had written the directory. */
  forgetMark(): void {
    this.disk.lose(`${directory}/acknowledged`)
  }
}

export function create(path: string, data: Uint8Array | null = null): Txn {
  return { type: opCode.create, path, data, acl: null, ephemeral: false, parentCVersion: -1 }
}

/** Fills in what prepare would know about the parent. */
function numbered(tree: DataTree, txn: Txn): Txn {
  if (!('parentCVersion' in txn)) return txn
  const parent = tree.get(parentPath(txn.path))
  return { ...txn, parentCVersion: (parent?.cversion ?? 0) + 1 }
}

/** Every znode with all its numbers, as text: equal for equal trees. */
export function dump(tree: DataTree): string[] {
  const lines: string[] = []
  tree.nodes.forEach((node, path) => {
    const stat = Buffer.from(node.persistedStat).toString('hex')
    const data = node.data === null ? 'null' : Buffer.from(node.data).toString('hex')
    const acl = node.acl.map(({ perms, id }) => `${perms}:${id.scheme}:${id.id}`).join()
    lines.push(`${path} ${stat} ${data} ${acl} ${[...(node.children?.keys() ?? [])].sort().join()}`)
  })
  return lines.sort()
}

/** The whole image of a tree, as in a snapshot or from a leader: encoded in slices and read to the end. */
export function imageOf(tree: DataTree, sliceZnodes: number): Uint8Array {
  const encoder = new ImageEncoder()
  const walk = new TreeWalk(tree, 1n << 62n)
  encoder.begin(tree.sessions, walk.lists)
  const pieces: Uint8Array[] = []
  for (const _ of encoder.znodes(walk, sliceZnodes)) pieces.push(encoder.take())
  encoder.end()
  pieces.push(encoder.take())
  walk.end()
  return new Uint8Array(Buffer.concat(pieces))
}
