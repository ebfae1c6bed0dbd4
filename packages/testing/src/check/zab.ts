/**
 * The rules that an ensemble must keep, with the names of the Zab paper and of Apache's TLA+ specifications. The checker receives
 * what servers do and store, step by step, and throws at the first step that breaks a rule. It does not know how servers do it.
 */

/** One transaction; a number identifies its payload. */
export interface CheckedTxn {
  readonly zxid: bigint
  readonly payload: number
}

export class ZabViolation extends Error {
  override readonly name = 'ZabViolation'
  readonly invariant: ZabInvariant

  constructor(invariant: ZabInvariant, text: string) {
    super(`${invariant}: ${text}`)
    this.invariant = invariant
  }
}

export type ZabInvariant =
  /** In each epoch, a quorum accepts the initial history of one server only. */
  | 'Leadership'
  /** All servers apply the same transactions in the same order, without gaps. */
  | 'TotalOrder'
  /** Every applied transaction was proposed, unchanged, by the leader of its epoch. */
  | 'Integrity'
  /** The transactions of one leader are applied in its order, without a hole. */
  | 'LocalPrimaryOrder'
  /** Epochs are applied in order. */
  | 'GlobalPrimaryOrder'
  /** A leader has applied everything of earlier epochs before it proposes. */
  | 'PrimaryIntegrity'
  /** No committed transaction is missing in the history of a later leader. */
  | 'LeaderLogCompleteness'
  /** A committed transaction is on the disks of a quorum, whatever is cut or replaced. */
  | 'CommittedLogDurability'
  /** A server promises only what is durable. */
  | 'HistoryOrder'
  /** A sync is answered where everything is that was committed when it was asked. */
  | 'SyncedReads'
  /** Healthy servers never send each other a packet that is not allowed at that point. */
  | 'MessageLegal'
  /** When the faults have ended, all servers serve again, with the same state. */
  | 'Liveness'

export class ZabChecker {
  readonly #isQuorum: (sids: readonly number[]) => boolean
  readonly #voters: readonly number[]
  /** The committed transactions, in order. */
  readonly committed: CheckedTxn[] = []
  readonly #proposals = new Map<bigint, { readonly payload: number; readonly sid: number }>()
  readonly #leaders = new Map<number, number>()
  readonly #promises = new Map<string, number>()
  /** For each voter: how many committed transactions its disk has, as a prefix of its history. */
  readonly #durable = new Map<number, number>()

  constructor(voters: readonly number[], isQuorum: (sids: readonly number[]) => boolean) {
    this.#voters = voters
    this.#isQuorum = isQuorum
  }

  /** A leader proposes a transaction. `applied` is the number of transactions that it has applied. */
  proposed(sid: number, { zxid, payload }: CheckedTxn, applied: number): void {
    const epoch = Number(zxid >> 32n)
    this.#require(this.#leaders.get(epoch) === sid, 'Leadership', `${hex(zxid)} is proposed by server ${sid}`)
    this.#require(!this.#proposals.has(zxid), 'Integrity', `${hex(zxid)} is proposed twice`)
    const earlier = this.committed.findLastIndex((txn) => Number(txn.zxid >> 32n) < epoch) + 1
    this.#require(
      applied >= earlier,
      'PrimaryIntegrity',
      `server ${sid} proposes with ${applied} of ${earlier} applied`,
    )
    this.#proposals.set(zxid, { payload, sid })
  }

  /** A server begins to serve as leader with this history. */
  established(sid: number, epoch: number, history: readonly CheckedTxn[]): void {
    const other = this.#leaders.get(epoch)
    this.#require(other === undefined || other === sid, 'Leadership', `epoch ${epoch} has leaders ${other} and ${sid}`)
    this.#leaders.set(epoch, sid)
    // A leader may be the last to learn that a later epoch has begun; it must have everything of earlier epochs.
    const missing = this.committed.find((txn, i) => Number(txn.zxid >> 32n) < epoch && !isSame(txn, history[i]))
    this.#require(
      missing === undefined,
      'LeaderLogCompleteness',
      `server ${sid} leads epoch ${epoch} without ${hex(missing?.zxid ?? 0n)}`,
    )
  }

  /** A server sends a leader an ACKEPOCH that may count: the promise to follow it in `epoch`. */
  promised(sid: number, epoch: number, leader: number): void {
    const key = `${sid} ${epoch}`
    const other = this.#promises.get(key)
    this.#require(
      other === undefined || other === leader,
      'Leadership',
      `server ${sid} counts for server ${leader} in epoch ${epoch} and did for server ${other}`,
    )
    this.#promises.set(key, leader)
  }

  /** A server applies its transaction number `index`, from 0. */
  applied(sid: number, index: number, txn: CheckedTxn): void {
    const known = this.committed[index]
    if (known !== undefined) {
      this.#require(
        isSame(known, txn),
        'TotalOrder',
        `number ${index + 1} is ${show(txn)} at server ${sid} and ${show(known)} at others`,
      )
      return
    }
    this.#require(index === this.committed.length, 'TotalOrder', `server ${sid} leaves out what is before ${show(txn)}`)
    this.#commit(sid, txn)
  }

  /** The state of a server is replaced by the state that these transactions make. */
  restored(sid: number, state: readonly CheckedTxn[]): void {
    for (const [index, txn] of state.entries()) {
      const known = this.committed[index]
      this.#require(
        known !== undefined && isSame(known, txn),
        'TotalOrder',
        `number ${index + 1} of the restored state of server ${sid} is ${show(txn)}`,
      )
    }
  }

  /** The disk of a server has changed. */
  disk(sid: number, history: readonly CheckedTxn[], why: string): void {
    if (!this.#voters.includes(sid)) return
    const before = this.#durable.get(sid) ?? 0
    const count = this.#prefix(history, 0)
    this.#durable.set(sid, count)
    if (count >= before) return
    this.#require(why !== 'a crash', 'HistoryOrder', `server ${sid} had ${before} committed transactions, now ${count}`)
    this.#requireQuorum(`after ${why} at server ${sid}`)
  }

  /** Claims that a server may send a promise now. */
  word(isTrue: boolean, text: string): void {
    this.#require(isTrue, 'HistoryOrder', text)
  }

  /** A server answers a sync; `asked` is the last committed transaction of the time when it was asked, `committed` what it knows of. */
  synced(sid: number, asked: bigint, committed: bigint): void {
    this.#require(
      committed >= asked,
      'SyncedReads',
      `server ${sid} answers a sync with ${hex(committed)}, and ${hex(asked)} was committed before it`,
    )
  }

  fail(invariant: ZabInvariant, text: string): never {
    throw new ZabViolation(invariant, text)
  }

  /** The servers and histories at the first moment when something is committed. Set by the model. */
  historyOf: (sid: number) => readonly CheckedTxn[] = () => []

  #commit(sid: number, txn: CheckedTxn): void {
    const last = this.committed.at(-1)
    const epoch = txn.zxid >> 32n
    if (last !== undefined) {
      const isNext = txn.zxid === last.zxid + 1n
      this.#require(txn.zxid > last.zxid, 'GlobalPrimaryOrder', `${show(txn)} is committed behind ${show(last)}`)
      const isFirst = epoch > last.zxid >> 32n && (txn.zxid & 0xffff_ffffn) === 1n
      this.#require(isNext || isFirst, 'LocalPrimaryOrder', `${show(txn)} is committed behind ${show(last)}`)
    }
    const proposal = this.#proposals.get(txn.zxid)
    this.#require(proposal?.payload === txn.payload, 'Integrity', `server ${sid} applies ${show(txn)}, never proposed`)
    this.committed.push(txn)
    for (const voter of this.#voters)
      this.#durable.set(voter, this.#prefix(this.historyOf(voter), this.committed.length - 1))
    this.#requireQuorum(`when ${show(txn)} was committed`)
  }

  /** The number of committed transactions at the start of `history`. `known`: the first ones, which are not compared again. */
  #prefix(history: readonly CheckedTxn[], known: number): number {
    const { committed } = this
    const most = Math.min(history.length, committed.length)
    if (known > 0 && known <= most && isSame(committed[known - 1] as CheckedTxn, history[known - 1])) {
      // Histories with one common transaction have everything before it in common; if not, TotalOrder fails where it is applied.
      let at = known
      while (at < most && isSame(committed[at] as CheckedTxn, history[at])) at++
      return at
    }
    let at = 0
    while (at < most && isSame(committed[at] as CheckedTxn, history[at])) at++
    return at
  }

  #requireQuorum(when: string): void {
    const all = this.committed.length
    const holders = this.#voters.filter((sid) => (this.#durable.get(sid) ?? 0) >= all)
    this.#require(
      this.#isQuorum(holders),
      'CommittedLogDurability',
      `${show(this.committed.at(-1))} is on ${holders.length === 0 ? 'no disk' : `servers ${holders.join(', ')}`} ${when}`,
    )
  }

  #require(isTrue: boolean, invariant: ZabInvariant, text: string): void {
    if (!isTrue) throw new ZabViolation(invariant, text)
  }
}

function isSame(a: CheckedTxn, b: CheckedTxn | undefined): boolean {
  return a.zxid === b?.zxid && a.payload === b.payload
}

function hex(zxid: bigint): string {
  return `0x${zxid.toString(16)}`
}

function show(txn: CheckedTxn | undefined): string {
  return txn === undefined ? 'nothing' : `${hex(txn.zxid)} (${txn.payload})`
}
