/** A number that many clients change at the same time. Whatever happens to connections, no change is lost and none counts twice. */
import { type CallOptions, type Client, KeeperError, op, type ReadOptions, type ZnodePath } from '@lightkeeper/client'
import { type Check, callable, hearAbort, oneOf, unhearAbort, wrongType } from '@lightkeeper/client/arguments'
import { callOptions, optionsOf } from '../arguments/options.ts'
import { checkPlaceOrRoot } from '../arguments/places.ts'
import { answerOf } from '../common/call-safely.ts'
import { createBelow } from '../common/container.ts'
import { failedWith, isOver, refusalOf } from '../common/errors.ts'
import { jsonable } from '../common/json-form.ts'
import { MarkedTransactions } from '../common/marked-transactions.ts'
import { Races } from '../common/races.ts'
import { type CounterFormat, type CounterFormats, formats, type NumberFormat } from './format.ts'

/** The options of `counter`. */
export interface CounterOptions<F extends CounterFormat = CounterFormat> {
  /** `int32` or `int64` as Curator writes them, `decimal` as kazoo does. Default `int64`. */
  readonly format?: F
  /** The value before the first write. Default 0. */
  readonly initial?: CounterFormats[F]
}

/** The result of one change. */
export interface Counted<V> {
  /** The value before this change. */
  readonly before: V
  /** The value after it. */
  readonly after: V
}

/** A number that many clients change. */
export interface Counter<V> {
  /** The znode that holds the number. */
  readonly path: ZnodePath
  /** @throws KeeperError INVALID_DATA where the data of the znode is no number in this format. */
  get(options?: Omit<ReadOptions, 'watch'>): Promise<V>
  /**
   * Adds `delta`. While a change is under way, later changes share the next write, and each gets its own sum.
   * @throws KeeperError SESSION_EXPIRED with outcome `unknown` where the session ended before the reply: the change counted once or
   * not at all. RangeError where the sum does not fit. TIMEOUT after `timeout` (default 60000 ms), and the reason of the signal: if
   * the change was sent already, its outcome is unknown.
   */
  add(delta: V, options?: CallOptions): Promise<Counted<V>>
  /** Adds 1, as `add` does. */
  increment(options?: CallOptions): Promise<Counted<V>>
  /** Subtracts 1, as `add` does. */
  decrement(options?: CallOptions): Promise<Counted<V>>
  /** Sets the value, whatever it was before. */
  set(value: V, options?: CallOptions): Promise<Counted<V>>
  /** Sets `value` if the counter is `expected`. Resolves to whether it was. */
  compareAndSet(expected: V, value: V, options?: CallOptions): Promise<boolean>
  /** `change` must answer at once, and may be called several times. The call rejects with an error that it throws. */
  update(change: (value: V) => V, options?: CallOptions): Promise<Counted<V>>
}

/** The number at `path`; the first change creates its znode. Sends nothing. */
export function counter<F extends CounterFormat = 'int64'>(
  zk: Client,
  path: ZnodePath,
  options: CounterOptions<F> = {},
): Counter<CounterFormats[F]> {
  checkPlaceOrRoot(zk, path, 'counter')
  const own = counterOptions(options, 'counter')
  const format = formats[own.format ?? 'int64'] as unknown as NumberFormat<CounterFormats[F]>
  if (own.initial !== undefined) encoded(format, own.initial as CounterFormats[F], 'options.initial', 'counter')
  return new ZnodeCounter(zk, path, format, (own.initial as CounterFormats[F] | undefined) ?? format.zero)
}

const initial: Check<number | bigint> = (value, name, operation) => {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw wrongType(operation, name, 'a number', value)
  return value
}
const counterOptions = optionsOf<CounterOptions>({ format: oneOf('int32', 'int64', 'decimal'), initial })

/** @throws TypeError, RangeError for a value that the format cannot hold. */
function encoded<V>(format: NumberFormat<V>, value: V, name: string, operation: string): V {
  if (typeof value !== format.type) throw wrongType(operation, name, `a ${format.type}`, value)
  try {
    format.encode(value)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RangeError(`${operation}: ${name}: ${error.message}`)
  }
  return value
}

interface Change<V> {
  readonly change: (value: V) => V
  readonly resolve: (counted: Counted<V>) => void
  readonly reject: (reason: unknown) => void
  isGivenUp: boolean
}

/** The content of the znode, and its version. */
interface Known<V> {
  readonly value: V
  readonly version: number
}

/** Waits after lost races, milliseconds: clients that compete for a counter write often. */
const raceWaits = { baseMs: 4, maxMs: 1_000 }
const changesMax = 1_000
/** Default `timeout` of a change, milliseconds. */
const patienceMs = 60_000

class ZnodeCounter<V> implements Counter<V> {
  readonly path: ZnodePath
  readonly #zk: Client
  readonly #format: NumberFormat<V>
  readonly #initial: V
  readonly #transactions: MarkedTransactions
  readonly #changes: Change<V>[] = []
  #isBusy = false
  /** Valid while the transactions have their mark: the mark is a child, so the znode cannot have been deleted and created again. */
  #known: Known<V> | undefined

  constructor(zk: Client, path: ZnodePath, format: NumberFormat<V>, initial: V) {
    this.#zk = zk
    this.path = path
    this.#format = format
    this.#initial = initial
    this.#transactions = new MarkedTransactions(zk, path, async () => void (await this.#create()))
  }

  async get(options?: Omit<ReadOptions, 'watch'>): Promise<V> {
    const found = await this.#zk.find(this.path, options)
    return found === undefined ? this.#initial : this.#decode(found.data)
  }

  async add(delta: V, options?: CallOptions): Promise<Counted<V>> {
    encoded(this.#format, delta, 'delta', 'counter.add')
    return this.update((value) => this.#format.add(value, delta), options)
  }

  increment(options?: CallOptions): Promise<Counted<V>> {
    return this.add(this.#format.of(1), options)
  }

  decrement(options?: CallOptions): Promise<Counted<V>> {
    return this.add(this.#format.of(-1), options)
  }

  async set(value: V, options?: CallOptions): Promise<Counted<V>> {
    encoded(this.#format, value, 'value', 'counter.set')
    return this.update(() => value, options)
  }

  async compareAndSet(expected: V, value: V, options?: CallOptions): Promise<boolean> {
    encoded(this.#format, expected, 'expected', 'counter.compareAndSet')
    encoded(this.#format, value, 'value', 'counter.compareAndSet')
    const { before } = await this.update((current) => (current === expected ? value : current), options)
    return before === expected
  }

  async update(change: (value: V) => V, options?: CallOptions): Promise<Counted<V>> {
    callable(change, 'change', 'counter.update')
    const { signal, timeout = patienceMs } = callOptions(options, 'counter.update')
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const end = (how: () => void): void => {
        timer?.cancel()
        unhearAbort(signal, onAbort)
        how()
      }
      const giveUp = (reason: unknown): void => {
        entry.isGivenUp = true
        const at = this.#changes.indexOf(entry)
        if (at >= 0) this.#changes.splice(at, 1)
        end(() => reject(reason))
      }
      const onAbort = (): void => giveUp(signal?.reason)
      const entry: Change<V> = {
        change,
        resolve: (counted) => end(() => resolve(counted)),
        reject: (reason) => end(() => reject(reason as Error)),
        isGivenUp: false,
      }
      const timer =
        timeout === Number.POSITIVE_INFINITY
          ? undefined
          : this.#zk.clock.after(timeout, () => {
              const outcome = this.#changes.includes(entry) ? 'not-sent' : 'unknown'
              const message = `the change was not confirmed within ${timeout} ms${outcome === 'not-sent' ? ', and was not sent' : ''}`
              giveUp(new KeeperError('TIMEOUT', { operation: 'update', path: this.path, outcome, message }))
            })
      hearAbort(signal, onAbort)
      this.#changes.push(entry)
      void this.#work()
    })
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    // All other changes of this turn join.
    await Promise.resolve()
    while (this.#changes.length > 0) await this.#apply()
    this.#isBusy = false
  }

  /** Applies all changes of this moment in one write. */
  async #apply(): Promise<void> {
    let batch: Change<V>[] = []
    try {
      const races = new Races(this.#zk, undefined, raceWaits)
      for (;;) {
        const known = this.#transactions.hasMark ? (this.#known ?? (await this.#read())) : await this.#read()
        batch = [...batch.filter((each) => !each.isGivenUp), ...this.#changes.splice(0, changesMax - batch.length)]
        const { counted, data } = this.#fold(batch, known)
        batch = batch.filter((each) => counted.has(each))
        if (batch.length === 0) return
        const beaten = await this.#write(data, known)
        if (beaten === undefined) {
          for (const each of batch) each.resolve(counted.get(each) as Counted<V>)
          return
        }
        await races.lost(beaten, `${known.version}`)
      }
    } catch (error) {
      this.#known = undefined
      // Changes that came while it failed are not affected by the failure.
      if (batch.length === 0) batch = this.#changes.splice(0)
      for (const each of batch) each.reject(error)
    }
  }

  /** Applies one change after the other. A change that throws rejects its own call and changes nothing. */
  #fold(batch: readonly Change<V>[], known: Known<V>): { counted: Map<Change<V>, Counted<V>>; data: Uint8Array } {
    const counted = new Map<Change<V>, Counted<V>>()
    let value = known.value
    let data = this.#format.encode(value)
    for (const each of batch) {
      try {
        const after = answerOf(each.change(value))
        // The result is a promise, for example: the write also carries the changes of other callers, so it cannot wait.
        if (typeof after !== this.#format.type)
          throw wrongType('counter.update', 'what change gives', `a ${this.#format.type}`, after)
        data = this.#format.encode(after)
        counted.set(each, jsonable({ before: value, after }))
        value = after
      } catch (error) {
        each.reject(error)
      }
    }
    return { counted, data }
  }

  /** Resolves to undefined, or to the refusal where another client was faster. */
  async #write(data: Uint8Array, { version }: Known<V>): Promise<unknown> {
    this.#known = undefined
    try {
      await this.#transactions.run([op.set(this.path, data, { version })])
    } catch (error) {
      const refusal = refusalOf(error, 'update')
      const code = failedWith(error)
      if (code === 'BAD_VERSION' || code === 'NO_NODE') return refusal
      throw refusal
    }
    // Versions wrap around at 2^31.
    this.#known = { value: this.#format.decode(data), version: (version + 1) | 0 }
    return undefined
  }

  /** Creates the znode where it is missing. */
  async #read(): Promise<Known<V>> {
    const races = new Races(this.#zk)
    for (;;) {
      const found = await this.#zk.find(this.path, { timeout: Number.POSITIVE_INFINITY })
      if (found !== undefined) return { value: this.#decode(found.data), version: found.stat.version }
      const beaten = await this.#create()
      // Another client created it, or a create whose reply was lost: the next look finds it.
      if (beaten !== undefined) await races.lost(beaten)
    }
  }

  /** Resolves to undefined, or to the error where the znode may exist nevertheless. */
  async #create(): Promise<unknown> {
    try {
      const data = this.#format.encode(this.#initial)
      await createBelow(this.#zk, this.path, data, { idempotent: true, timeout: Number.POSITIVE_INFINITY })
      return undefined
    } catch (error) {
      const isRetried =
        KeeperError.is(error, 'NODE_EXISTS') ||
        (KeeperError.is(error) && error.outcome === 'unknown' && !isOver(this.#zk))
      if (!isRetried) throw error
      return error
    }
  }

  #decode(data: Uint8Array): V {
    // kazoo and Curator's shared values leave the znode empty before the first write.
    if (data.length === 0) return this.#initial
    try {
      return this.#format.decode(data)
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new KeeperError('INVALID_DATA', { path: this.path, operation: 'decode', message, cause })
    }
  }
}
