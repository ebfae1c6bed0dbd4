/** The orderer of a standalone server: each transaction is committed when its own log has it durably. */
import type { Clock } from '@lightkeeper/runtime'
import type { Applier } from './applier.ts'
import type { Caller } from './caller.ts'
import type { Entry, History } from './history.ts'
import type { Answers } from './orderer.ts'
import type { Primary } from './primary.ts'
import { PrimaryOrderer } from './primary-orderer.ts'
import type { Ticket } from './reply-queue.ts'

export class Standalone extends PrimaryOrderer {
  readonly #history: History

  constructor(primary: Primary, history: History, applier: Applier, answers: Answers, clock: Clock) {
    super(primary, applier, answers, clock)
    this.#history = history
  }

  sync(ticket: Ticket<Caller>): void {
    if (!this.primary.awaitAll(ticket, this.applier.lastZxid)) this.answers.opened(ticket)
  }

  ordered(entry: Entry): void {
    this.applier.add(entry)
    this.#history.append(entry)
  }

  /** More is durable in the log, and so committed. */
  durable(): void {
    this.applier.commit(this.#history.durableZxid)
    this.applier.run()
  }

  protected openBarriers(zxid: bigint): void {
    const { primary } = this
    for (let next = primary.nextOpen(zxid); next !== undefined; next = primary.nextOpen(zxid)) {
      this.answers.opened(next)
    }
  }

  /**
   * The log failed. What is durable in it is applied and answered. The fate of its last batch is unknown, so nothing of that batch
   * is acknowledged, and nothing more is made.
   */
  giveUp(): void {
    this.applier.commit(this.#history.durableZxid)
    this.applier.runToEnd()
    this.primary.stop()
    const tickets = this.applier.drop().flatMap(({ ticket }) => ticket ?? [])
    this.answers.lost([...tickets, ...this.primary.dropWaiting()])
  }
}
