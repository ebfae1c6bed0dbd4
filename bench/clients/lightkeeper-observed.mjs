// @ts-check
/** Driver of our client with or without listeners on its channels: the second argument names the listener. */
import { subscribe } from 'node:diagnostics_channel'
import { connect } from '@lightkeeper/client'
import { instrument } from '@lightkeeper/opentelemetry'
import { silentTrace } from '@lightkeeper/runtime'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import { drive } from './driver.mjs'
import { adapterOf } from './lightkeeper-adapter.mjs'

const listener = process.argv[3]
let heard = 0
/** Accepts what is exported, as a collector at the other end of a socket would. */
const collector = {
  /** @param {unknown} _batch @param {(result: { code: number }) => void} done */
  export: (_batch, done) => done({ code: 0 }),
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
}

/** A tracer provider and a meter provider as a program has them in production. @param {import('@opentelemetry/sdk-trace-base').Sampler} sampler */
function sdk(sampler) {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const tracerProvider = new BasicTracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor(collector)] })
  const reader = new PeriodicExportingMetricReader({ exporter: collector, exportIntervalMillis: 1000 })
  return { tracerProvider, meterProvider: new MeterProvider({ readers: [reader] }) }
}

if (listener === 'subscriber') {
  for (const name of ['start', 'asyncEnd']) subscribe(`tracing:lightkeeper.request:${name}`, () => void heard++)
}
const sampler = listener === 'sampled' ? new TraceIdRatioBasedSampler(0.01) : new AlwaysOnSampler()
const providers = ['context', 'sampled', 'opentelemetry'].includes(listener ?? '') ? sdk(sampler) : undefined
// `context`: the cost of an active span that the program carries along, without spans of the client.
if (providers !== undefined && listener !== 'context') instrument(providers)

/** @param {string} port */
const open = async (port) => {
  // As if the client did not publish: a flag that no call can change.
  const runtime = listener?.startsWith('removed') ? { trace: silentTrace } : {}
  return adapterOf(await connect(`127.0.0.1:${port}`, { runtime }))
}
if (providers === undefined) await drive(open)
else {
  // Requests have a parent, as in a request handler of a server.
  const root = providers.tracerProvider.getTracer('bench').startSpan('bench', { root: true })
  await context.with(trace.setSpan(context.active(), root), () => drive(open))
}
