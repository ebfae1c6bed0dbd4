/** What a client counts of itself. */
import { Histogram } from '@lightkeeper/runtime'

export class Meters {
  /** From the write of a request until its reply. */
  readonly latency = new Histogram()
  sent = 0
  answered = 0
  lost = 0
  recovered = 0
  repeated = 0
  timedOut = 0
  events = 0
  bytesSent = 0
  bytesReceived = 0
  attempts = 0
  connections = 0
  pings = 0
  expiries = 0
  /** The longest time that this process ran no timers, milliseconds. */
  longestStallMs = 0
  /** How often that was longer than a third of the session timeout: then pings were late. */
  stalls = 0
}
