/** What we may ask of the host, as interfaces, and the structures both ends need. `./node` implements them on Node. */

export { formatAddress, isIpv4, isIpv6, parseAddress, parseHost } from './address.ts'
export { AssertionError, assert } from './assert.ts'
export type { Clock, Timer } from './clock.ts'
export { type CountedLog, countedLog } from './counted-log.ts'
export { Deque } from './deque.ts'
export type { DirectoryLock, Disk, DiskFile, OpenOptions, ReadableDisk, ReadableFile } from './disk.ts'
export { ExpiryQueue } from './expiry-queue.ts'
export { Histogram } from './histogram.ts'
export type { Http, HttpAnswer, HttpListener, HttpOptions, HttpRequest, HttpTls } from './http.ts'
export {
  cutText,
  escapedText,
  formatFact,
  formatLine,
  type Log,
  type LogFact,
  type LogLevel,
  leveledLog,
  silentLog,
} from './log.ts'
export type { Machine } from './machine.ts'
export type { Memory } from './memory.ts'
export { nearestName } from './nearest.ts'
export type { KeepAlive, Link, LinkEvents, LinkOptions, Listener, ListenOptions, Network } from './network.ts'
export { ownString } from './own-string.ts'
export type { Random } from './random.ts'
export { RepeatedLine, RepeatedLines } from './repeated-line.ts'
export type { Runtime } from './runtime.ts'
export { type Series, type SeriesPoint, SeriesRing } from './series-ring.ts'
export { TextMap, TextSet } from './text-map.ts'
export type { TlsArchive, TlsCertificate, TlsKey, TlsOptions, TlsVersion } from './tls-options.ts'
export type { TlsContext, TlsServerKey, TlsServerOptions } from './tls-server.ts'
export { silentTrace, type Trace, type TraceChannel, type TraceSpan } from './trace.ts'
