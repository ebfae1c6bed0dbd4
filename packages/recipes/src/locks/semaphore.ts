/**
 * A number of leases. A client that wants a lease passes through a mutex, so only one of the waiting clients watches the leases.
 * leases.ts has the paths of the mutex and the leases.
 */
import { type CallOptions, type Client, KeeperError, type WatchedEvent, type ZnodePath } from '@lightkeeper/client'
import { type Check, looking, wrongType } from '@lightkeeper/client/arguments'
import { callOptions, optionsOf } from '../arguments/options.ts'
import { checkPlace, checkPlaceOrRoot, path as pathCheck } from '../arguments/places.ts'
import { number } from '../arguments/values.ts'
import { again, contend, contendAtOnce } from '../common/contender.ts'
import { isGone } from '../common/errors.ts'
import { firstOf } from '../common/first-of.ts'
import { type Limit, within } from '../common/limit.ts'
import { LinkedAbort } from '../common/linked.ts'
import { namesBelow } from '../common/names-below.ts'
import { isCurrent, type OwnEphemeral, withdraw } from '../common/own-ephemeral.ts'
import { Races } from '../common/races.ts'
import { Tenure } from '../common/tenure.ts'
import { lockLine } from './decide.ts'
import { Held } from './held.ts'
import { curatorLayout, kazooLayout, type SemaphoreLayout } from './leases.ts'
import { ask, type Lockable, type LockOptions, lockTable } from './lock.ts'
import { type Participant, participants } from './participants.ts'
import { type PlaceInLine, placeIn, withHolders } from './waited.ts'

/** `names` is the layout: that of Curator's `InterProcessSemaphoreV2`, or of kazoo's `Semaphore`. */
export interface SemaphoreOptions extends LockOptions {
  /**
   * The number of leases. Curator's layout does not store it: give the same number to every client. kazoo's layout stores it. `{
   * from }` is the path of a shared count (Curator's `SharedCount`, four bytes). A change of the count affects all clients at once;
   * a held lease stays held.
   */
  readonly leases: number | { readonly from: ZnodePath }
}

/** As many holders at `path` as there are leases, in the order of their requests. Sends nothing before `acquire`. */
export function semaphore(zk: Client, path: ZnodePath, options: SemaphoreOptions): Lockable {
  checkPlaceOrRoot(zk, path, 'semaphore')
  const own = semaphoreOptions(options, 'semaphore')
  const { leases } = own
  if (leases === undefined) throw wrongType('semaphore', 'options.leases', leasesExpected, leases)
  if (own.names !== 'kazoo') return new Semaphore(zk, path, leases, curatorLayout(zk, path, own))
  if (typeof leases !== 'number') {
    throw wrongType('semaphore', 'options.leases', "a number, since kazoo's layout stores it", leases)
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

/** The number of leases, and the event of its change. */
interface Most {
  readonly count: number
  readonly changed?: Promise<WatchedEvent>
}

/** Like a turn in a line. */
type Granted = Tenure | 'gone' | 'vanished' | 'busy'

class Semaphore implements Lockable {
  readonly path: ZnodePath
  readonly #zk: Client
  readonly #leases: SemaphoreOptions['leases']
  readonly #layout: SemaphoreLayout

  constructor(zk: Client, path: ZnodePath, leases: SemaphoreOptions['leases'], layout: SemaphoreLayout) {
    this.path = path
    this.#zk = zk
    this.#leases = leases
    this.#layout = layout
  }

  async acquire(options?: CallOptions): Promise<Held> {
    const own = callOptions(options, 'semaphore.acquire')
    // The first in line waits for the leases; it does not read the line meanwhile.
    let place: PlaceInLine = { at: 1, of: 1 }
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
        // The holder of the mutex waits for a lease, or is about to take one.
        if (section === undefined) return undefined
        const lease = await this.#lease(section, limit, true)
        if (lease instanceof Tenure) return new Held(lease)
        if (lease === 'busy') return undefined
        await again(lease, races, this.#layout.mutex)
      }
    })
  }

  /** Takes a lease while the mutex `section` is held, and releases the mutex. */
  async #lease(section: Tenure, limit: Limit, isTry: boolean): Promise<Granted> {
    let own: OwnEphemeral | undefined
    let lease: Granted = 'gone'
    try {
      own = await this.#layout.enter(limit)
      lease = await this.#granted(section, own, limit, isTry)
      return lease
    } finally {
      if (own !== undefined && !(lease instanceof Tenure)) void withdraw(this.#zk, own)
      void section.release()
    }
  }

  async #granted(section: Tenure, own: OwnEphemeral, limit: Limit, isTry: boolean): Promise<Granted> {
    const zk = this.#zk
    const until = new LinkedAbort(limit.signal, section.signal)
    let watch = false
    try {
      // The first look leaves no watch if a lease is free.
      for (; ; watch = true) {
        const [{ children, changed }, most] = await Promise.all([
          zk.children(this.#layout.path, { ...limit.step, watch }),
          this.#most({ ...limit.step, watch }),
        ])
        const line = this.#layout.leases(children)
        // Two clients in the section could block each other for ever.
        if (section.signal.aborted || !isCurrent(zk, own)) return 'gone'
        if (!line.some(({ name }) => name === own.name)) return watch ? 'gone' : 'vanished'
        if (line.length <= most.count) {
          const tenure = new Tenure(zk, own)
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
      // The leases are gone, ours too. A missing count is an error of the caller.
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
    // A client that waits for a lease has created the last of them already.
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
