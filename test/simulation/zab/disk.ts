/**
 * The disk of a server in the model: epochs, snapshots and a log. Work is queued, the log in order and the epochs beside it, and is durable
 * when it is reported. A crash leaves what was reported, and of the rest what chance did in order.
 */

import type { Recovered } from '../../../packages/server/src/zab/inputs.ts'
import type { CheckedTxn } from '../../../packages/testing/src/check/zab.ts'

export interface Txn extends CheckedTxn {
  readonly bytes: Uint8Array
}

export interface Image {
  readonly zxid: bigint
  /** All transactions that made it. */
  readonly txns: readonly Txn[]
}

/** What a disk does wrong, for planted bugs. */
export interface DiskBugs {
  /** Epochs are reported before they are durable, and lost in a crash. */
  forgetsEpochs?: boolean
  /** TRUNC cuts one record too few. */
  cutsShort?: boolean
  /** TRUNC leaves snapshots above the cut. */
  keepsNewerSnapshots?: boolean
  /** SNAP leaves old records in the log. */
  keepsOldLog?: boolean
  /** A crash in the middle of an installation is not noticed at the next start. */
  forgetsInstalling?: boolean
  /** An image is installed as soon as it has come. */
  installsEarly?: boolean
}

const empty: Image = { zxid: 0n, txns: [] }

type Work = { readonly what: string; readonly run: () => void; readonly report: () => void }

export class Disk {
  readonly bugs: DiskBugs
  accepted = 0
  current = 0
  /** Oldest first; there is always one. */
  snapshots: Image[] = [empty]
  /** Records behind the oldest snapshot. */
  log: Txn[] = []
  readonly #work: Work[] = []
  #epochs: Work | undefined
  /** Image and records that wait in temporary files. */
  #staged: { readonly image: Image; readonly log: Txn[] } | undefined
  /** Records that were appended, durable or not: what the process reads its history from. */
  written: Txn[] = []
  #lostEpochs: (() => void) | undefined
  #isRefusing = false
  /** The last crash came behind a TRUNC or an installation that was not reported yet. */
  wasCutByCrash = false

  constructor(bugs: DiskBugs = {}) {
    this.bugs = bugs
  }

  /** The state on the disk, as all transactions that make it. */
  get history(): readonly Txn[] {
    const image = this.snapshots.at(-1) as Image
    const rest = this.log.filter(({ zxid }) => zxid > image.zxid)
    return rest.length === 0 ? image.txns : [...image.txns, ...rest]
  }

  get base(): bigint {
    return this.snapshots[0]?.zxid ?? 0n
  }

  recover(): Recovered {
    const { log, base } = this
    const ranges: { from: bigint; to: bigint }[] = []
    for (const { zxid } of log) {
      const last = ranges.at(-1)
      if (last !== undefined && last.to + 1n === zxid) last.to = zxid
      else ranges.push({ from: zxid, to: zxid })
    }
    return {
      acceptedEpoch: this.accepted,
      currentEpoch: this.current,
      base,
      ranges,
      committed: this.snapshots.at(-1)?.zxid ?? 0n,
      state: 'whole',
    }
  }

  hasWork(queue: 'log' | 'epochs'): boolean {
    return queue === 'log' ? this.#work.length > 0 : this.#epochs !== undefined
  }

  /** Does the oldest piece of work, which is durable then. */
  perform(queue: 'log' | 'epochs'): void {
    const work = queue === 'log' ? this.#work.shift() : this.#epochs
    if (queue === 'epochs') this.#epochs = undefined
    work?.run()
    work?.report()
  }

  saveEpochs(accepted: number, current: number, report: () => void): void {
    const before = { accepted: this.accepted, current: this.current }
    const run = (): void => {
      this.accepted = accepted
      this.current = current
      if (!this.bugs.forgetsEpochs) return
      this.#lostEpochs ??= () => {
        this.accepted = before.accepted
        this.current = before.current
      }
    }
    this.#epochs = { what: 'epochs', run, report }
  }

  append(txn: Txn, report: () => void): void {
    if (this.#isRefusing) return
    const staged = this.#staged
    if (staged !== undefined && !this.bugs.installsEarly) {
      staged.log.push(txn)
      return
    }
    this.written.push(txn)
    this.#work.push({ what: 'append', run: () => void this.log.push(txn), report })
  }

  truncate(zxid: bigint, report: () => void): void {
    const isKept = (txn: CheckedTxn): boolean => txn.zxid <= (this.bugs.cutsShort ? zxid + 1n : zxid)
    this.written = this.written.filter(isKept)
    const run = (): void => {
      this.log = this.log.filter(isKept)
      if (!this.bugs.keepsNewerSnapshots) this.snapshots = this.snapshots.filter((each) => each.zxid <= zxid)
    }
    this.#work.push({ what: 'truncate', run, report })
  }

  /** A cut that is not possible: the log stays as it is, and what comes before the report is dropped. */
  refuseTruncate(report: () => void): void {
    this.#isRefusing = true
    this.#work.push({
      what: 'refusal',
      run: () => {},
      report: () => {
        this.#isRefusing = false
        report()
      },
    })
  }

  /** The image is in temporary files. */
  stage(image: Image): void {
    this.#staged = { image, log: [] }
    if (this.bugs.installsEarly) this.#replace(image, [])
  }

  discard(): void {
    this.#staged = undefined
  }

  install(report: () => void): void {
    const staged = this.#staged
    if (staged === undefined) throw new Error('nothing to install')
    this.#staged = undefined
    if (this.bugs.installsEarly) {
      this.#work.push({ what: 'install', run: () => {}, report })
      return
    }
    this.written = [...staged.log]
    this.#work.push({ what: 'install', run: () => this.#replace(staged.image, [...staged.log]), report })
  }

  #replace(image: Image, log: Txn[]): void {
    this.log = this.bugs.keepsOldLog ? [...this.log.filter(({ zxid }) => zxid > image.zxid), ...log] : log
    this.snapshots = [image]
    if (this.bugs.installsEarly) this.written = [...log]
  }

  snapshot(image: Image): void {
    if (image.zxid > (this.snapshots.at(-1) as Image).zxid) this.snapshots.push(image)
  }

  /** Keeps the newest snapshot and everything after it. Returns the new base. */
  purge(): bigint {
    const newest = this.snapshots.at(-1) as Image
    this.snapshots = [newest]
    this.log = this.log.filter(({ zxid }) => zxid > newest.zxid)
    this.written = this.written.filter(({ zxid }) => zxid > newest.zxid)
    return newest.zxid
  }

  /** The process dies. `chance` says of a number how many of so many pieces of work were done. */
  crash(chance: (bound: number) => number): void {
    const done = chance(this.#work.length + 1)
    const performed = this.#work.slice(0, done)
    for (const { run } of performed) run()
    this.wasCutByCrash = performed.some(({ what }) => what === 'truncate' || what === 'install')
    const next = this.#work[done]
    if (this.bugs.forgetsInstalling && next?.what === 'install') {
      this.snapshots = [empty]
      this.log = []
    }
    if (this.#epochs !== undefined && chance(2) === 1) this.#epochs.run()
    this.#lostEpochs?.()
    this.#lostEpochs = undefined
    this.#work.length = 0
    this.#isRefusing = false
    this.#epochs = undefined
    this.#staged = undefined
    this.written = [...this.log]
  }

  /** All transactions in (`after`, `upTo`], or undefined where some are not there any more. */
  read(after: bigint, upTo: bigint): Txn[] | undefined {
    if (after < this.base) return undefined
    return this.written.filter(({ zxid }) => zxid > after && zxid <= upTo)
  }
}
