/**
 * The tree between two terms, and the transactions behind it that are in the log: what a leader sent and did not commit yet, and what
 * was committed when a term ended. They are applied leniently, since an image may have some of their effects already.
 */
import { type Clock, Deque } from '@lightkeeper/runtime'
import type { LoggedTxn } from '../storage/txn-codec.ts'
import type { ChangeReceiver, DataTree } from '../tree/data-tree.ts'
import { replay } from '../tree/replay.ts'

/** How long one turn applies transactions, milliseconds. */
const sliceMs = 5
const txnsPerLook = 16
/** Between two terms there are no watches. */
const nobody: ChangeReceiver = { created() {}, dataChanged() {}, deleted() {} }

export interface BacklogHooks {
  /** Everything up to `zxid` is in the tree. */
  applied(zxid: bigint): void
  /** The tree does not have the digest that the leader's had behind this transaction. */
  differs(zxid: bigint): void
  /** Half a transaction may be in the tree. */
  broken(error: Error): void
}

export class Backlog {
  #tree: DataTree
  /** Zxid of the last transaction in the tree. */
  #zxid: bigint
  readonly #clock: Clock
  readonly #hooks: BacklogHooks
  readonly #txns = new Deque<LoggedTxn>()
  #committed: bigint
  #isDue = false
  /** The tree belongs to a term: nothing is applied here. */
  #isAway = false

  constructor(tree: DataTree, zxid: bigint, clock: Clock, hooks: BacklogHooks) {
    this.#tree = tree
    this.#zxid = zxid
    this.#committed = zxid
    this.#clock = clock
    this.#hooks = hooks
  }

  get tree(): DataTree {
    return this.#tree
  }

  get zxid(): bigint {
    return this.#zxid
  }

  /** Takes the next transaction of the log. */
  add(txn: LoggedTxn): void {
    this.#txns.push(txn)
  }

  /** Everything up to `zxid` is durable and committed. */
  commit(zxid: bigint): void {
    if (zxid > this.#committed) this.#committed = zxid
    this.#runLater()
  }

  /** Nobody watches the tree any more. */
  release(): void {
    this.#tree.receiver = nobody
  }

  /** A term takes the tree, and the transactions that are not in it. */
  lend(): LoggedTxn[] {
    this.#isAway = true
    const rest = [...this.#txns]
    this.#txns.clear()
    return rest
  }

  /**
   * The term is over: its tree is at `zxid`, and these transactions are not in it. Those up to `committed` are durable and committed: the
   * term was told so, and nobody says it again.
   */
  takeBack(zxid: bigint, rest: readonly LoggedTxn[], committed: bigint): void {
    this.#isAway = false
    this.#zxid = zxid
    this.#tree.receiver = nobody
    for (const txn of rest) this.#txns.push(txn)
    this.commit(committed)
  }

  /** Another history: its tree is at `zxid`, and `rest` follows. */
  replace(tree: DataTree, zxid: bigint, rest: readonly LoggedTxn[]): void {
    this.#tree = tree
    this.#zxid = zxid
    this.#committed = zxid
    this.#txns.clear()
    for (const txn of rest) this.#txns.push(txn)
  }

  /** The tree may have its effects already, or those of later ones. */
  execute({ header, txn }: LoggedTxn): void {
    replay(this.#tree, header, txn)
  }

  #runLater(): void {
    if (this.#isDue || this.#isAway) return
    this.#isDue = true
    this.#clock.turnEnd(() => {
      this.#isDue = false
      if (this.#isAway) return
      try {
        this.#run()
      } catch (error) {
        this.#hooks.broken(error as Error)
      }
    })
  }

  #run(): void {
    const until = this.#clock.now() + sliceMs
    let digest: bigint | undefined
    let left = txnsPerLook
    for (let next = this.#txns.peek(); next !== undefined; next = this.#txns.peek()) {
      const { header } = next
      if (header.zxid > this.#committed) break
      if (--left <= 0) {
        left = txnsPerLook
        if (this.#clock.now() >= until) {
          this.#runLater()
          this.#hooks.applied(this.#zxid)
          return
        }
      }
      this.#txns.shift()
      this.execute(next)
      this.#zxid = header.zxid
      digest = next.digest
    }
    if (digest !== undefined && digest !== this.#tree.digest.value) this.#hooks.differs(this.#zxid)
    this.#hooks.applied(this.#zxid)
  }
}
