/**
 * A number of leases. Who asks for one passes through a mutex, so that of all who wait a single one watches the leases; where
 * mutex and leases are is told by leases.ts.
 */
import { type CallOptions, type Client, KeeperError, type WatchedEvent, type ZnodePath } from '@lightkeeper/client'
import { callOptions } from '../arguments/calls.ts'
import {
  type Check,
  checkPlace,
  checkPlaceOrRoot,
  looking,
  number,
  optionsOf,
  path as pathCheck,
  wrongType,
} from '../arguments/checks.ts'
import { again, type Contender, contend, contendAtOnce, isCurrent, isGone, withdraw } from '../common/contender.ts'
import { firstOf } from '../common/first-of.ts'
import { type Limit, within } from '../common/limit.ts'
import { LinkedAbort } from '../common/linked.ts'
import { namesBelow } from '../common/names-below.ts'
import { Races } from '../common/races.ts'
import { Tenure } from '../common/tenure.ts'
import { lockLine } from './decide.ts'
import { Held } from './held.ts'
import { curatorLayout, kazooLayout, type Layout } from './leases.ts'
import { ask, type Lockable, type LockOptions, lockTable } from './lock.ts'
import { type Participant, participants } from './participants.ts'
import { type Place, placeIn, withHolders } from './waited.ts'

/** `names` gives the layout: that of Curator's `InterProcessSemaphoreV2`, or of kazoo's `Semaphore`. */
export interface SemaphoreOptions extends LockOptions {
  /**
   * How many there are. A number is known to this process alone: all others must be given the same (kazoo's layout stores it). `{ from }` names the znode of
   * a shared count (Curator's `SharedCount`, four bytes), whose changes hold for all at once; leases that are out stay out.
   */
  readonly leases: number | { readonly from: ZnodePath }
}

/** As many holders at a time as there are leases, in the order of asking, at `path`. Sends nothing before `acquire`. */
export function semaphore(zk: Client, path: ZnodePath, options: SemaphoreOptions): Lockable {
  checkPlaceOrRoot(zk, path, 'semaphore')
  const own = semaphoreOptions(options, 'semaphore')
  const { leases } = own
  // Options may be missing, and this one must not be.
  if (leases === undefined) throw wrongType('semaphore', 'options.leases', leasesExpected, leases)
  if (own.names !== 'kazoo') return new Semaphore(zk, path, leases, curatorLayout(zk, path, own))
  if (typeof leases !== 'number') {
    throw wrongType('semaphore', 'options.leases', 'a number, since semaphores of kazoo keep it themselves', leases)
  }
  checkPlace(zk, path, 'semaphore')
  return new Semaphore(zk, path, leases, kazooLayout(zk, path, own, leases))
}

const leasesExpected = 'a whole number above 0, or { from: path of a shared count }'
const countOf = number('leases', 1, 0x7fff_ffff)
const leasesOf: Check<SemaphoreOptions['leases']> = (value, name, operation) => {
  if (typeof value === 'number') return countOf(value, name, operation)
  return looking(name, operation, () => {
    if (typeof value !== 'object' || value === null) throw wrongType(operation, name, leasesExpected, value)
    const { from } = value as { readonly from?: unknown }
    return { from: pathCheck(from, `${name}.from`, operation) }
  })
}
const semaphoreOptions = optionsOf<SemaphoreOptions>({ ...lockTable, leases: leasesOf })

/** Leases there are, and when that changes. */
interface Most {
  readonly count: number
  readonly changed?: Promise<WatchedEvent>
}

/** As a turn in line. */
type Granted = Tenure | 'gone' | 'vanished' | 'busy'

class Semaphore implements Lockable {
  readonly path: ZnodePath
  readonly #zk: Client
  readonly #leases: SemaphoreOptions['leases']
  readonly #layout: Layout

  constructor(zk: Client, path: ZnodePath, leases: SemaphoreOptions['leases'], layout: Layout) {
    this.path = path
    this.#zk = zk
    this.#leases = leases
    this.#layout = layout
  }

  async acquire(options?: CallOptions): Promise<Held> {
    const own = callOptions(options, 'semaphore.acquire')
    // First of all until the line says otherwise: the first waits for the leases.
    let place: Place = { at: 1, of: 1 }
    const onWait = (children: readonly string[], name: string): void => {
      place = placeIn(lockLine(children), name) ?? place
    }
    try {
      return await within(this.#zk, 'semaphore', this.path, own, async (limit) => {
        const races = new Races(this.#zk, limit.signal)
        for (;;) {
          const section = await contend(this.#zk, { ...this.#layout.mutex, onWait }, limit)
          place = { at: 1, of: place.of }
          const lease = await this.#lease(section, limit, false)
          if (lease instanceof Tenure) return new Held(lease)
          if (lease !== 'busy') await again(lease, races, this.#layout.mutex)
        }
      })
    } catch (error) {
      const what = { operation: 'semaphore', path: this.path, signal: own.signal }
      throw await withHolders(this.#zk, error, what, place, (step) => this.holders(step))
    }
  }

  async tryAcquire(options?: CallOptions): Promise<Held | undefined> {
    const own = callOptions(options, 'semaphore.tryAcquire')
    return within(this.#zk, 'semaphore', this.path, own, async (limit) => {
      const races = new Races(this.#zk, limit.signal)
      for (;;) {
        const section = await contendAtOnce(this.#zk, this.#layout.mutex, limit)
        // Whoever is in there waits for a lease, or is about to take one.
        if (section === undefined) return undefined
        const lease = await this.#lease(section, limit, true)
        if (lease instanceof Tenure) return new Held(lease)
        if (lease === 'busy') return undefined
        await again(lease, races, this.#layout.mutex)
      }
    })
  }

  /** Takes a lease while `section` lasts, and ends that. */
  async #lease(section: Tenure, limit: Limit, isTry: boolean): Promise<Granted> {
    let contender: Contender | undefined
    let lease: Granted = 'gone'
    try {
      contender = await this.#layout.enter(limit)
      lease = await this.#granted(section, contender, limit, isTry)
      return lease
    } finally {
      if (contender !== undefined && !(lease instanceof Tenure)) void withdraw(this.#zk, contender)
      void section.release()
    }
  }

  async #granted(section: Tenure, contender: Contender, limit: Limit, isTry: boolean): Promise<Granted> {
    const zk = this.#zk
    const until = new LinkedAbort(limit.signal, section.signal)
    let watch = false
    try {
      // Leaves no watch where there is a lease to be had.
      for (; ; watch = true) {
        const [{ children, changed }, most] = await Promise.all([
          zk.children(this.#layout.path, { ...limit.step, watch }),
          this.#most({ ...limit.step, watch }),
        ])
        const line = this.#layout.leases(children)
        // Two in the section could keep each other out for ever.
        if (section.signal.aborted || !isCurrent(zk, contender)) return 'gone'
        if (!line.some(({ name }) => name === contender.name)) return watch ? 'gone' : 'vanished'
        if (line.length <= most.count) {
          const tenure = new Tenure(zk, contender)
          return tenure.signal.aborted ? 'gone' : tenure
        }
        if (isTry) return 'busy'
        if (!watch) continue
        await firstOf(
          [changed, most.changed].filter((each) => each !== undefined),
          until.signal,
        )
        limit.signal.throwIfAborted()
      }
    } catch (error) {
      // The leases are gone, ours among them; a count that is missing is an error of whoever named it.
      const isLeaseMissing = isGone(error) && (error.code !== 'NO_NODE' || error.path !== this.#countPath)
      if (isLeaseMissing && !limit.signal.aborted) return watch || error.code !== 'NO_NODE' ? 'gone' : 'vanished'
      throw error
    } finally {
      until[Symbol.dispose]()
    }
  }

  get #countPath(): ZnodePath | undefined {
    return typeof this.#leases === 'number' ? undefined : this.#leases.from
  }

  async #most(options: CallOptions & { readonly watch?: boolean }): Promise<Most> {
    const leases = this.#leases
    if (typeof leases === 'number') return { count: leases }
    const { data, changed } = await this.#zk.get(leases.from, options)
    if (data.length !== 4) {
      const message = `a shared count has 4 bytes, this znode has ${data.length}`
      throw new KeeperError('INVALID_DATA', { path: leases.from, operation: 'semaphore', message })
    }
    const count = new DataView(data.buffer, data.byteOffset, 4).getInt32(0)
    return { count, ...(changed === undefined ? {} : { changed }) }
  }

  async holders(options?: CallOptions): Promise<Participant[]> {
    const own = callOptions(options, 'semaphore.holders')
    const { path } = this.#layout
    const [names, { count }] = await Promise.all([namesBelow(this.#zk, path, own), this.#most(own)])
    const all = await participants(this.#zk, path, this.#layout.leases(names), own)
    // Who waits for a lease has the last of them already.
    return all.sort((a, b) => (a.fencingToken < b.fencingToken ? -1 : 1)).slice(0, Math.max(0, count))
  }

  async waiting(options?: CallOptions): Promise<Participant[]> {
    const own = callOptions(options, 'semaphore.waiting')
    const { path } = this.#layout.mutex
    return participants(this.#zk, path, lockLine(await namesBelow(this.#zk, path, own)), own)
  }

  async revoke(options?: CallOptions): Promise<number> {
    const own = callOptions(options, 'semaphore.revoke')
    return ask(this.#zk, await this.holders(own), own)
  }
}
