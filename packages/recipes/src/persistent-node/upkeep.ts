/** The requests that keep one znode right: it looks, does one step, and deletes the znode at the end. */
import {
  type Acl,
  type Client,
  KeeperError,
  op,
  type WatchedEvent,
  type ZnodePath,
  type ZnodeStat,
} from '@lightkeeper/client'
import { Backoff } from '../common/backoff.ts'
import { createBelow, type Directory } from '../common/container.ts'
import { isOver, isRace, isRefusal, refusalOf } from '../common/errors.ts'
import { type LeftBehind, mayNotBeDeleted } from '../common/leaving.ts'
import { type Found, stepFor } from './decide.ts'

/** How to create the znode. */
export interface Making {
  readonly mode: 'ephemeral' | 'persistent'
  readonly acl: readonly Acl[] | undefined
  readonly parent: Directory
  /** Whether data of another session is an old znode of ours. */
  isLeftover(data: Uint8Array): boolean
}

/** The znode, and the event of its next change. */
interface Seen {
  readonly data: Uint8Array
  readonly stat: ZnodeStat
  readonly changed: Promise<WatchedEvent>
}

export type Outcome =
  /** It is right, or another client has its name: look again when it has changed. */
  | { readonly kind: 'present' | 'taken'; readonly stat: ZnodeStat; readonly changed: Promise<WatchedEvent> }
  /** A step was done: look again at once. */
  | { readonly kind: 'stepped' }
  /** Another client seems to have been faster. `seen` says what stood there before. */
  | { readonly kind: 'beaten'; readonly by: unknown; readonly seen: string }

/** How often another client may write the znode right before we delete it. */
const racesMax = 5

export class Upkeep {
  readonly #zk: Client
  readonly #path: ZnodePath
  readonly #making: Making
  readonly #signal: AbortSignal
  readonly #isEphemeral: boolean
  /** Czxid of the latest znode of ours. A later one is not ours; otherwise two clients would replace each other for ever. */
  #czxid: bigint | undefined
  /** The sessions in which it was created. */
  readonly #sessions = new Set<bigint>()
  #isFirst = true
  /** A look that was sent behind a create; it may show the state before the create. */
  #early: Promise<Seen | undefined> | undefined

  /** `signal` ends requests that are under way, except those of `remove`. */
  constructor(zk: Client, path: ZnodePath, making: Making, signal: AbortSignal) {
    this.#zk = zk
    this.#path = path
    this.#making = making
    this.#signal = signal
    this.#isEphemeral = making.mode === 'ephemeral'
  }

  /**
   * Looks, and does the next step so that the znode holds `data`. Waits for `calm` before any write.
   * @throws KeeperError; the error of `isLeftover`.
   */
  async step(data: Uint8Array, calm: () => Promise<void>): Promise<Outcome> {
    const early = this.#early
    this.#early = undefined
    // At first the znode is most likely missing: a refused create tells as much as a look, and saves its round trip.
    const seen = this.#isFirst ? undefined : await (early ?? this.#look())
    this.#isFirst = false
    // Older than the create, which had to create parents first.
    if (early !== undefined && seen === undefined) return { kind: 'stepped' }
    const isOlder = seen !== undefined && (this.#czxid === undefined || seen.stat.czxid < this.#czxid)
    const isLeftover = (found: Found): boolean =>
      this.#sessions.has(found.owner) || (isOlder && this.#making.isLeftover(found.data))
    const found = seen && { owner: seen.stat.ephemeralOwner, data: seen.data }
    const wanted = { isEphemeral: this.#isEphemeral, data }
    const step = stepFor(found, wanted, this.#zk.sessionId, isLeftover)
    if (step !== 'rest' && step !== 'yield') await calm()
    if (seen === undefined || step === 'create') return this.#create(data, seen)
    if (step === 'write') return this.#write(data, seen)
    if (step === 'replace') return this.#replace(data, seen)
    const { stat, changed } = seen
    if (step === 'yield') return { kind: 'taken', stat, changed }
    this.#czxid = stat.czxid
    return { kind: 'present', stat, changed }
  }

  async #create(data: Uint8Array, seen: Seen | undefined): Promise<Outcome> {
    const creating = createBelow(
      this.#zk,
      this.#path,
      data,
      { ...this.#options, signal: this.#signal },
      this.#making.parent,
    )
    // Sent right behind it, for the next step.
    const early = this.#look()
    early.catch(() => {})
    try {
      const { stat } = await creating
      if (this.#isEphemeral) this.#sessions.add(stat.ephemeralOwner)
    } catch (error) {
      if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
      return { kind: 'beaten', by: error, seen: wordsOf(seen) }
    }
    this.#early = early
    return { kind: 'stepped' }
  }

  async #write(data: Uint8Array, seen: Seen): Promise<Outcome> {
    try {
      await this.#zk.set(this.#path, data, { version: seen.stat.version, signal: this.#signal })
      return { kind: 'stepped' }
    } catch (error) {
      if (!isRace(error)) throw error
      return { kind: 'beaten', by: error, seen: wordsOf(seen) }
    }
  }

  async #replace(data: Uint8Array, seen: Seen): Promise<Outcome> {
    const made = op.create(this.#path, data, this.#options)
    try {
      await this.#zk.transaction(op.delete(this.#path, { version: seen.stat.version }), made)
    } catch (error) {
      const by = refusalOf(error, 'persistentNode')
      if (!isRace(error)) throw by
      return { kind: 'beaten', by, seen: wordsOf(seen) }
    }
    if (this.#isEphemeral) this.#sessions.add(this.#zk.sessionId)
    return { kind: 'stepped' }
  }

  get #options() {
    const { mode, acl } = this.#making
    return { mode, ...(acl === undefined ? {} : { acl }) }
  }

  async #look(): Promise<Seen | undefined> {
    try {
      const { data, stat, changed } = await this.#zk.get(this.#path, { watch: true, signal: this.#signal })
      return { data, stat, changed: changed as Promise<WatchedEvent> }
    } catch (error) {
      if (KeeperError.is(error, 'NO_NODE')) return undefined
      throw error
    }
  }

  /** Resolves when it is gone, at the latest with its session, or to the reason why it may not be deleted. Never rejects. */
  async remove(): Promise<LeftBehind | undefined> {
    let races = 0
    const backoff = new Backoff(this.#zk, { baseMs: 50 })
    while (!isOver(this.#zk)) {
      try {
        // Sent after requests that were abandoned on their way.
        const [, { stat }] = await Promise.all([this.#zk.sync(this.#path), this.#zk.get(this.#path)])
        const isOurs = this.#isEphemeral ? this.#isOwn(stat.ephemeralOwner) : stat.ephemeralOwner === 0n
        if (!isOurs) return undefined
        await this.#zk.delete(this.#path, { version: stat.version })
        return undefined
      } catch (error) {
        if (KeeperError.is(error, 'NO_NODE')) return undefined
        // Another client has written it between the two requests: it is still ours.
        const isWritten = KeeperError.is(error, 'BAD_VERSION') && ++races < racesMax
        // A server would repeat a refusal. After any other error the next try may succeed.
        if (!isWritten && KeeperError.is(error) && isRefusal(error)) return mayNotBeDeleted('close', this.#path, error)
      }
      await backoff.pause()
    }
    return undefined
  }

  #isOwn(owner: bigint): boolean {
    return owner !== 0n && (owner === this.#zk.sessionId || this.#sessions.has(owner))
  }
}

function wordsOf(seen: Seen | undefined): string {
  return seen === undefined ? 'nothing' : `${seen.stat.czxid} ${seen.stat.version}`
}
