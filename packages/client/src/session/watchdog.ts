/**
 * The clock of a session: pings when one is due, gives up a connection that says nothing, finds a session lost, and notices when
 * this process stood still. Times alone decide, in times.ts.
 */
import type { Runtime, Timer } from '@lightkeeper/runtime'
import { type Account, seconds } from './account.ts'
import type { Connection } from './connection.ts'
import type { RequestLines } from './lines.ts'
import type { Meters } from './meters.ts'
import type { SessionTimes } from './times.ts'

export interface WatchdogHost {
  readonly runtime: Runtime
  readonly times: SessionTimes
  readonly lines: RequestLines
  readonly meters: Meters
  readonly account: Account
  readonly connection: Connection | undefined
  /** Whether the client is over. */
  readonly isOver: boolean
  /** The servers have ended the session by now, for the reason given. */
  sessionLost(why: string): void
}

export class Watchdog {
  readonly #host: WatchdogHost
  #timer: Timer | undefined

  constructor(host: WatchdogHost) {
    this.#host = host
  }

  /** To be called when the times have changed. */
  arm(): void {
    this.stop()
    const { times, runtime, isOver } = this.#host
    const { clock } = runtime
    const next = times.nextCheckAt()
    if (isOver || next === Number.POSITIVE_INFINITY) return
    // More often than it takes, so that a stall of this process is measured to a tenth of the timeout.
    const at = Math.min(next, clock.now() + times.timeoutMs / 10)
    // Judged at the end of the turn: after a long pause of this process the timer runs before what has arrived is read.
    this.#timer = clock.after(Math.max(0, at - clock.now()), () => {
      this.#noteStall(clock.now() - at)
      clock.turnEnd(() => this.#look())
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** A timer that runs late shows that the process did something else all the while, and no ping went out. */
  #noteStall(ms: number): void {
    const { meters, times, account, connection, runtime } = this.#host
    if (ms > meters.longestStallMs) meters.longestStallMs = ms
    const { timeoutMs } = times
    if (ms <= timeoutMs / 3) return
    meters.stalls++
    account.stall(ms)
    const pings = connection?.isKeptAlive === true ? 'the heartbeat thread sent the pings' : 'pings are late'
    runtime.log('warn', `the event loop was blocked; ${pings}`, { ms: Math.round(ms), timeoutMs })
  }

  #look(): void {
    const { runtime, times, lines, connection } = this.#host
    const now = runtime.clock.now()
    lines.failOverdue(now)
    if (times.isSessionLost(now)) {
      const silentMs = now - (times.lastContact ?? now)
      this.#host.sessionLost(`no server was heard of for ${seconds(silentMs)}`)
    } else if (connection !== undefined) this.#lookAt(connection, now)
    this.arm()
  }

  #lookAt(connection: Connection, now: number): void {
    const { times } = this.#host
    const { phase } = connection
    if (times.isServerSilent(now)) {
      connection.drop(new Error(phase === 'serving' ? 'nothing heard from the server' : 'no answer from the server'))
    } else if (connection.isPreparationOverdue(now)) {
      connection.drop(new Error('credentials or watches were not in place in time'))
    } else if ((phase === 'serving' || phase === 'preparing') && times.isPingDue(now)) connection.ping()
  }
}
