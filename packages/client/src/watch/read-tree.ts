/**
 * A subtree as it is at one zxid, of any size. A persistent watch reports what changes during the read. The event of a change comes
 * before every reply that shows the change. So once all reported paths have been read again and no new event has come, everything
 * is the state at the zxid of the last reply.
 */
import { formatHex, isWithin, joinPath, KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { Budget } from '../session/budget.ts'
import type { Watcher } from '../session/watch-registry.ts'
import type { RawZnode, WatchSource } from './source.ts'

/** A znode and everything below it, as it was at one moment. */
export interface Tree {
  /** Everything is as it was right after this transaction. */
  readonly zxid: bigint
  /** By path, parents before their children; empty where the root does not exist. */
  readonly nodes: ReadonlyMap<ZnodePath, RawZnode>
}

const readsAtOnce = 256

/**
 * @throws KeeperError NO_AUTH where this client may not read a znode of it; UNIMPLEMENTED where the server has no persistent
 * watches.
 */
export async function readTree(source: WatchSource, root: ZnodePath, budget: Budget): Promise<Tree> {
  for (;;) {
    budget.step()
    const attempt = new Attempt(source, root)
    try {
      return await budget.until(attempt.run(budget))
    } catch (error) {
      budget.step()
      // A lost connection is made again, and a server that throttles has time later.
      const isPassing =
        KeeperError.is(error) &&
        (error.outcome !== 'rejected' || error.code === 'THROTTLED_OP') &&
        error.code !== 'CLOSED' &&
        error.code !== 'AUTH_FAILED'
      if (!isPassing) throw error
      await budget.again(error)
    } finally {
      attempt.leave()
    }
  }
}

class WholeTree implements Tree {
  readonly zxid: bigint
  readonly nodes: ReadonlyMap<ZnodePath, RawZnode>

  constructor(zxid: bigint, nodes: ReadonlyMap<ZnodePath, RawZnode>) {
    this.zxid = zxid
    this.nodes = nodes
  }

  /** JSON has no form for maps and 64-bit integers. */
  toJSON(): object {
    return { zxid: formatHex(this.zxid), nodes: Object.fromEntries(this.nodes) }
  }
}

/** On one connection: when it is lost, so is the watch. */
class Attempt implements Watcher {
  readonly #source: WatchSource
  readonly #root: ZnodePath
  readonly #nodes = new Map<ZnodePath, RawZnode>()
  #dirty = new Set<ZnodePath>()
  #isBroken = false
  #isArmed = false
  #hasLeft = false

  constructor(source: WatchSource, root: ZnodePath) {
    this.#source = source
    this.#root = root
    source.listen(this)
  }

  event(_type: number, path: string): void {
    const own = this.#source.toUser(path) as ZnodePath
    if (isWithin(own, this.#root)) this.#dirty.add(own)
  }

  restored(): void {
    this.#isBroken = true
  }

  disconnected(): void {
    this.#isBroken = true
  }

  sessionEnded(): void {
    this.#isBroken = true
  }

  ended(): void {
    this.#isBroken = true
  }

  leave(): void {
    this.#hasLeft = true
    this.#source.unlisten(this)
    if (this.#isArmed) this.#source.disarm(this.#root, 'recursive', this)
  }

  async run(budget: Budget): Promise<Tree> {
    this.#isArmed = await this.#source.arm(this.#root, 'recursive', this)
    // The call has ended meanwhile.
    if (this.#hasLeft && this.#isArmed) this.#source.disarm(this.#root, 'recursive', this)
    if (this.#hasLeft) throw new KeeperError('TIMEOUT', { path: this.#root, operation: 'tree', outcome: 'not-sent' })
    if (!this.#isArmed) {
      throw new KeeperError('UNIMPLEMENTED', { path: this.#root, operation: 'tree', message: 'needs ZooKeeper 3.6' })
    }
    let queue: ZnodePath[] = [this.#root]
    for (;;) {
      for (; queue.length > 0; ) {
        budget.step()
        const batch = queue.splice(0, readsAtOnce)
        for (const below of await Promise.all(batch.map((path) => this.#visit(path)))) queue.push(...below)
        if (this.#isBroken || this.#hasLeft)
          throw new KeeperError('CONNECTION_LOSS', { path: this.#root, operation: 'tree', outcome: 'unknown' })
      }
      if (this.#dirty.size === 0) break
      queue = [...this.#dirty]
    }
    const nodes = new Map([...this.#nodes].sort(([a], [b]) => (a < b ? -1 : 1)))
    return new WholeTree(this.#source.lastZxid, nodes)
  }

  /** Reads a znode and returns the paths of its children where they are not known yet. */
  async #visit(path: ZnodePath): Promise<ZnodePath[]> {
    const raw = await this.#source.read(path, undefined, () => this.#dirty.delete(path))
    const known = this.#nodes.get(path)
    if (raw === undefined) {
      this.#nodes.delete(path)
      return []
    }
    this.#nodes.set(path, raw)
    // Events report each new child of a znode that was read before.
    if (raw.stat.numChildren === 0 || known?.stat.czxid === raw.stat.czxid) return []
    const names = await this.#source.list(path, undefined, () => {})
    return (names ?? []).map((name) => joinPath(path, name))
  }
}
