/** Everything a client or server may ask of its host, in one bundle. */
import type { Clock } from './clock.ts'
import type { Disk } from './disk.ts'
import type { Http } from './http.ts'
import type { Log } from './log.ts'
import type { Machine } from './machine.ts'
import type { Memory } from './memory.ts'
import type { Network } from './network.ts'
import type { Random } from './random.ts'
import type { Trace } from './trace.ts'

export interface Runtime {
  /** Time and timers. */
  readonly clock: Clock
  /** Random numbers and bytes. */
  readonly random: Random
  /** Sockets. */
  readonly network: Network
  /** HTTP servers. */
  readonly http: Http
  /** Files. */
  readonly disk: Disk
  /** Where lines for operators go. */
  readonly log: Log
  /** Facts about the machine. */
  readonly machine: Machine
  /** How much memory is in use. */
  readonly memory: Memory
  /** Where client and server publish what they do. */
  readonly trace: Trace
}
