/** Subscribes to the channels and passes messages on to spans and metrics; disposing ends all of it. */
import { type ChannelListener, subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { SessionState } from '@lightkeeper/client'
import { diag, type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api'
import { Metrics, type ObservedClient, type ToldChange } from './metrics.ts'
import { ServerAttributes } from './names.ts'
import { type Attempt, type Call, Spans } from './spans.ts'

/** The options of `instrument`. */
export interface InstrumentOptions {
  /** Default: the global one, also where it is registered later. */
  readonly tracerProvider?: TracerProvider | undefined
  /** Default: the global one at the time of the call. */
  readonly meterProvider?: MeterProvider | undefined
  /**
   * Clients whose state, pending requests and watches are reported as numbers. Gone through at every collection, so a Set that
   * changes is fine. Default: none; what channels publish is reported for all clients.
   */
  readonly clients?: Iterable<ObservedClient> | undefined
}

/** Name of the instrumentation, as exporters show it. */
const scope = '@lightkeeper/opentelemetry'

/** Made by `instrument()`. Its disposal ends it. */
export interface Instrumentation extends Disposable {
  /** Nothing is traced or measured from now on. */
  close(): void
}

/** From now until it is closed, every client of this process is traced and measured. */
export function instrument(options: InstrumentOptions = {}): Instrumentation {
  const { tracerProvider = trace.getTracerProvider(), meterProvider = metrics.getMeterProvider() } = options
  const servers = new ServerAttributes()
  const spans = new Spans(tracerProvider.getTracer(scope), servers)
  const meters = new Metrics(meterProvider.getMeter(scope), servers, options.clients ?? [])
  const all: readonly (readonly [channel: string, listener: ChannelListener])[] = [
    ['tracing:lightkeeper.request:start', (call) => spans.callStarted(call as Call)],
    [
      // After a failure too; the error is in the message then.
      'tracing:lightkeeper.request:asyncEnd',
      (call) => {
        const seconds = spans.ended(call as Call)
        if (seconds !== undefined) meters.called(call as Call, seconds)
      },
    ],
    ['tracing:lightkeeper.connect:start', (attempt) => spans.attemptStarted(attempt as Attempt)],
    [
      'tracing:lightkeeper.connect:asyncEnd',
      (attempt) => {
        const seconds = spans.ended(attempt as Attempt)
        if (seconds !== undefined) meters.attempted(attempt as Attempt, seconds)
      },
    ],
    ['lightkeeper.state', (state) => meters.stateChanged(state as SessionState)],
    ['lightkeeper.watch', (change) => meters.delivered(change as ToldChange)],
  ]
  const listeners = all.map(([channel, listener]) => [channel, guarded(channel, listener)] as const)
  for (const [channel, listener] of listeners) subscribe(channel, listener)
  const close = (): void => {
    for (const [channel, listener] of listeners) unsubscribe(channel, listener)
    meters.stop()
  }
  return { close, [Symbol.dispose]: close }
}

/**
 * A provider, a processor or a sampler that throws must not end the program that it watches; the first failure is
 * reported.
 */
function guarded(channel: string, listener: ChannelListener): ChannelListener {
  let hasFailed = false
  return (message, name) => {
    try {
      listener(message, name)
    } catch (error) {
      if (!hasFailed) diag.error(`@lightkeeper/opentelemetry: what listens to ${channel} failed`, error)
      hasFailed = true
    }
  }
}
