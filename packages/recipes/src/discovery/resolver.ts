/** The instances of one service, kept up to date by one watch stream. A pick needs no server. */
import { type Client, KeeperError, type WatchChange, type ZnodePath } from '@lightkeeper/client'
import {
  type Check,
  callable,
  hearAbort,
  looking,
  signal as signalCheck,
  unhearAbort,
  withMethods,
  wrongType,
} from '@lightkeeper/client/arguments'
import { callOptions, optionsOf, signalOption } from '../arguments/options.ts'
import { number, text } from '../arguments/values.ts'
import { answerOf } from '../common/call-safely.ts'
import { firstOf } from '../common/first-of.ts'
import { type Freshness, live } from '../common/freshness.ts'
import { type LeaveOptions, leaveMs } from '../common/leaving.ts'
import { Limit } from '../common/limit.ts'
import { nameOf } from '../common/paths.ts'
import type { Format } from './format.ts'
import type { ServiceInstance } from './instance.ts'
import { type OutlierOptions, Outliers } from './outliers.ts'
import { type Balancer, type Strategy, weighted, zoneFirst } from './strategies.ts'

/** The options of `resolve`. */
export interface ResolveOptions {
  /** Default `weighted`. */
  readonly strategy?: Strategy
  /** Prefers instances of this zone; picks others only where the zone has none. */
  readonly zone?: string | undefined
  /** When instances that fail are left out; false means never. */
  readonly outliers?: OutlierOptions | false
  /** Ends the wait for the first list. */
  readonly signal?: AbortSignal | undefined
}

/** A call to an instance that is under way. Its disposal calls `done()`. */
export interface Acquired extends Disposable {
  /** The instance to call. */
  readonly instance: ServiceInstance
  /** The call has ended. An error counts as a failure of the instance. */
  done(error?: unknown): void
  /** The call has ended well, unless `done` was called. */
  close(): void
}

const outlierOptions = optionsOf<OutlierOptions>({
  failures: number('failures', 1, Number.POSITIVE_INFINITY),
  within: number('milliseconds', 0, Number.POSITIVE_INFINITY, false),
  out: number('milliseconds', 0, Number.POSITIVE_INFINITY, false),
  shareMax: number('', 0, 1, false),
})
const outliers: Check<OutlierOptions | false> = (value, name, operation) =>
  value === false ? value : outlierOptions(value as OutlierOptions, operation, name)
const resolveOptions = optionsOf<ResolveOptions>({ strategy: callable, zone: text, outliers, signal: signalCheck })
const balancer = withMethods<Balancer>('a balancer with update() and pick(), as a strategy makes it', 'update', 'pick')

/** The id of an instance that is given to `down` or `up`. */
function idOf(instance: unknown, operation: string): string {
  return looking('instance', operation, () => {
    const id = typeof instance === 'object' && instance !== null && 'id' in instance ? instance.id : undefined
    if (typeof id !== 'string') throw wrongType(operation, 'instance', 'an instance that was picked', instance)
    return id
  })
}

/** The instances of one service, kept up to date, and a choice among them for each call. */
export class Resolver implements AsyncDisposable {
  /** The name of the service. */
  readonly name: string
  readonly #zk: Client
  readonly #directory: ZnodePath
  readonly #format: Format
  readonly #balancer: Balancer
  readonly #outliers: Outliers | undefined
  readonly #end = new AbortController()
  readonly #found = new Map<ZnodePath, ServiceInstance>()
  readonly #unreadable = new Map<ZnodePath, unknown>()
  readonly #outstanding = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  readonly #followed: Promise<void>
  #instances: readonly ServiceInstance[] = []
  /** When the balancer must be updated without a change, because an instance returns. */
  #admittedUntil = Number.POSITIVE_INFINITY
  #isSorted = true
  #isAdmitted = true
  #freshness: Freshness | undefined
  /** Why the watch has ended, where nobody has asked for that. */
  #failure: { readonly error: unknown } | undefined
  #isComplete = false

  private constructor(zk: Client, format: Format, directory: ZnodePath, name: string, options: ResolveOptions) {
    const { strategy = weighted, zone, outliers } = options
    this.name = name
    this.#directory = directory
    this.#zk = zk
    this.#format = format
    this.#outliers = outliers === false ? undefined : new Outliers(outliers)
    const outstanding = ({ id }: ServiceInstance): number => this.#outstanding.get(id) ?? 0
    const made = (zone === undefined ? strategy : zoneFirst(zone, strategy))({ random: zk.random, outstanding })
    const what = 'what options.strategy gives'
    this.#balancer = looking(what, 'resolve', () => balancer(answerOf(made), what, 'resolve'))
    this.#followed = this.#follow(directory)
  }

  /** Use `discovery().resolve`. */
  static async make(
    zk: Client,
    format: Format,
    directory: ZnodePath,
    name: string,
    given: ResolveOptions | undefined,
  ): Promise<Resolver> {
    const options = resolveOptions(given, 'resolve')
    const { signal } = options
    signal?.throwIfAborted()
    const resolver = new Resolver(zk, format, directory, name, options)
    const onAbort = (): void => resolver.#ended(signal?.reason)
    hearAbort(signal, onAbort)
    try {
      await resolver.#ready()
      return resolver
    } catch (error) {
      await resolver.close()
      throw error
    } finally {
      unhearAbort(signal, onAbort)
    }
  }

  /** All registered instances that can be read, sorted by id, including those that get no calls. */
  get instances(): readonly ServiceInstance[] {
    if (!this.#isSorted) this.#sort()
    return this.#instances
  }

  /** Znodes that hold no instance in this format, with the error of each. */
  get unreadable(): ReadonlyMap<ZnodePath, unknown> {
    return this.#unreadable
  }

  /** Whether the instances are those of the server. Stale while the connection is lost, and once the resolver has ended. */
  get freshness(): Freshness {
    // No caller gets a resolver before it is complete.
    return this.#freshness as Freshness
  }

  /**
   * An instance to call, or undefined where there is none. The strategy picks among the instances that are enabled, have a weight
   * above 0, and did not fail recently. Reads only memory. `key` is for strategies that use the same instance for the same key.
   */
  pick(key?: string): ServiceInstance | undefined {
    if (key !== undefined) text(key, 'key', 'pick')
    if (!this.#isSorted) this.#sort()
    if (!this.#isAdmitted || this.#zk.clock.now() >= this.#admittedUntil) this.#admit()
    return this.#balancer.pick(key)
  }

  /** As `pick`. The call counts as under way until `done`, `close` or its disposal. */
  acquire(key?: string): Acquired | undefined {
    const instance = this.pick(key)
    if (instance === undefined) return undefined
    const { id } = instance
    this.#outstanding.set(id, (this.#outstanding.get(id) ?? 0) + 1)
    let isDone = false
    const done = (error?: unknown): void => {
      if (isDone) return
      isDone = true
      const left = (this.#outstanding.get(id) ?? 1) - 1
      if (left === 0) this.#outstanding.delete(id)
      else this.#outstanding.set(id, left)
      if (error !== undefined) this.down(instance, error)
    }
    const close = (): void => done()
    return { instance, done, close, [Symbol.dispose]: close }
  }

  /** A call to `instance` failed. After several failures this resolver leaves it out for some time. */
  down(instance: ServiceInstance, _error?: unknown): void {
    const id = idOf(instance, 'down')
    if (this.#outliers?.failed(id, this.#zk.clock.now())) this.#isAdmitted = false
  }

  /** `instance` answers: its failures are forgotten. */
  up(instance: ServiceInstance): void {
    const id = idOf(instance, 'up')
    if (this.#outliers?.succeeded(id, this.#zk.clock.now())) this.#isAdmitted = false
  }

  /**
   * The instances now, and after every change of them or of the freshness. Ends with the resolver.
   * @throws the error that ended the resolver: KeeperError where the client may not read the service any more, or its list is too
   * large.
   */
  changes(options?: {
    readonly signal?: AbortSignal | undefined
  }): AsyncGenerator<readonly ServiceInstance[], void, void> {
    return this.#changes(signalOption(options, 'resolver.changes').signal)
  }

  async *#changes(signal: AbortSignal | undefined): AsyncGenerator<readonly ServiceInstance[], void, void> {
    let hasNews = true
    let wake = (): void => {}
    const note = (): void => {
      hasNews = true
      wake()
    }
    this.#listeners.add(note)
    hearAbort(signal, note)
    try {
      while (!this.#end.signal.aborted && !signal?.aborted) {
        if (hasNews) {
          hasNews = false
          yield this.instances
        } else await new Promise<void>((resolve) => (wake = resolve))
      }
      if (this.#failure !== undefined && !signal?.aborted) throw this.#failure.error
    } finally {
      this.#listeners.delete(note)
      unhearAbort(signal, note)
    }
  }

  /** Ends the watch, not later than `timeout` (default 5000 ms). The instances stay readable. Never rejects. */
  async close(options?: LeaveOptions): Promise<void> {
    const { signal, timeout = leaveMs } = callOptions(options, 'resolver.close')
    this.#ended(new KeeperError('CLOSED', { operation: 'resolve', message: `the resolver of ${this.name} is closed` }))
    // A request that is under way is abandoned, which may take a moment.
    using limit = new Limit(this.#zk, 'close', this.#directory, { signal, timeout })
    await firstOf([this.#followed], limit.signal)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** For logs. */
  toJSON(): Record<string, unknown> {
    return { name: this.name, instances: this.instances, freshness: this.freshness }
  }

  /** Resolves with the first list. */
  async #ready(): Promise<void> {
    for await (const _ of this.changes()) if (this.#isComplete) return
    throw this.#end.signal.reason
  }

  async #follow(directory: ZnodePath): Promise<void> {
    try {
      for await (const change of this.#zk.watch(directory, { children: true, signal: this.#end.signal })) {
        if (this.#end.signal.aborted) return
        this.#take(change)
      }
      this.#ended(new KeeperError('CLOSED', { operation: 'resolve', path: directory }))
    } catch (error) {
      if (!this.#end.signal.aborted) this.#failure = { error }
      this.#ended(error)
    }
  }

  /** What is there stays readable, and nothing says any more whether it is true. */
  #ended(reason: unknown): void {
    if (this.#end.signal.aborted) return
    if (this.#freshness?.kind !== 'stale') this.#freshness = { kind: 'stale', since: new Date(this.#zk.clock.wall()) }
    this.#end.abort(reason)
    this.#tell()
  }

  #take(change: WatchChange): void {
    switch (change.kind) {
      case 'created':
      case 'changed':
        this.#read(change.path, change.value)
        break
      case 'unreadable':
        this.#found.delete(change.path)
        this.#unreadable.set(change.path, change.error)
        break
      case 'deleted':
        this.#found.delete(change.path)
        this.#unreadable.delete(change.path)
        break
      case 'stale':
        this.#freshness = { kind: 'stale', since: change.since }
        // All instances are read again. Until then the last known ones stay.
        this.#isComplete = false
        return this.#tell()
      case 'ready':
        this.#freshness = live(change.zxid)
        this.#isComplete = true
    }
    if (!this.#isComplete) return
    this.#isSorted = false
    this.#tell()
  }

  #read(path: ZnodePath, data: Uint8Array): void {
    try {
      this.#found.set(path, this.#format.decode(this.name, nameOf(path), data))
      this.#unreadable.delete(path)
    } catch (error) {
      this.#found.delete(path)
      this.#unreadable.set(path, error)
    }
  }

  /** Sorts once for any number of changes, at the next use. */
  #sort(): void {
    // While all instances are read again, the last known ones stay.
    if (!this.#isComplete) return
    this.#isSorted = true
    this.#isAdmitted = false
    this.#instances = [...this.#found.values()].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    this.#outliers?.keep(new Set(this.#instances.map(({ id }) => id)))
  }

  #admit(): void {
    const open = this.#instances.filter(({ enabled, weight }) => enabled && weight > 0)
    if (this.#outliers === undefined) {
      answerOf(this.#balancer.update(open))
      this.#isAdmitted = true
      return
    }
    const { admitted, until } = this.#outliers.admit(open, this.#zk.clock.now())
    this.#admittedUntil = until
    answerOf(this.#balancer.update(admitted))
    // Set at the end: a strategy that has thrown is updated again at the next pick.
    this.#isAdmitted = true
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
