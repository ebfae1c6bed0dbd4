/** Channels of node:diagnostics_channel, which programs and their tools subscribe to by name. */
import { channel, tracingChannel } from 'node:diagnostics_channel'
import type { Trace } from '../trace.ts'

export function nodeTrace(): Trace {
  return {
    channel: (name) => channel(name),
    span(name) {
      const tracing = tracingChannel(name)
      const { start, end, asyncStart, asyncEnd, error } = tracing
      return {
        // The property of the tracing channel itself is younger than some runtimes.
        get hasSubscribers() {
          return (
            start.hasSubscribers ||
            asyncEnd.hasSubscribers ||
            error.hasSubscribers ||
            end.hasSubscribers ||
            asyncStart.hasSubscribers
          )
        },
        around: (work, context) => tracing.tracePromise(work, context),
      }
    },
  }
}
