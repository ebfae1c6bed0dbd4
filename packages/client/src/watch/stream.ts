/**
 * `watch()`: the loop that every program with a watch needs. It registers first, then reads. It takes an event as "read this path
 * again", never as data. After a reconnect it reads everything and delivers the difference. It reads nothing before the consumer
 * asks for more, so a path that changed often meanwhile is read once.
 */
import { type EventType, KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import { hearAbort, unhearAbort } from '../arguments/abort.ts'
import { interruptible } from '../interruptible.ts'
import { jsonable } from '../json-form.ts'
import type { WatchOptions } from '../options.ts'
import type { ReadyRequest } from '../ready-request.ts'
import type { Watcher } from '../session/watch-registry.ts'
import { Audit } from './audit.ts'
import type { Via, WatchChange } from './change.ts'
import { DirtyPaths } from './dirty.ts'
import { OneShotReader } from './one-shot-reader.ts'
import { PersistentReader } from './persistent-reader.ts'
import { Scope } from './scope.ts'
import type { WatchSource } from './source.ts'
import type { StreamParts, StreamReader } from './stream-reader.ts'
import { View } from './view.ts'

/** How many paths to read again it collects: this many, or twice as many as the stream knows. Beyond that it reads everything. */
const dirtyMax = 4096
const auditIntervalMs = 60_000
/** The longest wait before a failed read is tried again on a living connection. */
const retryMsMax = 1_000

export class WatchStream<T> implements Watcher {
  readonly #source: WatchSource
  readonly #scope: Scope
  readonly #signal: AbortSignal | undefined
  readonly #ready: ReadyRequest | undefined
  readonly #view: View<T>
  readonly #dirty = new DirtyPaths()
  readonly #persistent: StreamReader<T>
  readonly #oneShot: StreamReader<T>
  /** The reader for this server: one-shot watches do the work where the server has no persistent ones. */
  #reader: StreamReader<T>
  readonly #audit: Audit
  /** What was delivered may differ from the server without an event for it. */
  #needsResync = true
  #isResyncing = false
  #via: Via = 'snapshot'
  #staleSince: Date | undefined
  /** The stream has a persistent watch. */
  #isArmed = false
  #hasEnded = false
  #failures = 0
  #wake: (() => void) | undefined
  /** Ends the wait for a read that is under way. */
  #abandon: (() => void) | undefined

  constructor(source: WatchSource, root: ZnodePath, options: WatchOptions<T>) {
    this.#source = source
    this.#scope = new Scope(root, options)
    this.#view = new View<T>(options.since)
    this.#signal = options.signal
    this.#ready = options.ready
    this.#ready?.attach(() => this.#wakeUp())
    const parts: StreamParts<T> = {
      source,
      scope: this.#scope,
      view: this.#view,
      dirty: this.#dirty,
      codec: options.codec,
      watcher: this,
      goOn: () => this.#goOn(),
    }
    this.#persistent = new PersistentReader(parts)
    this.#oneShot = new OneShotReader(parts)
    this.#reader = this.#persistent
    this.#audit = new Audit({
      source,
      scope: this.#scope,
      view: this.#view,
      intervalMs: options.auditInterval ?? auditIntervalMs,
      isSettled: () => !this.#needsResync && this.#dirty.size === 0,
    })
  }

  // -- heard from the protocol loop -----------------------------------------------------------------------------------

  event(type: EventType, serverPath: string, zxid: bigint): void {
    const path = this.#source.toUser(serverPath)
    if (!this.#reader.concerns(type, path)) return
    this.#source.counters.events++
    const isExact = this.#reader.countsWrites && !this.#isResyncing
    const sizeMax = Math.max(dirtyMax, 2 * this.#view.size)
    if (!this.#dirty.hear(type, path, zxid, isExact, sizeMax)) {
      this.#source.counters.overflows++
      this.#needsResync = true
    }
    this.#wakeUp()
  }

  restored(): void {
    this.#needsResync = true
    this.#wakeUp()
  }

  disconnected(): void {
    this.#staleSince ??= new Date(this.#source.clock.wall())
    this.#wakeUp()
  }

  sessionEnded(): void {}

  ended(): void {
    this.#hasEnded = true
    this.#wakeUp()
  }

  #wakeUp(): void {
    this.#wake?.()
    if (this.#isOver()) this.#abandon?.()
  }

  // -- pulled by the user ---------------------------------------------------------------------------------------------

  /**
   * Ends when the consumer leaves, the signal aborts or the client closes; rejects where this client may not read the root, and where
   * its data or a list of children is larger than `replyBytesMax`.
   */
  changes(): AsyncGenerator<WatchChange<T>, void, void> {
    return interruptible(this.#changes(), () => {
      this.#hasEnded = true
      this.#wakeUp()
    })
  }

  async *#changes(): AsyncGenerator<WatchChange<T>, void, void> {
    const onAbort = (): void => this.#wakeUp()
    hearAbort(this.#signal, onAbort)
    this.#source.listen(this)
    try {
      while (!this.#isOver()) {
        const since = this.#staleSince
        if (since !== undefined && !this.#source.isConnected) {
          this.#staleSince = undefined
          this.#needsResync = true
          yield { kind: 'stale', since }
        } else if (!this.#source.isConnected) {
          await this.#sleep(() => this.#source.isConnected)
        } else if (this.#needsResync) {
          this.#staleSince = undefined
          const { lastZxid } = this.#source
          const changes = await this.#attempt(() => this.#resync())
          if (changes === undefined) continue
          // What was delivered now does not include the changes that were reported while everything was read.
          const zxid = this.#dirty.size === 0 ? this.#source.lastZxid : lastZxid
          yield* this.#delivered(changes)
          if (this.#needsResync) continue
          this.#ready?.answer()
          yield jsonable({ kind: 'ready', zxid })
        } else if (this.#dirty.size > 0) {
          const path = this.#dirty.first as ZnodePath
          const changes = await this.#attempt(() => this.#reader.reread(path))
          if (changes === undefined) this.#needsResync = true
          else yield* this.#delivered(changes)
        } else if (this.#ready?.isAsked) {
          this.#ready.answer()
          yield jsonable({ kind: 'ready', zxid: this.#source.lastZxid })
        } else if (this.#untilAudit() <= 0) {
          if ((await this.#attempt(() => this.#heal())) === undefined) this.#needsResync = true
        } else await this.#sleep(() => this.#hasWork())
      }
    } finally {
      unhearAbort(this.#signal, onAbort)
      this.#source.unlisten(this)
      this.#giveBack()
    }
  }

  #giveBack(): void {
    if (this.#isArmed) this.#source.disarm(this.#scope.root, this.#scope.mode, this)
    this.#isArmed = false
    this.#source.forget(this)
  }

  #delivered(changes: readonly WatchChange<T>[]): readonly WatchChange<T>[] {
    const { trace } = this.#source
    for (const change of changes) jsonable(change)
    if (trace.hasSubscribers) {
      for (const change of changes) trace.publish({ root: this.#scope.root, ...withoutValues(change) })
    }
    return changes
  }

  #hasWork(): boolean {
    return this.#dirty.size > 0 || this.#needsResync || this.#staleSince !== undefined || this.#ready?.isAsked === true
  }

  #isOver(): boolean {
    return this.#hasEnded || this.#signal?.aborted === true
  }

  #untilAudit(): number {
    return this.#needsResync ? Number.POSITIVE_INFINITY : this.#audit.untilDue()
  }

  /** Waits until woken, or until the next audit. */
  async #sleep(isDone: () => boolean, limitMs = this.#untilAudit()): Promise<void> {
    if (isDone() || this.#isOver() || limitMs <= 0) return
    const { clock } = this.#source
    let timer: { cancel(): void } | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (limitMs !== Number.POSITIVE_INFINITY) timer = clock.after(limitMs, resolve)
    })
    timer?.cancel()
    this.#wake = undefined
  }

  /**
   * Undefined when the connection or session was lost meanwhile: then everything is read again. A stream that was ended by its
   * signal, by `return()` or with the client does not wait for reads under way; it gives up the watches that they leave.
   */
  async #attempt<R>(read: () => Promise<R>): Promise<R | undefined> {
    const reading = read()
    try {
      const result = await this.#unlessOver(reading)
      this.#failures = 0
      return result
    } catch (error) {
      if (error === abandoned) return undefined
      if (!isPassing(error)) throw error
      this.#failures++
      // A read that a living connection refused would be refused again at once, so it waits.
      if (this.#source.isConnected) {
        const boundMs = Math.min(retryMsMax, 10 * 2 ** Math.min(this.#failures, 10))
        await this.#sleep(() => false, 1 + this.#source.random.below(boundMs))
      }
      return undefined
    }
  }

  #goOn(): void {
    if (this.#isOver()) throw abandoned
  }

  /** The result of `reading`, unless the stream ends first: then the stream does not wait for it. */
  async #unlessOver<R>(reading: Promise<R>): Promise<R> {
    const over = new Promise<never>((_, reject) => {
      this.#abandon = () => {
        const giveBack = (): void => this.#giveBack()
        reading.then(giveBack, giveBack)
        reject(abandoned)
      }
    })
    try {
      return await Promise.race([reading, over])
    } finally {
      this.#abandon = undefined
    }
  }

  // -- reading --------------------------------------------------------------------------------------------------------

  /** Registers watches where needed, reads everything, and returns the difference to what was delivered. */
  async #resync(): Promise<WatchChange<T>[]> {
    // Every event from here on causes a read, so the order is: clear, register, read.
    this.#needsResync = false
    this.#dirty.clear()
    const via = this.#via
    this.#source.counters.resyncs++
    this.#isResyncing = true
    try {
      await this.#arm()
      const { root } = this.#scope
      const found = await this.#reader.walk([root])
      this.#via = 'resync'
      this.#audit.postpone()
      return this.#reader.compare(root, found, via)
    } catch (error) {
      this.#needsResync = true
      throw error
    } finally {
      this.#isResyncing = false
    }
  }

  /** A persistent watch, where the server has them. Servers differ during an upgrade, so the stream asks on each connection. */
  async #arm(): Promise<void> {
    const { root, mode } = this.#scope
    if (this.#isArmed && !this.#source.isPersistentKnown) {
      this.#source.disarm(root, mode, this)
      this.#isArmed = false
    }
    if (this.#isArmed) return
    this.#isArmed = await this.#source.arm(root, mode, this)
    this.#goOn()
    const reader = this.#isArmed ? this.#persistent : this.#oneShot
    if (this.#isArmed && this.#reader === this.#oneShot) this.#source.forget(this)
    this.#reader = reader
  }

  /** Looks for a hole. If there is one, it registers and reads everything again. */
  async #heal(): Promise<true> {
    const hole = await this.#audit.findHole()
    if (hole === undefined) return true
    this.#source.counters.healed++
    this.#source.log('warn', 'a watch event was lost; reading everything again', { path: hole, root: this.#scope.root })
    this.#isArmed = false
    this.#needsResync = true
    this.#via = 'audit'
    return true
  }
}

/** Listeners of a channel never get data. */
function withoutValues(change: WatchChange<unknown>): object {
  if (change.kind === 'ready' || change.kind === 'stale') return change
  const { kind, path, via } = change
  const missed = kind === 'unreadable' ? undefined : change.missed
  return { kind, path, via, missed }
}

/** The end of a read that the stream does not wait for any more. */
const abandoned = new Error('the stream was ended')

/** Whether a read that failed like this should simply be repeated. */
function isPassing(error: unknown): boolean {
  // The next reply would be as large.
  if (!KeeperError.is(error) || error.code === 'FRAME_TOO_LARGE') return false
  return error.outcome !== 'rejected' || passing.has(error.code)
}

const passing: ReadonlySet<string> = new Set([
  'CONNECTION_LOSS',
  'SESSION_EXPIRED',
  'SESSION_MOVED',
  'OPERATION_TIMEOUT',
  'THROTTLED_OP',
  'REQUEST_TIMEOUT',
  'UNIMPLEMENTED',
  'CLOSED',
  'TIMEOUT',
])
