/**
 * Several clients that call the same few znodes at once, and remember when each call began and ended and what it said. Writes, and reads
 * behind a sync, are for the search of checker.ts. Plain reads may be old, but a client never goes back, sees its own writes, and gets
 * at least what it asks for: this is checked here.
 */
import { type Client, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import type { SeededRandom } from '@lightkeeper/testing/sim'
import { type Answer, type Call, explain, type Model, type Refusal, type State, type Step } from './checker.ts'

export interface Place {
  readonly random: SeededRandom
  /** Lets some time pass, milliseconds. */
  delay(ms: number): Promise<void>
}

/** Znodes that are never deleted, one that comes and goes, and two that are changed together. */
const keptNames = ['a', 'b', 'm', 'n'] as const
const decoder = new TextDecoder()
const refusals: readonly string[] = ['NO_NODE', 'NODE_EXISTS', 'BAD_VERSION']

/** What a client knows to have happened, so that it must not see less: the newest zxid of each path. */
interface Seen {
  epoch: number
  readonly zxids: Map<string, bigint>
}

export class History {
  readonly calls: Call[] = []
  readonly problems: string[] = []
  readonly #place: Place
  readonly #root: ZnodePath
  readonly #kept: readonly ZnodePath[]
  /** Zxid of the newest acknowledged write of each path, of all clients. */
  readonly #newest = new Map<string, bigint>()
  #time = 0
  #unique = 0

  /** `root` must not exist. */
  constructor(place: Place, root: ZnodePath) {
    this.#place = place
    this.#root = root
    this.#kept = keptNames.map((name): ZnodePath => `${root}/${name}`)
  }

  get #coming(): ZnodePath {
    return `${this.#root}/c`
  }

  /** Call this before `work`. */
  async layOut(client: Client): Promise<void> {
    await client.create(this.#root, '')
    for (const path of this.#kept) await client.create(path, 'begin')
  }

  /** Calls until `isOver`, or until it has made `most` calls. */
  async work(client: Client, index: number, most: number, isOver: () => boolean): Promise<void> {
    const random = this.#place.random.fork()
    const seen: Seen = { epoch: client.epoch, zxids: new Map() }
    for (let i = 0; i < most && !isOver(); i++) {
      await this.#call(client, index, random, seen)
      await this.#place.delay(random.below(120))
    }
  }

  /** What is wrong with the history, or undefined. Every call has ended. */
  problem(): string | undefined {
    const [first] = this.problems
    const begin: Model = new Map(this.#kept.map((path) => [path, { value: 'begin', version: 0 }]))
    return first ?? explain(this.calls, begin)
  }

  async #call(client: Client, index: number, random: SeededRandom, seen: Seen): Promise<void> {
    const value = `${index}.${++this.#unique}`
    const path = random.pick(this.#kept)
    switch (random.below(10)) {
      case 0:
      case 1:
        return this.#write(client, index, seen, { kind: 'set', path, value })
      case 2: {
        // The version may be that of somebody else by now.
        const found = await client.find(path).catch(() => undefined)
        if (found === undefined) return
        return this.#write(client, index, seen, { kind: 'set', path, value, version: found.stat.version })
      }
      case 3:
        return this.#write(client, index, seen, { kind: 'create', path: this.#coming, value })
      case 4:
        return this.#write(client, index, seen, { kind: 'delete', path: this.#coming })
      case 5:
        return this.#pair(client, index, value)
      case 6:
      case 7:
        return this.#synced(client, index, random.oneIn(3) ? this.#coming : path)
      case 8:
        return this.#plain(client, index, path, seen, undefined)
      default:
        return this.#plain(client, index, path, seen, this.#newest.get(path))
    }
  }

  #begin(client: number, steps: readonly Step[]): Call {
    const call: Call = { client, steps, from: ++this.#time, to: Number.POSITIVE_INFINITY, answer: { kind: 'unknown' } }
    this.calls.push(call)
    return call
  }

  #end(call: Call, answer: Answer): void {
    call.to = ++this.#time
    call.answer = answer
  }

  /** It had no effect and says nothing. */
  #drop(call: Call): void {
    this.calls.splice(this.calls.indexOf(call), 1)
  }

  #failed(call: Call, error: unknown): void {
    if (!KeeperError.is(error)) {
      this.problems.push(`a call failed with ${String(error)}`)
      return
    }
    if (error.outcome === 'unknown') return
    const code = error.failedOp?.code ?? error.code
    if (refusals.includes(code))
      this.#end(call, { kind: 'refused', why: code as Refusal, at: error.failedOp?.index ?? 0 })
    else this.#drop(call)
  }

  async #write(
    client: Client,
    index: number,
    seen: Seen,
    step: Step & { kind: 'set' | 'create' | 'delete' },
  ): Promise<void> {
    const call = this.#begin(index, [step])
    const path = step.path as ZnodePath
    try {
      if (step.kind === 'delete') {
        await client.delete(path)
        this.#end(call, { kind: 'done', states: [undefined] })
        return
      }
      const options = step.kind === 'set' && step.version !== undefined ? { version: step.version } : {}
      const stat =
        step.kind === 'set' ? await client.set(path, step.value, options) : (await client.create(path, step.value)).stat
      this.#end(call, { kind: 'done', states: [{ value: step.value, version: stat.version }] })
      this.#see(client, seen, path, stat.mzxid)
      if (stat.mzxid > (this.#newest.get(path) ?? 0n)) this.#newest.set(path, stat.mzxid)
    } catch (error) {
      this.#failed(call, error)
    }
  }

  /** Both are changed, if one of them is as it was read. */
  async #pair(client: Client, index: number, value: string): Promise<void> {
    const [m, n]: readonly [ZnodePath, ZnodePath] = [`${this.#root}/m`, `${this.#root}/n`]
    const found = await client.find(m).catch(() => undefined)
    if (found === undefined) return
    const { version } = found.stat
    const call = this.#begin(index, [
      { kind: 'check', path: m, version },
      { kind: 'set', path: m, value },
      { kind: 'set', path: n, value },
    ])
    try {
      const [, first, second] = await client.transaction(op.check(m, version), op.set(m, value), op.set(n, value))
      const states: State[] = [undefined, { value, version: first.version }, { value, version: second.version }]
      this.#end(call, { kind: 'done', states })
    } catch (error) {
      this.#failed(call, error)
    }
  }

  async #synced(client: Client, index: number, path: ZnodePath): Promise<void> {
    const call = this.#begin(index, [{ kind: 'read', path }])
    const { established } = client.stats().connections
    try {
      await client.sync(path)
      const found = await client.find(path)
      // Over another connection it is another server, for which the sync says nothing.
      if (client.stats().connections.established !== established) this.#drop(call)
      else this.#end(call, { kind: 'done', states: [stateOf(found)] })
    } catch (error) {
      if (!KeeperError.is(error)) this.#failed(call, error)
      this.#drop(call)
    }
  }

  async #plain(client: Client, index: number, path: ZnodePath, seen: Seen, atLeast: bigint | undefined): Promise<void> {
    this.#renew(client, seen)
    const { epoch } = client
    const before = seen.zxids.get(path) ?? 0n
    try {
      const { stat } = await client.get(path, atLeast === undefined ? {} : { atLeast })
      if (client.epoch !== epoch) return
      const what = `client ${index} read ${path} of ${stat.mzxid}`
      if (stat.mzxid < before) this.problems.push(`${what}, and had seen ${before}`)
      if (atLeast !== undefined && stat.mzxid < atLeast)
        this.problems.push(`${what}, and asked for at least ${atLeast}`)
      this.#see(client, seen, path, stat.mzxid)
    } catch (error) {
      if (!KeeperError.is(error)) this.problems.push(`a read failed with ${String(error)}`)
      // One that has seen nothing of it may read from a server that does not have it yet.
      else if (error.code === 'NO_NODE' && before > 0n)
        this.problems.push(`client ${index} found no ${path}, which is never deleted`)
    }
  }

  #see(client: Client, seen: Seen, path: string, zxid: bigint): void {
    this.#renew(client, seen)
    if (zxid > (seen.zxids.get(path) ?? 0n)) seen.zxids.set(path, zxid)
  }

  /** A new session knows nothing of the old one. */
  #renew(client: Client, seen: Seen): void {
    if (client.epoch === seen.epoch) return
    seen.epoch = client.epoch
    seen.zxids.clear()
  }
}

function stateOf(found: { readonly data: Uint8Array; readonly stat: { readonly version: number } } | undefined): State {
  return found === undefined ? undefined : { value: decoder.decode(found.data), version: found.stat.version }
}
