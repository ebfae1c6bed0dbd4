/** The past in a data directory: brings the znodes of a scope to the state after any transaction, from the best snapshot. */

import { type Acl, formatHex, opCode, openAcl } from '@lightkeeper/protocol'
import type { ReadableDisk } from '@lightkeeper/runtime'
import {
  type DataFiles,
  dataFiles,
  firstTransaction,
  type Gap,
  type TransactionView,
  visitSnapshot,
  visitTransactions,
} from '@lightkeeper/server'
import { type Change, PastTree, systemZnode } from './past-tree.ts'
import { concerns, type Scope } from './scope.ts'
import { newestZxidIn, pastZnodeOf } from './stat-bytes.ts'

/** The number of the ACL list that every snapshot knows. */
const openAclId = -1n

/** The start of an answer: the znodes of its scope as they were after the transaction `zxid`. */
interface Start {
  readonly zxid: bigint
  load(tree: PastTree): void
}

export interface Walked {
  /** The znodes as they are after the last transaction that was read. */
  readonly tree: PastTree
  /** The last transaction that was read; that of the snapshot where none was. */
  readonly zxid: bigint
}

export interface WalkOptions {
  /** Begins as late as the state after this transaction can still be known; without it, with the first transaction that exists. */
  readonly exactAt?: bigint
  /** The last transaction to read. Default: the last one that exists. */
  readonly until?: bigint
  /** Called for each change in scope, in the order of the transactions. */
  readonly onChange?: (change: Change) => void
  /** Without it, missing transactions are an error. */
  readonly onGap?: (gap: Gap) => void
}

export class PastDirectory {
  readonly #disk: ReadableDisk
  readonly #files: DataFiles

  private constructor(disk: ReadableDisk, files: DataFiles) {
    this.#disk = disk
    this.#files = files
  }

  /** A directory of our server or of Apache's, in use or not, on a disk or by the admin port of a server. @throws Error where it has no files of a server. */
  static async open(disk: ReadableDisk, dataDir: string, logDir?: string): Promise<PastDirectory> {
    return new PastDirectory(disk, await dataFiles(disk, dataDir, logDir))
  }

  /** @throws Error where the state after `exactAt` cannot be known, or where transactions are missing and there is no `onGap`. */
  async walk(scope: Scope, { exactAt, until, onChange, onGap }: WalkOptions = {}): Promise<Walked> {
    const start = exactAt === undefined ? await this.#earliest(scope) : await this.#latest(scope, exactAt)
    const tree = new PastTree(scope, onChange)
    start.load(tree)
    let last = start.zxid
    let isFirst = true
    const missing = (gap: Gap): void => {
      if (onGap === undefined) throw new Error(gapText(gap))
      tree.forget()
      onGap(gap)
    }
    await this.visit(start.zxid + 1n, {
      transaction(view) {
        const { zxid } = view
        if (until !== undefined && zxid > until) return false
        // A later epoch begins with 1.
        if (isFirst && zxid !== last + 1n && zxid >> 32n === last >> 32n) {
          missing({ after: last, next: zxid, place: 'the logs begin later' })
        }
        isFirst = false
        last = zxid
        const takesEphemerals = view.type === opCode.closeSession && tree.hasEphemeralsOf(view.session)
        if (takesEphemerals || concerns(view, scope)) tree.apply(view.decode())
        return undefined
      },
      gap(gap) {
        if (until === undefined || gap.next <= until) missing(gap)
      },
    })
    return { tree, zxid: last }
  }

  /** Every transaction from `from` on; the bytes are valid only during the call. */
  visit(
    from: bigint,
    visitor: { transaction(view: TransactionView): void | false; gap?(gap: Gap): void },
  ): Promise<void> {
    const { transaction, gap = () => {} } = visitor
    return visitTransactions(this.#disk, this.#files, from, { transaction, gap })
  }

  /** The last transaction of all, in the logs or in the name of a snapshot. */
  async lastZxid(): Promise<bigint> {
    const { logs, snapshots } = this.#files
    let last = snapshots.at(-1)?.zxid ?? 0n
    await this.visit(logs.at(-1)?.zxid ?? 0n, {
      transaction({ zxid }) {
        if (zxid > last) last = zxid
      },
    })
    return last
  }

  /** The last transaction whose time is `time` or earlier; 0n where all are later. */
  async zxidAt(time: number): Promise<bigint> {
    for (const log of this.#files.logs.toReversed()) {
      const first = await firstTransaction(this.#disk, this.#files, log)
      if (first === undefined || first.time > time) continue
      let found = first.zxid
      await this.visit(first.zxid, {
        transaction(view) {
          // The next file begins later.
          if (!view.file.endsWith(`/${log.name}`)) return false
          if (view.time <= time) found = view.zxid
          return undefined
        },
      })
      return found
    }
    return 0n
  }

  /** The newest snapshot that holds nothing after `at`, or the beginning of all. */
  async #latest(scope: Scope, at: bigint): Promise<Start> {
    let earliest: string | undefined
    const problems: string[] = []
    for (const named of this.#files.snapshots.toReversed()) {
      if (named.zxid > at) continue
      try {
        const { start, reach } = await this.#read(scope, named)
        if (reach <= at) return start
        earliest = `${named.name} was written until ${formatHex(reach)}`
      } catch (error) {
        problems.push((error as Error).message)
      }
    }
    if (await this.#beginsAtFirst()) return firstStart(scope)
    const why = [earliest, ...problems].filter((each) => each !== undefined).join('; ')
    throw new Error(
      `the tree at ${formatHex(at)} is not known: no snapshot reaches back to it, and the logs do not begin with the first transaction${why === '' ? '' : ` (${why})`}`,
    )
  }

  /** Everything that is known of the state before the first transaction in the logs. */
  async #earliest(scope: Scope): Promise<Start> {
    if (await this.#beginsAtFirst()) return firstStart(scope)
    const [log] = this.#files.logs
    const first = log === undefined ? undefined : await firstTransaction(this.#disk, this.#files, log)
    for (const named of this.#files.snapshots) {
      const read = await this.#read(scope, named).catch(() => undefined)
      if (read === undefined) continue
      const before = first === undefined || first.zxid > named.zxid ? named.zxid : first.zxid - 1n
      return asOf(read.start, before)
    }
    return { zxid: first === undefined ? 0n : first.zxid - 1n, load() {} }
  }

  async #beginsAtFirst(): Promise<boolean> {
    const [log] = this.#files.logs
    const first = log === undefined ? undefined : await firstTransaction(this.#disk, this.#files, log)
    return first !== undefined && (first.zxid === 1n || first.zxid === 0x1_0000_0001n || first.zxid === 0x1_0000_0000n)
  }

  /** `reach` is the last transaction that it may include in part: a server continues while it writes a snapshot. */
  async #read(scope: Scope, named: DataFiles['snapshots'][number]): Promise<{ start: Start; reach: bigint }> {
    const loaded: [string, ReturnType<typeof pastZnodeOf>][] = []
    let newestNumber = 0
    const lists = new Map<bigint, readonly Acl[]>([[openAclId, openAcl]])
    const end = await visitSnapshot(this.#disk, this.#files, named, {
      session() {},
      aclList: (id, list) => void lists.set(id, list),
      znode(path, data, aclId, stat) {
        const own = path === '' ? '/' : path
        newestNumber = Math.max(newestNumber, newestZxidIn(stat))
        // A missing ACL list belongs to a later transaction, which contains it.
        if (scope.has(own)) loaded.push([own, pastZnodeOf(data, lists.get(aclId) ?? [], stat)])
        return undefined
      },
    })
    const newest = BigInt(newestNumber) > named.zxid ? BigInt(newestNumber) : named.zxid
    // The digest is from a transaction after everything in the snapshot. Without a digest, only the znodes themselves show the
    // reach.
    const reach = end.digest === undefined || end.digest.zxid < newest ? newest : end.digest.zxid
    const start: Start = { zxid: named.zxid, load: (tree) => loaded.forEach(([path, node]) => tree.load(path, node)) }
    return { start, reach }
  }
}

/** Only what every tree has. */
function firstStart(scope: Scope): Start {
  return {
    zxid: 0n,
    load(tree) {
      for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
        if (scope.has(path)) tree.load(path, systemZnode)
      }
    },
  }
}

/**
 * What a snapshot shows of an earlier state: znodes that were created later are left out; znodes that were written later have
 * unknown data.
 */
function asOf(start: Start, zxid: bigint): Start {
  return {
    zxid,
    load(tree) {
      const whole = new PastTree({ has: () => true, hasBytes: () => true })
      start.load(whole)
      for (const [path, node] of whole.nodes) {
        if (node.czxid > zxid) continue
        tree.load(path, node.mzxid > zxid ? { ...node, data: undefined } : node)
      }
    },
  }
}

function gapText({ after, next, place }: Gap): string {
  const from = after === undefined ? '' : ` behind ${formatHex(after)}`
  return `transactions${from} are missing in front of ${formatHex(next)} (${place}); lightkeeper inspect shows what is there`
}
