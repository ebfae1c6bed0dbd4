/**
 * Serves reads while a member looks for a leader, where `readonlymode.enabled` says so (QuorumPeer.java, ReadOnlyZooKeeperServer.java): after
 * a while, so that an ordinary election does not begin it, and until the election is over.
 */
import type { Timer } from '@lightkeeper/runtime'
import type { EnsembleView } from '../ensemble-view.ts'
import type { ServiceHouse } from '../service.ts'
import type { Backlog } from './backlog.ts'
import { LookingReplica } from './looking-replica.ts'

/** How long a member looks before it serves reads, milliseconds; one tick, if that is longer. */
const patienceMs = 2_000

export class LookingService {
  readonly #house: ServiceHouse
  readonly #backlog: Backlog
  readonly #ensemble: () => EnsembleView
  readonly #isWhole: () => boolean
  #timer: Timer | undefined
  #isServing = false

  /** `isWhole`: this member lacks nothing that it had once. */
  constructor(house: ServiceHouse, backlog: Backlog, ensemble: () => EnsembleView, isWhole: () => boolean) {
    this.#house = house
    this.#backlog = backlog
    this.#ensemble = ensemble
    this.#isWhole = isWhole
  }

  /** The member looks from now on. */
  begin(): void {
    this.end()
    const { runtime, config } = this.#house
    this.#timer = runtime.clock.after(Math.max(patienceMs, config.tickTime), () => this.#serve())
  }

  /** The election is over: clients are sent away, and find a member that serves them. */
  end(): void {
    this.#timer?.cancel()
    if (!this.#isServing) return
    this.#isServing = false
    this.#backlog.release()
    this.#house.clients.serve(undefined)
  }

  #serve(): void {
    const { config, clients, failed, runtime } = this.#house
    if (!config.readOnlyModeEnabled || !this.#isWhole()) return
    this.#isServing = true
    const { tree, zxid } = this.#backlog
    runtime.log('warn', 'there is no leader: this member serves reads to clients that accept it', { lastZxid: zxid })
    clients.serve(new LookingReplica(this.#house, { tree, lastZxid: zxid, ensemble: this.#ensemble(), failed }))
  }
}
