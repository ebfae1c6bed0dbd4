/** A part of a past tree, which moves forward transaction by transaction. Each change includes the state before it. */
import type { Acl } from '@lightkeeper/client'
import { opCode } from '@lightkeeper/protocol'
import type { LoggedTxn } from '@lightkeeper/server'
import type { Scope } from './scope.ts'

export interface PastZnode {
  /** Undefined where it cannot be known: a snapshot that is written while the server works includes some later changes. */
  readonly data: Uint8Array | undefined
  /** The ACL of the znode. */
  readonly acl: readonly Acl[]
  /** Zxid of the transaction that created the znode. */
  readonly czxid: bigint
  /** Zxid of the last `set`, or of the creation. */
  readonly mzxid: bigint
  /** Milliseconds since 1970. */
  readonly ctime: number
  /** Milliseconds since 1970. */
  readonly mtime: number
  /** Number of `set`s since creation. */
  readonly version: number
  /** Number of `setAcl`s since creation. */
  readonly aversion: number
  /** The owner, as in a Stat: a session id, 0n, or the mark of a container or of a TTL. */
  readonly ephemeralOwner: bigint
}

export interface Change {
  /** What happened to the znode. */
  readonly kind: 'created' | 'changed' | 'acl changed' | 'deleted'
  /** The path of the znode. */
  readonly path: string
  /** The zxid of the transaction. */
  readonly zxid: bigint
  /** Milliseconds since 1970, by the clock of the server that executed the write. */
  readonly time: number
  /** The session that asked for it. */
  readonly session: bigint
  /** Undefined for a created znode, and where it is not known. */
  readonly before: PastZnode | undefined
  /** Undefined for a deleted znode. */
  readonly after: PastZnode | undefined
}

const openAcl: readonly Acl[] = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
export const containerOwner = -0x8000_0000_0000_0000n
const empty = new Uint8Array(0)

export class PastTree {
  /** By path, in no particular order. */
  readonly nodes = new Map<string, PastZnode>()
  readonly #scope: Scope
  readonly #onChange: (change: Change) => void
  readonly #ephemerals = new Map<bigint, Set<string>>()

  constructor(scope: Scope, onChange: (change: Change) => void = () => {}) {
    this.#scope = scope
    this.#onChange = onChange
  }

  /** Stores a znode of a snapshot, without reporting a change. */
  load(path: string, node: PastZnode): void {
    this.nodes.set(path, node)
    this.#own(path, node.ephemeralOwner)
  }

  /** Transactions are missing: from here on the state is not known. */
  forget(): void {
    this.nodes.clear()
    this.#ephemerals.clear()
  }

  /** Whether the session owns ephemerals that are in scope. */
  hasEphemeralsOf(session: bigint): boolean {
    return this.#ephemerals.has(session)
  }

  /** Executes a transaction, and reports each change in scope. */
  apply({ header, txn }: LoggedTxn): void {
    switch (txn.type) {
      case opCode.multi:
        if (txn.txns.some(({ type }) => type === opCode.error)) return
        for (const part of txn.txns) this.#step(header, part)
        return
      case opCode.closeSession: {
        const paths = new Set([...(txn.paths2Delete ?? []), ...(this.#ephemerals.get(header.clientId) ?? [])])
        for (const path of paths) this.#remove(header, path)
        return
      }
      case opCode.createSession:
        return
      default:
        this.#step(header, txn)
    }
  }

  #step(header: LoggedTxn['header'], txn: NodeTxn): void {
    if (!('path' in txn) || !this.#scope.has(txn.path)) return
    const { path } = txn
    const common = { path, zxid: header.zxid, time: Number(header.time), session: header.clientId }
    const before = this.nodes.get(path)
    switch (txn.type) {
      case opCode.create:
      case opCode.create2:
      case opCode.createContainer:
      case opCode.createTTL: {
        const owner =
          txn.type === opCode.createContainer
            ? containerOwner
            : txn.type === opCode.createTTL
              ? ttlOwner(txn.ttl)
              : txn.ephemeral
                ? header.clientId
                : 0n
        const after: PastZnode = {
          data: txn.data?.slice() ?? empty,
          acl: txn.acl ?? openAcl,
          czxid: header.zxid,
          mzxid: header.zxid,
          ctime: common.time,
          mtime: common.time,
          version: 0,
          aversion: 0,
          ephemeralOwner: owner,
        }
        this.load(path, after)
        this.#onChange({ kind: 'created', ...common, before: undefined, after })
        return
      }
      case opCode.setData:
      case opCode.reconfig: {
        const after: PastZnode = {
          ...(before ?? unknownZnode),
          data: txn.data?.slice() ?? empty,
          mzxid: header.zxid,
          mtime: common.time,
          version: txn.version,
        }
        this.nodes.set(path, after)
        this.#onChange({ kind: 'changed', ...common, before, after })
        return
      }
      case opCode.setACL: {
        const after: PastZnode = { ...(before ?? unknownZnode), acl: txn.acl ?? openAcl, aversion: txn.version }
        this.nodes.set(path, after)
        this.#onChange({ kind: 'acl changed', ...common, before, after })
        return
      }
      case opCode.delete:
      case opCode.deleteContainer:
        this.#remove(header, path)
        return
      default:
    }
  }

  #remove(header: LoggedTxn['header'], path: string): void {
    if (!this.#scope.has(path)) return
    const before = this.nodes.get(path)
    this.nodes.delete(path)
    if (before !== undefined) {
      const owned = this.#ephemerals.get(before.ephemeralOwner)
      owned?.delete(path)
      if (owned?.size === 0) this.#ephemerals.delete(before.ephemeralOwner)
    }
    const { zxid, time, clientId: session } = header
    this.#onChange({ kind: 'deleted', path, zxid, time: Number(time), session, before, after: undefined })
  }

  #own(path: string, owner: bigint): void {
    if (kindOf(owner) !== 'ephemeral') return
    const owned = this.#ephemerals.get(owner)
    if (owned === undefined) this.#ephemerals.set(owner, new Set([path]))
    else owned.add(path)
  }
}

type NodeTxn = Exclude<
  LoggedTxn['txn'],
  { type: typeof opCode.multi | typeof opCode.createSession | typeof opCode.closeSession }
>

/** The znodes that a server creates in a new tree. */
export const systemZnode: PastZnode = {
  data: empty,
  acl: openAcl,
  czxid: 0n,
  mzxid: 0n,
  ctime: 0,
  mtime: 0,
  version: 0,
  aversion: 0,
  ephemeralOwner: 0n,
}

/** The state before a write whose znode is not known to exist. */
const unknownZnode: PastZnode = {
  data: undefined,
  acl: [],
  czxid: 0n,
  mzxid: 0n,
  ctime: 0,
  mtime: 0,
  version: -1,
  aversion: -1,
  ephemeralOwner: 0n,
}

export type PastKind = 'persistent' | 'ephemeral' | 'container' | 'ttl'

/** Session ids never start with 0xFF (EphemeralType.java). */
export function kindOf(owner: bigint): PastKind {
  if (owner === 0n) return 'persistent'
  if (owner === containerOwner) return 'container'
  return BigInt.asUintN(64, owner) >> 56n === 0xffn ? 'ttl' : 'ephemeral'
}

function ttlOwner(ttlMs: bigint): bigint {
  return BigInt.asIntN(64, (0xffn << 56n) | (ttlMs & 0xff_ffff_ffffn))
}

/** The TTL, in milliseconds, of an owner for which `kindOf` returns `ttl`. */
export function ttlMsOf(owner: bigint): number {
  return Number(owner & 0xff_ffff_ffffn)
}
