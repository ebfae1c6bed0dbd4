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
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly http: Http
  readonly disk: Disk
  readonly log: Log
  readonly machine: Machine
  readonly memory: Memory
  readonly trace: Trace
}
