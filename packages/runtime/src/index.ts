/** What we may ask of the host, as interfaces, and the structures both ends need. `./node` implements them on Node. */

export { formatAddress, parseAddress } from './address.ts'
export { AssertionError, assert } from './assert.ts'
export type { Clock, Timer } from './clock.ts'
export { Deque } from './deque.ts'
export type { DirectoryLock, Disk, DiskFile, OpenOptions } from './disk.ts'
export { ExpiryQueue } from './expiry-queue.ts'
export { Histogram } from './histogram.ts'
export { formatLine, type Log, type LogFact, type LogLevel, silentLog } from './log.ts'
export type { Link, LinkEvents, Listener, ListenOptions, Network } from './network.ts'
export type { Random } from './random.ts'
export type { Runtime } from './runtime.ts'
export { silentTrace, type Trace, type TraceChannel, type TraceSpan } from './trace.ts'
