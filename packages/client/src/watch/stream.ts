/**
 * `watch()`: the loop everybody writes, once and right. Registers first, then reads; takes every event as "read this path
 * again", never as data; after a reconnect reads everything and delivers the difference. Nothing is read before the consumer
 * asks for more, and a path that changed often meanwhile is read once.
 */
import {
  type EventType,
  eventType,
  isWithin,
  joinPath,
  KeeperError,
  nodeName,
  parentPath,
  type ZnodePath,
} from '@lightkeeper/protocol'
import { type Codec, isThenable } from '../codec.ts'
import { interruptible } from '../interruptible.ts'
import { jsonable } from '../json-form.ts'
import type { WatchOptions } from '../options.ts'
import type { ReadyRequest } from '../ready-request.ts'
import type { Listener, PersistentMode } from '../session/watch-registry.ts'
import type { ZnodeStat } from '../stat.ts'
import type { Via, WatchChange } from './change.ts'
import type { RawZnode, WatchSource } from './source.ts'
import { type Heard, type Reading, View } from './view.ts'

/** Reads on their way at once while everything is read. */
const readsAtOnce = 256
/** Paths to read again are collected up to this many, or twice what the stream knows; beyond that it reads everything. */
const dirtyMax = 4096
const auditedAtOnce = 200
const auditIntervalMs = 60_000
/** Longest wait before a read that failed is tried again on a living connection. */
const retryMsMax = 1_000

interface Dirty {
  /** Writes heard of, until the znode was deleted. */
  writes: number
  isDeleted: boolean
  zxid: bigint
  /** The znode itself is to be read again. */
  self: boolean
  /** Its list of children is, where one-shot watches tell so. */
  list: boolean
  /** Whether `writes` counts from what was delivered last. */
  isExact: boolean
}

/** What was read of a subtree: undefined stands for a znode that is not there. */
type Found<T> = Map<ZnodePath, Reading<T> | undefined>

export class Watcher<T> implements Listener {
  readonly #source: WatchSource
  readonly #root: ZnodePath
  readonly #scope: 'node' | 'children' | 'tree'
  readonly #codec: Codec<T> | undefined
  readonly #signal: AbortSignal | undefined
  readonly #auditMs: number
  readonly #ready: ReadyRequest | undefined
  readonly #view: View<T>
  /** Paths to read again, in the order they were first heard of. */
  readonly #dirty = new Map<ZnodePath, Dirty>()
  #needsResync = true
  #isResyncing = false
  #via: Via = 'snapshot'
  #staleSince: Date | undefined
  #isArmed = false
  /** One-shot watches do the work, since the server has no persistent ones. */
  #isOneShot = false
  #hasEnded = false
  #failures = 0
  #auditAt = 0
  /** Where the last audit stopped. */
  #cursor: IterableIterator<ZnodePath> | undefined
  #wake: (() => void) | undefined
  /** Ends the wait for a read that is on its way. */
  #abandon: (() => void) | undefined

  constructor(source: WatchSource, root: ZnodePath, options: WatchOptions<T>) {
    this.#source = source
    this.#root = root
    this.#scope = options.recursive ? 'tree' : options.children ? 'children' : 'node'
    this.#codec = options.codec
    this.#view = new View<T>(options.since)
    this.#signal = options.signal
    this.#auditMs = options.auditInterval ?? auditIntervalMs
    this.#ready = options.ready
    this.#ready?.attach(() => this.#wakeUp())
  }

  // -- heard from the protocol loop -----------------------------------------------------------------------------------

  event(type: EventType, serverPath: string, zxid: bigint): void {
    const path = this.#source.toUser(serverPath)
    const isAboutList = type === eventType.nodeChildrenChanged
    // Persistent watches tell of the children themselves; of the root a stream of children needs to hear only without them.
    if (isAboutList ? !this.#isOneShot : !this.#covers(path) && !(this.#isOneShot && path === this.#root)) return
    this.#source.counters.events++
    const dirty = this.#dirty.get(path)
    if (dirty !== undefined) {
      dirty.isDeleted ||= type === eventType.nodeDeleted
      if (type === eventType.nodeDataChanged && !dirty.isDeleted) dirty.writes++
      dirty.zxid = zxid
      dirty.self ||= !isAboutList
      dirty.list ||= isAboutList
    } else if (this.#dirty.size >= Math.max(dirtyMax, 2 * this.#view.size)) {
      // A consumer that does not come back must not make us remember without end.
      this.#source.counters.overflows++
      this.#dirty.clear()
      this.#needsResync = true
    } else {
      const isExact = !this.#isOneShot && !this.#isResyncing
      const writes = type === eventType.nodeDataChanged ? 1 : 0
      const isDeleted = type === eventType.nodeDeleted
      this.#dirty.set(path, { writes, isDeleted, zxid, self: !isAboutList, list: isAboutList, isExact })
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

  #covers(path: ZnodePath): boolean {
    if (this.#scope === 'node') return path === this.#root
    if (this.#scope === 'tree') return isWithin(path, this.#root)
    return path !== this.#root && parentPath(path) === this.#root
  }

  // -- pulled by the user ---------------------------------------------------------------------------------------------

  /** Ends when the consumer leaves, the signal aborts or the client closes; rejects where the root may not be read. */
  changes(): AsyncGenerator<WatchChange<T>, void, void> {
    return interruptible(this.#changes(), () => {
      this.#hasEnded = true
      this.#wakeUp()
    })
  }

  async *#changes(): AsyncGenerator<WatchChange<T>, void, void> {
    const onAbort = (): void => this.#wakeUp()
    this.#signal?.addEventListener('abort', onAbort, { once: true })
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
          // What was heard of while everything was read is not in what is told now.
          const zxid = this.#dirty.size === 0 ? this.#source.lastZxid : lastZxid
          yield* this.#told(changes)
          if (this.#needsResync) continue
          this.#ready?.answer()
          yield jsonable({ kind: 'ready', zxid })
        } else if (this.#dirty.size > 0) {
          const [path] = this.#dirty.keys()
          const changes = await this.#attempt(() => this.#reread(path as ZnodePath))
          if (changes === undefined) this.#needsResync = true
          else yield* this.#told(changes)
        } else if (this.#ready?.isAsked) {
          this.#ready.answer()
          yield jsonable({ kind: 'ready', zxid: this.#source.lastZxid })
        } else if (this.#isAuditDue()) {
          if ((await this.#attempt(() => this.#audit())) === undefined) this.#needsResync = true
        } else await this.#sleep(() => this.#hasWork())
      }
    } finally {
      this.#signal?.removeEventListener('abort', onAbort)
      this.#source.unlisten(this)
      this.#giveBack()
    }
  }

  #giveBack(): void {
    if (this.#isArmed) this.#source.disarm(this.#root, this.#mode, this)
    this.#isArmed = false
    this.#source.forget(this)
  }

  #told(changes: readonly WatchChange<T>[]): readonly WatchChange<T>[] {
    const { trace } = this.#source
    for (const change of changes) jsonable(change)
    if (trace.hasSubscribers)
      for (const change of changes) trace.publish({ root: this.#root, ...withoutValues(change) })
    return changes
  }

  get #mode(): PersistentMode {
    return this.#scope === 'node' ? 'persistent' : 'recursive'
  }

  get #user(): Listener | undefined {
    return this.#isOneShot ? this : undefined
  }

  #hasWork(): boolean {
    return this.#dirty.size > 0 || this.#needsResync || this.#staleSince !== undefined || this.#ready?.isAsked === true
  }

  #isOver(): boolean {
    return this.#hasEnded || this.#signal?.aborted === true
  }

  /** Until woken, or until the next audit. */
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
   * Undefined when the connection or session went meanwhile: then everything is read again. A stream that is over, by
   * its signal, by `return()` or with the client, does not wait for what is on its way, and gives back what that leaves.
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
      // Refused on a living connection it would be refused again at once.
      if (this.#source.isConnected) {
        const boundMs = Math.min(retryMsMax, 10 * 2 ** Math.min(this.#failures, 10))
        await this.#sleep(() => false, 1 + this.#source.random.below(boundMs))
      }
      return undefined
    }
  }

  /** @throws what ends a reading that nobody waits for any more, so that it asks for nothing else. */
  #goOn(): void {
    if (this.#isOver()) throw abandoned
  }

  /** What `reading` gives, unless the stream ends first: then nobody waits for it any more. */
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

  /** Registers where needed, reads everything, and returns how it differs from what was delivered. */
  async #resync(): Promise<WatchChange<T>[]> {
    // What is heard from here on is read again: clear first, then register, then read.
    this.#needsResync = false
    this.#dirty.clear()
    const via = this.#via
    this.#source.counters.resyncs++
    this.#isResyncing = true
    try {
      await this.#arm()
      const found = await this.#walk([this.#root])
      this.#via = 'resync'
      this.#auditAt = this.#source.clock.now() + this.#auditMs
      return this.#compare(this.#root, found, via)
    } catch (error) {
      this.#needsResync = true
      throw error
    } finally {
      this.#isResyncing = false
    }
  }

  /** A persistent watch where the server has them. Servers differ while they are upgraded, so each connection is asked. */
  async #arm(): Promise<void> {
    if (this.#isArmed && !this.#source.isPersistentKnown) {
      this.#source.disarm(this.#root, this.#mode, this)
      this.#isArmed = false
    }
    if (this.#isArmed) return
    this.#isArmed = await this.#source.arm(this.#root, this.#mode, this)
    this.#goOn()
    if (this.#isArmed && this.#isOneShot) this.#source.forget(this)
    this.#isOneShot = !this.#isArmed
  }

  /** Reads one path that was heard of. */
  async #reread(path: ZnodePath): Promise<WatchChange<T>[]> {
    if (this.#isOneShot) return this.#rereadOneShot(path)
    const found: Found<T> = new Map()
    const heard = new Map<ZnodePath, Heard | undefined>()
    const read = async (each: ZnodePath): Promise<boolean> => {
      const reading = await this.#read(each, (exists) => {
        heard.set(each, this.#take(each))
        // Where a parent is missing, so is what it would hold.
        if (!exists) heard.set(path, this.#take(path) ?? heard.get(path))
      })
      found.set(each, reading)
      if (reading === undefined) found.set(path, undefined)
      return reading !== undefined
    }
    // A parent is told before its children, also where a child was heard of first.
    const ancestors = this.#scope === 'tree' && path !== this.#root ? ancestorsOf(path, this.#root) : []
    let isThere = true
    for (const each of [...ancestors.filter((one) => !this.#view.has(one)), path]) isThere &&= await read(each)
    const changes: WatchChange<T>[] = []
    const isDeleted = (each: ZnodePath): boolean => this.#dirty.get(each)?.isDeleted === true
    if (isThere && this.#isNews(path, found.get(path)?.stat) && ancestors.some(isDeleted)) {
      // Perhaps a child of another znode than the one told under that name. With the told one goes all that was below it, so
      // that one ends first, or the new child would end with it.
      const isEnded = found.get(path)?.stat !== undefined
      const ended = heard.get(path)
      for (const each of ancestors) if (isThere && isDeleted(each)) isThere = await read(each)
      if (isEnded) changes.push(...this.#view.step(path, undefined, ended && { ...ended, zxid: -1n }, 'event'))
    }
    for (const each of ancestors) {
      if (found.has(each)) changes.push(...this.#view.step(each, found.get(each), heard.get(each), 'event'))
    }
    changes.push(...this.#view.step(path, found.get(path), heard.get(path), 'event'))
    return changes
  }

  /** Whether a reading with this Stat, undefined where it was refused, is of another znode than the one told. */
  #isNews(path: ZnodePath, stat: ZnodeStat | undefined): boolean {
    const told = this.#view.statOf(path)
    return told === undefined || stat === undefined || told.czxid !== stat.czxid
  }

  /** One-shot watches say too little about what is below: lists are compared, and what is new is walked. */
  async #rereadOneShot(path: ZnodePath): Promise<WatchChange<T>[]> {
    const dirty = this.#dirty.get(path) as Dirty
    const found: Found<T> = new Map()
    const lists = this.#scope === 'tree' || (this.#scope === 'children' && path === this.#root)
    const isKnown = this.#view.has(path) || (this.#scope === 'children' && path === this.#root)
    if (dirty.self || !isKnown || !lists) {
      const before = this.#view.statOf(path)
      const reading = await this.#read(path, () => this.#take(path))
      found.set(path, reading)
      if (reading === undefined && path === this.#root) {
        if (!(await this.#source.awaitCreation(path, this))) this.#touch(path)
      }
      // Another znode: whatever was registered below the old one is used up.
      const isSame = before !== undefined && before.czxid === reading?.stat?.czxid
      if (!lists || reading === undefined || (isSame && !dirty.list)) return this.#stepAll(found, 'event')
      if (!isSame) return this.#compare(path, await this.#walk([path]), 'event')
    }
    const names = await this.#source.list(path, this, () => this.#takeList(path))
    if (names === undefined) {
      this.#touch(path)
      return this.#stepAll(found, 'event')
    }
    const listed = new Set<ZnodePath>(names.map((name) => joinPath(path, name)))
    for (const child of this.#view.children(path)) if (!listed.has(child)) found.set(child, undefined)
    const added = [...listed].filter((child) => !this.#view.has(child))
    for (const [each, reading] of await this.#walk(added)) found.set(each, reading)
    return this.#stepAll(found, 'event')
  }

  /** Everything in scope at and below `paths`, read now; parents in front of their children. */
  async #walk(paths: readonly ZnodePath[]): Promise<Found<T>> {
    const found: Found<T> = new Map()
    const queue: ZnodePath[] = [...paths]
    const visit = async (path: ZnodePath): Promise<void> => {
      const isRoot = path === this.#root
      let mayHaveChildren = true
      if (this.#scope !== 'children' || !isRoot) {
        const reading = await this.#read(path, () => this.#take(path))
        found.set(path, reading)
        if (reading === undefined) {
          if (isRoot && this.#isOneShot && !(await this.#source.awaitCreation(path, this))) this.#touch(path)
          return
        }
        // A child made after this was read is heard of.
        mayHaveChildren = this.#isOneShot || reading.stat === undefined || reading.stat.numChildren > 0
      }
      const lists = this.#scope === 'tree' || (this.#scope === 'children' && isRoot)
      if (!lists || !mayHaveChildren) return
      const names = await this.#readList(path)
      if (names === undefined && isRoot && this.#isOneShot && !(await this.#source.awaitCreation(path, this))) {
        this.#touch(path)
      }
      for (const name of names ?? []) queue.push(joinPath(path, name))
    }
    while (queue.length > 0) {
      this.#goOn()
      await Promise.all(queue.splice(0, readsAtOnce).map(visit))
    }
    return found
  }

  /** Names below a path; where they may not be read, those known before: each of them may still be. */
  async #readList(path: ZnodePath): Promise<readonly string[] | undefined> {
    try {
      return await this.#source.list(path, this.#user, () => {})
    } catch (error) {
      if (path === this.#root || !KeeperError.is(error, 'NO_AUTH')) throw error
      return [...this.#view.children(path)].map(nodeName)
    }
  }

  async #read(path: ZnodePath, onReply: (exists: boolean) => void): Promise<Reading<T> | undefined> {
    let raw: RawZnode | undefined
    try {
      raw = await this.#source.read(path, this.#user, onReply)
    } catch (error) {
      const isUnreadable = KeeperError.is(error, 'NO_AUTH') || KeeperError.is(error, 'FRAME_TOO_LARGE')
      if (path === this.#root || !isUnreadable) throw error
      onReply(true)
      return { isReadable: false, stat: undefined, data: undefined, error }
    }
    if (raw === undefined) return undefined
    const { data, stat } = raw
    if (this.#codec === undefined) return { isReadable: true, stat, value: data as T }
    // Told already, so that no step is made of it: what it holds does not matter.
    if (this.#view.isTold(path, stat) && !this.#view.isUnreadable(path))
      return { isReadable: true, stat, value: undefined as T }
    try {
      const decoded = this.#codec.decode(data)
      return { isReadable: true, stat, value: isThenable(decoded) ? await decoded : decoded }
    } catch (error) {
      return { isReadable: false, stat, data, error }
    }
  }

  /** Steps only once everything was read: what is recorded as delivered must be delivered, not lost with a failed read. */
  #compare(path: ZnodePath, found: Found<T>, via: Via): WatchChange<T>[] {
    const gone = [...this.#view.paths()].filter((known) => isWithin(known, path) && found.get(known) === undefined)
    // Children in front of their parents, as a server deletes them.
    gone.sort((a, b) => b.length - a.length)
    const changes = gone.flatMap((known) => this.#view.step(known, undefined, undefined, via))
    for (const [each, reading] of found) {
      if (reading !== undefined) changes.push(...this.#view.step(each, reading, undefined, via))
    }
    return changes
  }

  #stepAll(found: Found<T>, via: Via): WatchChange<T>[] {
    return [...found].flatMap(([path, reading]) => this.#view.step(path, reading, undefined, via))
  }

  // -- what was heard -------------------------------------------------------------------------------------------------

  /** At the place of a reply among the events: everything heard of the path until here is in what was read. */
  #take(path: ZnodePath): Heard | undefined {
    const dirty = this.#dirty.get(path)
    this.#dirty.delete(path)
    return dirty?.isExact ? dirty : undefined
  }

  /** As `take`, for a list of children: what was heard of the znode itself is not in it. */
  #takeList(path: ZnodePath): void {
    const dirty = this.#dirty.get(path)
    if (dirty === undefined) return
    dirty.list = false
    if (!dirty.self) this.#dirty.delete(path)
  }

  /** To be read again though nothing was heard: it changed between two reads. */
  #touch(path: ZnodePath): void {
    if (!this.#dirty.has(path))
      this.#dirty.set(path, { writes: 0, isDeleted: false, zxid: -1n, self: true, list: true, isExact: false })
  }

  // -- self-audit -----------------------------------------------------------------------------------------------------

  #untilAudit(): number {
    if (this.#auditMs <= 0 || this.#needsResync || !this.#source.isConnected) return Number.POSITIVE_INFINITY
    return this.#auditAt - this.#source.clock.now()
  }

  #isAuditDue(): boolean {
    return this.#untilAudit() <= 0
  }

  /** Compares some znodes with what was delivered of them. A difference nothing was heard of is a hole: arm and read anew. */
  async #audit(): Promise<true> {
    this.#auditAt = this.#source.clock.now() + this.#auditMs
    const paths = new Set<ZnodePath>([this.#root])
    while (paths.size < Math.min(auditedAtOnce, this.#view.size + 1)) {
      this.#cursor ??= this.#view.paths()
      const next = this.#cursor.next()
      if (next.done) {
        this.#cursor = undefined
        break
      }
      paths.add(next.value)
    }
    let hole: ZnodePath | undefined
    const check = (path: ZnodePath): Promise<void> =>
      this.#source.stat(path, (stat) => {
        if (this.#isHole(path, stat)) hole ??= path
      })
    await Promise.all([...paths].map(check))
    this.#source.counters.audited += paths.size
    if (hole === undefined) return true
    this.#source.counters.healed++
    this.#source.log('warn', 'a watch event was lost; reading everything again', { path: hole, root: this.#root })
    this.#isArmed = false
    this.#needsResync = true
    this.#via = 'audit'
    return true
  }

  /** Judged at the place of the reply: whatever it shows has been heard of by then, or was lost. */
  #isHole(path: ZnodePath, stat: ZnodeStat | undefined): boolean {
    if (this.#needsResync || this.#dirty.size > 0 || this.#view.isUnreadable(path)) return false
    if (this.#scope === 'children' && path === this.#root) {
      return (stat?.numChildren ?? 0) !== this.#view.children(path).size
    }
    const known = this.#view.statOf(path)
    if (stat === undefined || known === undefined) return stat !== known
    if (stat.czxid !== known.czxid || stat.mzxid !== known.mzxid) return true
    return this.#scope === 'tree' && stat.numChildren !== this.#view.children(path).size
  }
}

/** Paths above `path` from `root` down. */
function ancestorsOf(path: ZnodePath, root: ZnodePath): ZnodePath[] {
  const ancestors: ZnodePath[] = []
  for (let at = path; at !== root; ) {
    at = parentPath(at)
    ancestors.unshift(at)
  }
  return ancestors
}

/** Data never goes to listeners of a channel. */
function withoutValues(change: WatchChange<unknown>): object {
  if (change.kind === 'ready' || change.kind === 'stale') return change
  const { kind, path, via } = change
  const missed = kind === 'unreadable' ? undefined : change.missed
  return { kind, path, via, missed }
}

/** What a read ends with that nobody waits for any more. */
const abandoned = new Error('the stream was ended')

/** Whether a read that failed so is simply to be made again. */
function isPassing(error: unknown): boolean {
  if (!KeeperError.is(error)) return false
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
