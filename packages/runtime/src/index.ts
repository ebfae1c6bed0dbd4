/** What we may ask of the host, as interfaces, and the structures both ends need. `./node` implements them on Node. */

export { formatAddress, parseAddress } from './address.ts'
export { AssertionError, assert } from './assert.ts'
export type { Clock, Timer } from './clock.ts'
export { Deque } from './deque.ts'
export type { DirectoryLock, Disk, DiskFile, OpenOptions } from './disk.ts'
export { ExpiryQueue } from './expiry-queue.ts'
export { formatLine, type Log, type LogFact, type LogLevel, silentLog } from './log.ts'
export type { Link, LinkEvents, LinkOptions, Listener, ListenOptions, Network } from './network.ts'
export type { TlsOptions } from './node/tls.ts'
export type { Random } from './random.ts'
export type { Runtime } from './runtime.ts'
