/**
 * The disk of a member: the log, the epochs, and another history that replaces this one. Each request is answered by a report when it
 * is durable, in the order of the requests; epochs are saved beside the log. After an error nothing is reported any more but `logFailed`.
 *
 * The machines do not wait: transactions may come while files are cut or replaced. They are held here, and follow when that is done.
 */
import type { Runtime } from '@lightkeeper/runtime'
import { History } from '../pipeline/history.ts'
import type { ServerStats } from '../stats.ts'
import type { IncomingBase } from '../storage/base.ts'
import type { EpochFiles } from '../storage/epoch-files.ts'
import { SnapshotDamage } from '../storage/image.ts'
import { DiskReadError } from '../storage/log-file.ts'
import { RecoveryError } from '../storage/recovery.ts'
import type { Storage } from '../storage/storage.ts'
import type { LoggedTxn } from '../storage/txn-codec.ts'
import { NotInLogError } from '../storage/txn-log.ts'
import { type ImageReceiver, NotKeptError } from '../transport/leader-link.ts'
import type { DataTree } from '../tree/data-tree.ts'
import type { DiskInput } from '../zab/inputs.ts'

export interface DiskHooks {
  report(input: DiskInput): void
  /** The history is another one by now: `tree` is at `zxid`, and `rest` follows in the log. */
  replaced(tree: DataTree, zxid: bigint, rest: readonly LoggedTxn[]): void
  /** The log cannot be cut; nothing has changed. */
  uncut(error: Error): void
  failed(error: Error): void
}

/** An image that comes, and the transactions behind it. */
interface Incoming {
  readonly base: Promise<IncomingBase>
  readonly rest: LoggedTxn[]
  /** Ends when everything so far has been taken. */
  work: Promise<void>
}

interface Held {
  readonly zxid: bigint
  readonly payload: Uint8Array
  readonly txn: LoggedTxn
}

export class MemberDisk {
  readonly history: History
  readonly #storage: Storage
  readonly #epochs: EpochFiles
  readonly #hooks: DiskHooks
  #incoming: Incoming | undefined
  /** Ends when the files of an image that was given up are gone: those of the next one may have their names. */
  #discarding: Promise<void> = Promise.resolve()
  /** Set while the files of the log are cut or replaced: what came meanwhile. */
  #held: Held[] | undefined
  #isOver = false

  constructor(
    { clock }: Runtime,
    storage: Storage,
    epochs: EpochFiles,
    stats: ServerStats,
    forceSync: boolean,
    hooks: DiskHooks,
  ) {
    this.#storage = storage
    this.#epochs = epochs
    this.#hooks = hooks
    this.history = new History(storage.log, clock, stats, forceSync, {
      durable: () => this.#report({ kind: 'durable', zxid: this.history.durableZxid }),
      failed: (error) => this.#fail(error),
      broken: (error) => this.#fail(error),
    })
  }

  /** Another history is coming or being put in place: transactions follow that one, and `replaced` brings them. */
  get isReplacing(): boolean {
    return this.#incoming !== undefined || this.#held !== undefined
  }

  append(zxid: bigint, payload: Uint8Array, txn: LoggedTxn): void {
    const incoming = this.#incoming
    if (this.#held !== undefined) {
      this.#held.push({ zxid, payload, txn })
    } else if (incoming === undefined) {
      this.history.appendEncoded(zxid, payload)
    } else {
      incoming.rest.push(txn)
      incoming.work = incoming.work.then(async () => (await incoming.base).append(zxid, payload))
      // Whoever waits for it sees the error.
      incoming.work.catch(() => {})
    }
  }

  saveEpochs(accepted: number, current: number): void {
    const saving = this.#epochs.save(accepted, current)
    this.#storage.holds(saving)
    saving.then(
      () => this.#report({ kind: 'epochsSaved' }),
      (error: Error) => this.#fail(error),
    )
  }

  /** Reports `truncated`, or `notTruncated` where that is not possible and nothing has changed. */
  truncate(zxid: bigint, committed: bigint): void {
    this.#held = []
    const work = async (): Promise<void> => {
      await this.#storage.log.quiet()
      if (this.#isOver) return
      this.#replaced(await this.#storage.truncate(zxid, committed), zxid, [])
    }
    work().then(
      () => this.#report({ kind: 'truncated', zxid }),
      (error: Error) => {
        if (!isUnchanged(error)) {
          this.#fail(error)
          return
        }
        // They follow what the log does not have.
        this.#held = undefined
        this.#hooks.uncut(error)
        this.#report({ kind: 'notTruncated' })
      },
    )
  }

  /** Begins to take an image at `zxid`. `grew` is called after each piece. */
  receive(zxid: bigint, grew: () => void): ImageReceiver {
    const base = this.#discarding.then(() => this.#storage.receive(zxid))
    base.catch(() => {})
    const incoming: Incoming = { base, rest: [], work: Promise.resolve() }
    this.#incoming = incoming
    let isDone = false
    return {
      get isDone() {
        return isDone
      },
      async push(bytes) {
        try {
          const image = await base
          const taking = image.push(bytes)
          incoming.work = taking.then(() => {})
          incoming.work.catch(() => {})
          const taken = await taking
          isDone = image.isImageDone
          grew()
          return taken
        } catch (error) {
          if (error instanceof SnapshotDamage) throw error
          throw new NotKeptError((error as Error).message, { cause: error })
        }
      },
    }
  }

  discard(): void {
    const incoming = this.#incoming
    this.#incoming = undefined
    if (incoming === undefined) return
    const work = async (): Promise<void> => {
      const base = await incoming.base
      // Its files are not closed while something is written to them.
      await incoming.work.catch(() => {})
      await base.discard()
    }
    this.#discarding = work().catch(() => {})
    this.#storage.holds(this.#discarding)
  }

  install(): void {
    const incoming = this.#incoming as Incoming
    // What comes from now on does not belong to the files that are put in place.
    this.#held = []
    const work = async (): Promise<void> => {
      await incoming.work
      await this.#storage.log.quiet()
      const base = await incoming.base
      if (this.#isOver) return
      const tree = await this.#storage.install(base)
      this.#incoming = undefined
      this.#replaced(tree, base.zxid, incoming.rest)
    }
    work().then(
      () => this.#report({ kind: 'installed' }),
      (error: Error) => this.#fail(error),
    )
  }

  /** Nothing is reported any more. What was not flushed comes from the leader again. */
  stop(): void {
    this.#isOver = true
    this.discard()
    this.history.stop()
  }

  #replaced(tree: DataTree, zxid: bigint, rest: readonly LoggedTxn[]): void {
    const held = this.#held ?? []
    this.#held = undefined
    if (this.#isOver) return
    this.#hooks.replaced(tree, zxid, [...rest, ...held.map(({ txn }) => txn)])
    for (const { zxid: each, payload } of held) this.history.appendEncoded(each, payload)
  }

  #report(input: DiskInput): void {
    if (!this.#isOver) this.#hooks.report(input)
  }

  #fail(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#hooks.report({ kind: 'logFailed' })
    this.#hooks.failed(error)
  }
}

/** A cut that is not possible with these files, and has not begun. */
function isUnchanged(error: Error): boolean {
  return error instanceof NotInLogError || error instanceof RecoveryError || error instanceof DiskReadError
}
