/**
 * The clock of a session. It sends pings when they are due, gives up a connection without answers, declares a session lost, and
 * notices when this process stood still. times.ts decides, only from times.
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
  /** Whether the client has ended. */
  readonly isOver: boolean
  /** The servers have ended the session by now, for the given reason. */
  sessionLost(why: string): void
}

export class Watchdog {
  readonly #host: WatchdogHost
  #timer: Timer | undefined

  constructor(host: WatchdogHost) {
    this.#host = host
  }

  /** Call this when the times have changed. */
  arm(): void {
    this.stop()
    const { times, runtime, isOver } = this.#host
    const { clock } = runtime
    const next = times.nextCheckAt()
    if (isOver || next === Number.POSITIVE_INFINITY) return
    // More often than necessary, so that a stall of this process is measured to a tenth of the timeout.
    const at = Math.min(next, clock.now() + times.timeoutMs / 10)
    // Checked at the end of the turn: after a long pause of this process the timer runs before arrived bytes are read.
    this.#timer = clock.after(Math.max(0, at - clock.now()), () => {
      this.#noteStall(clock.now() - at)
      clock.turnEnd(() => this.#look())
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** A timer that runs late shows that the process was busy all the time, and sent no ping. */
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
      this.#host.sessionLost(`no server has answered for ${seconds(silentMs)}`)
    } else if (connection !== undefined) this.#lookAt(connection, now)
    this.arm()
  }

  #lookAt(connection: Connection, now: number): void {
    const { times } = this.#host
    const { phase } = connection
    if (times.isServerSilent(now)) {
      connection.drop(new Error(phase === 'serving' ? 'the server sent nothing' : 'no answer from the server'))
    } else if (connection.isPreparationOverdue(now)) {
      connection.drop(new Error('credentials or watches were not in place in time'))
    } else if ((phase === 'serving' || phase === 'preparing') && times.isPingDue(now)) connection.ping()
  }
}
