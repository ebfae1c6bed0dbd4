/** Messages as the client publishes them, received by the real SDK; test/client has a client and a server. */
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { KeeperError } from '@lightkeeper/client'
import { DiagLogLevel, diag, ProxyTracerProvider, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { expect, test } from 'vitest'
import { type InstrumentOptions, instrument } from './index.ts'

const request = tracingChannel('lightkeeper.request')
const attempt = tracingChannel('lightkeeper.connect')
const call = { server: 'zk1:2181', sessionId: -1n, epoch: 2 }

function sdk(clients: InstrumentOptions['clients'] = []) {
  const spans = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  /** Points by name of the metric, as of now. */
  const points = async (): Promise<Map<string, { attributes: object; value: unknown }[]>> => {
    exporter.reset()
    await reader.forceFlush()
    const all = exporter.getMetrics().flatMap((each) => each.scopeMetrics.flatMap((scope) => scope.metrics))
    return new Map(
      all.map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) => ({
          attributes,
          value: typeof value === 'object' && value !== null && 'count' in value ? value.count : value,
        })),
      ]),
    )
  }
  return { spans, points, stop: instrument({ tracerProvider, meterProvider, clients }) }
}

test('a request is a span of kind client, named by operation and server, and a point of the duration', async () => {
  const { spans, points, stop } = sdk()
  using _ = stop
  await request.tracePromise(() => Promise.resolve('secret'), { ...call, operation: 'get', path: '/a' })
  const [span] = spans.getFinishedSpans()
  expect([span?.name, span?.kind, span?.status.code]).toEqual(['get zk1:2181', SpanKind.CLIENT, SpanStatusCode.UNSET])
  expect(span?.attributes).toEqual({
    'db.system.name': 'zookeeper',
    'db.operation.name': 'get',
    'server.address': 'zk1',
    'server.port': 2181,
    'zookeeper.path': '/a',
    'zookeeper.epoch': 2,
    'zookeeper.session.id': '0xffffffffffffffff',
  })
  const attributes = {
    'db.system.name': 'zookeeper',
    'db.operation.name': 'get',
    'server.address': 'zk1',
    'server.port': 2181,
  }
  expect((await points()).get('db.client.operation.duration')).toEqual([{ attributes, value: 1 }])
})

test('a failure has its code and outcome, and nothing of what a message quotes', async () => {
  const { spans, points, stop } = sdk()
  using _ = stop
  const errors = [
    new KeeperError('NO_NODE', { outcome: 'rejected', message: 'secret' }),
    new KeeperError('CONNECTION_LOSS', { outcome: 'unknown', cause: new Error('secret') }),
    new TypeError('secret'),
  ]
  for (const error of errors)
    await request
      .tracePromise(() => Promise.reject(error), { ...call, server: '', operation: 'set', path: '/a' })
      .catch(() => {})
  const told = spans.getFinishedSpans().map(({ name, status, attributes: of, events }) => {
    const { 'error.type': type, 'zookeeper.outcome': outcome, 'db.response.status_code': code } = of
    return { name, status, type, outcome, code, events: events.length }
  })
  const { ERROR } = SpanStatusCode
  expect(told).toEqual([
    {
      name: 'set',
      status: { code: ERROR, message: 'NO_NODE, rejected' },
      type: 'NO_NODE',
      outcome: 'rejected',
      code: 'NO_NODE',
      events: 0,
    },
    {
      name: 'set',
      status: { code: ERROR, message: 'CONNECTION_LOSS, unknown' },
      type: 'CONNECTION_LOSS',
      outcome: 'unknown',
      code: undefined,
      events: 0,
    },
    { name: 'set', status: { code: ERROR }, type: 'TypeError', outcome: undefined, code: undefined, events: 0 },
  ])
  const types = (await points()).get('db.client.operation.duration')?.map(({ attributes }) => attributes)
  expect(types?.map((each) => (each as Record<string, string>)['error.type'])).toEqual([
    'NO_NODE',
    'CONNECTION_LOSS',
    'TypeError',
  ])
})

test('attempts to connect are spans, with hosts of IPv6 as they are', async () => {
  const { spans, points, stop } = sdk()
  using _ = stop
  const first = { server: '[::1]:2181', sessionId: 0n, epoch: 0 }
  await attempt.tracePromise(() => Promise.reject(new Error('refused')), first).catch(() => {})
  const [span] = spans.getFinishedSpans()
  expect([span?.name, span?.status]).toEqual(['connect [::1]:2181', { code: SpanStatusCode.ERROR }])
  expect(span?.attributes).toMatchObject({ 'server.address': '::1', 'server.port': 2181, 'error.type': 'Error' })
  expect((await points()).get('zookeeper.client.connect.duration')).toMatchObject([{ value: 1 }])
})

test('states, expiries and what streams yield and miss are counted', async () => {
  const { points, stop } = sdk()
  using _ = stop
  const states = channel('lightkeeper.state')
  const lost = { ephemerals: ['/a', '/b'], oneShotWatches: 0 }
  for (const state of [{ kind: 'connected' }, { kind: 'expired', lost }, { kind: 'connected' }]) states.publish(state)
  const watches = channel('lightkeeper.watch')
  watches.publish({ root: '/', kind: 'changed', path: '/a', via: 'event', missed: 2 })
  watches.publish({ root: '/', kind: 'deleted', path: '/a', via: 'event', missed: undefined })
  watches.publish({ root: '/', kind: 'ready', zxid: 1n })
  const all = await points()
  expect(all.get('zookeeper.client.state.changes')).toEqual([
    { attributes: { 'zookeeper.client.state': 'connected' }, value: 2 },
    { attributes: { 'zookeeper.client.state': 'expired' }, value: 1 },
  ])
  expect(all.get('zookeeper.client.session.expiries')).toEqual([{ attributes: {}, value: 1 }])
  expect(all.get('zookeeper.client.session.lost_ephemerals')).toEqual([{ attributes: {}, value: 2 }])
  expect(all.get('zookeeper.client.watch.missed')).toEqual([{ attributes: {}, value: 2 }])
  expect(all.get('zookeeper.client.watch.changes')).toEqual([
    { attributes: { 'zookeeper.watch.change': 'changed', 'zookeeper.watch.via': 'event' }, value: 1 },
    { attributes: { 'zookeeper.watch.change': 'deleted', 'zookeeper.watch.via': 'event' }, value: 1 },
    { attributes: { 'zookeeper.watch.change': 'ready' }, value: 1 },
  ])
})

test('once it is disposed it listens no more, and a request under way ends its span with the listeners that are left', async () => {
  const stays = sdk()
  using _ = stays.stop
  const goes = sdk()
  let answer = (): void => {}
  const slow = request.tracePromise(() => new Promise<void>((resolve) => (answer = resolve)), {
    ...call,
    operation: 'sync',
  })
  goes.stop[Symbol.dispose]()
  answer()
  await slow
  expect([stays.spans.getFinishedSpans().length, goes.spans.getFinishedSpans().length]).toEqual([1, 0])
  stays.stop[Symbol.dispose]()
  const names = ['tracing:lightkeeper.request:start', 'tracing:lightkeeper.request:asyncEnd', 'lightkeeper.state']
  expect(names.map((name) => channel(name).hasSubscribers)).toEqual([false, false, false])
})

test('a request that was under way before it began is no span', async () => {
  let answer = (): void => {}
  const early = { ...call, operation: 'get' }
  const slow = request.tracePromise(() => new Promise<void>((resolve) => (answer = resolve)), early)
  const { spans, points, stop } = sdk()
  using _ = stop
  answer()
  await slow
  expect([spans.getFinishedSpans().length, (await points()).has('db.client.operation.duration')]).toEqual([0, false])
})

test('a tracer that throws ends nothing: the request goes on, and the failure is reported once', async () => {
  const told: unknown[][] = []
  const hear = (...args: unknown[]): void => void told.push(args)
  diag.setLogger({ error: hear, warn: hear, info: hear, debug: hear, verbose: hear }, { logLevel: DiagLogLevel.ERROR })
  const uncaught: unknown[] = []
  const catchAll = (error: unknown): void => void uncaught.push(error)
  process.on('uncaughtException', catchAll)
  try {
    const failing = () => {
      throw new Error('of the tracer')
    }
    const tracerProvider = new ProxyTracerProvider()
    tracerProvider.setDelegate({ getTracer: () => ({ startSpan: failing, startActiveSpan: failing }) })
    using _ = instrument({ tracerProvider })
    for (const operation of ['get', 'set'])
      expect(await request.tracePromise(() => Promise.resolve('done'), { ...call, operation })).toBe('done')
    await new Promise((resolve) => setImmediate(resolve))
    expect(uncaught).toEqual([])
    expect(told.map(([text]) => text)).toEqual([
      '@lightkeeper/opentelemetry: what listens to tracing:lightkeeper.request:start failed',
    ])
  } finally {
    process.off('uncaughtException', catchAll)
    diag.disable()
  }
})
