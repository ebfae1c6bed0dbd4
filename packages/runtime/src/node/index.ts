/** The host: the only place that imports Node's sockets, files, timers and random numbers. */
import type { Runtime } from '../runtime.ts'
import { nodeClock } from './clock.ts'
import { nodeDisk } from './disk.ts'
import { guardedLog } from './guarded-log.ts'
import { nodeHttp } from './http.ts'
import { environmentLog } from './log.ts'
import { nodeMachine } from './machine.ts'
import { nodeMemory } from './memory.ts'
import { nodeNetwork } from './network.ts'
import { nodeRandom } from './random.ts'
import { nodeTrace } from './trace.ts'

export { LineSink, type LineStream, stderrLog } from './log.ts'

/** The real runtime. Parts in `parts` replace ours, for example a log that prints. */
export function nodeRuntime(parts: Partial<Runtime> = {}): Runtime {
  const log = guardedLog(parts.log ?? environmentLog())
  return {
    clock: nodeClock(log),
    random: nodeRandom(),
    network: nodeNetwork(log),
    http: nodeHttp(log),
    disk: nodeDisk(),
    machine: nodeMachine(),
    trace: nodeTrace(),
    memory: nodeMemory(),
    ...parts,
    log,
  }
}
