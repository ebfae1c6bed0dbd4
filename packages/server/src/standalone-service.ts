/** The service of a server that stands alone: one term for its whole life, or until a restore puts other data in its place. */
import { StandaloneReplica } from './replica.ts'
import type { Service, ServiceHouse } from './service.ts'
import { SnapshotDamage } from './storage/image.ts'
import { removeOrphans } from './storage/orphans.ts'
import { memoryLog, type TxnLog } from './storage/txn-log.ts'
import { DataTree } from './tree/data-tree.ts'

export class StandaloneService implements Service {
  readonly #house: ServiceHouse
  readonly #log: TxnLog
  #replica: StandaloneReplica

  /** Clients are served from now on; the clocks of sessions begin with `start`. */
  constructor(house: ServiceHouse) {
    this.#house = house
    const { storage, config, clients } = house
    this.#log = storage?.log ?? memoryLog()
    this.#replica = this.#newTerm(
      storage?.recovered.tree ?? new DataTree(),
      storage?.recovered.lastZxid ?? config.initialZxid,
    )
    clients.serve(this.#replica)
  }

  get lastZxid(): bigint {
    return this.#replica.lastZxid
  }

  get outstanding(): number {
    return this.#replica.desk.outstanding
  }

  get logFailure(): Error | undefined {
    return this.#replica.logFailure
  }

  async start(): Promise<void> {
    this.#replica.start()
  }

  async stop(): Promise<void> {
    this.#replica.stop()
  }

  expireSession(id: bigint): boolean {
    return this.#replica.expireSession(id)
  }

  async restore(body: AsyncIterable<Uint8Array>): Promise<bigint> {
    const { storage, clients, runtime, failed } = this.#house
    if (storage === undefined) throw new Error('data is in memory only; start the server with a dataDir')
    const base = await storage.receiveSnapshot(body)
    const before = this.#replica
    // Clients come back to what is there then.
    clients.serve(undefined)
    before.stop()
    try {
      await storage.log.quiet()
      const tree = await storage.install(base)
      removeOrphans(tree, base.lastZxid, (path, session) =>
        runtime.log('warn', 'removed an ephemeral whose session does not exist', { path, session }),
      )
      this.#replica = this.#newTerm(tree, base.lastZxid)
    } catch (error) {
      if (!(error instanceof SnapshotDamage)) failed(error as Error)
      else {
        await base.discard()
        this.#replica = this.#newTerm(before.tree, before.lastZxid)
      }
      throw error
    } finally {
      if (this.#replica !== before) {
        clients.serve(this.#replica)
        this.#replica.start()
      }
    }
    return base.lastZxid
  }

  #newTerm(tree: DataTree, lastZxid: bigint): StandaloneReplica {
    const { storage, clients, failed } = this.#house
    return new StandaloneReplica(
      this.#house,
      { tree, lastZxid, log: this.#log },
      { applied: (zxid) => storage?.applied(zxid), isBehind: () => clients.isBehind, failed },
    )
  }
}
