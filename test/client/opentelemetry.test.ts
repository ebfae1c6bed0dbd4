/** Spans and metrics of a real client on our server, with contexts that follow asynchronous work as an application's do. */
import { type Client, connect } from '@lightkeeper/client'
import { instrument } from '@lightkeeper/opentelemetry'
import { type Proxy, proxy } from '@lightkeeper/testing'
import { context, type Span } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { missingTarget, startTarget, type TargetServer, targetName } from '../support/target.ts'

const reason = missingTarget()
if (reason !== undefined) console.log(`telemetry on ${targetName}: skipped, because ${reason}`)

describe.skipIf(reason !== undefined)(`telemetry, on ${targetName}`, () => {
  const exported = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exported)] })
  const tracer = tracerProvider.getTracer('application')
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const clients = new Set<Client>()
  let server: TargetServer
  let wire: Proxy
  let zk: Client
  /** Runs `work` in a span of the application. */
  const within = <T>(name: string, work: (span: Span) => Promise<T>): Promise<T> =>
    tracer.startActiveSpan(name, async (span) => {
      try {
        return await work(span)
      } finally {
        span.end()
      }
    })
  const spansOf = (operation: string) =>
    exported.getFinishedSpans().filter(({ attributes }) => attributes['db.operation.name'] === operation)
  const parentOf = (operation: string): string | undefined => spansOf(operation)[0]?.parentSpanContext?.spanId

  beforeAll(async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    server = await startTarget({ tickTime: 500 })
    wire = await proxy(server.port)
  })
  afterAll(async () => {
    await wire[Symbol.asyncDispose]()
    await server.close()
    context.disable()
  })
  beforeEach(async () => {
    exported.reset()
    const stop = instrument({ tracerProvider, meterProvider, clients })
    zk = await within('start', () => connect(wire.connectString, { sessionTimeout: 10_000 }))
    clients.add(zk)
    return async () => {
      wire.heal()
      await zk.close()
      clients.clear()
      stop[Symbol.dispose]()
    }
  })

  test('each request is a child of the span that is active where it is made, however many run at once', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        within(`handler ${i}`, async (span) => {
          await zk.exists(`/n${i}`)
          await zk.sync(`/n${i}`)
          const own = exported
            .getFinishedSpans()
            .filter(({ attributes }) => attributes['zookeeper.path'] === `/n${i}`)
            .map(({ name, parentSpanContext }) => [name.split(' ')[0], parentSpanContext?.spanId])
          const { spanId } = span.spanContext()
          expect(own).toEqual([
            ['exists', spanId],
            ['sync', spanId],
          ])
        }),
      ),
    )
  })

  test('a request that waits for a connection keeps its parent, and a reconnect has no parent', async () => {
    const start = exported.getFinishedSpans().find(({ name }) => name === 'start')
    const first = exported.getFinishedSpans().find(({ name }) => name.startsWith('connect '))
    expect(first?.parentSpanContext?.spanId, 'the first attempt belongs to who connects').toBe(
      start?.spanContext().spanId,
    )
    exported.reset()
    wire.down()
    const reading = within('handler', async (span) => {
      await zk.exists('/waits')
      return span.spanContext().spanId
    })
    wire.heal()
    expect(parentOf('exists')).toBeUndefined()
    const parent = await reading
    expect([spansOf('exists').length, parentOf('exists')]).toEqual([1, parent])
    const attempts = exported.getFinishedSpans().filter(({ name }) => name.startsWith('connect '))
    expect(attempts.length).toBeGreaterThan(0)
    for (const attempt of attempts) expect(attempt.parentSpanContext).toBeUndefined()
  })

  test('nothing that is exported holds data or credentials', async () => {
    await zk.addAuth('digest', 'joe:secret-of-joe')
    await within('handler', async () => {
      await zk.create('/private', 'secret-data')
      await zk.get('/private')
      await zk.set('/private', 'secret-data', { version: 9 }).catch(() => {})
      for await (const change of zk.watch('/private')) if (change.kind === 'ready') break
      await zk.delete('/private')
    })
    await reader.forceFlush()
    const seen = new Set<object>()
    const all = JSON.stringify(
      [exported.getFinishedSpans(), metricExporter.getMetrics()],
      (_, value: unknown): unknown => {
        if (typeof value === 'bigint') return `${value}`
        if (typeof value !== 'object' || value === null) return value
        if (seen.has(value)) return undefined
        seen.add(value)
        return value
      },
    )
    expect(all).toContain('/private')
    expect(all).not.toMatch(/secret/)
    expect(spansOf('set')[0]?.attributes).toMatchObject({
      'error.type': 'BAD_VERSION',
      'zookeeper.outcome': 'rejected',
    })
  })

  test('numbers of the clients are those of the moment they are collected', async () => {
    const { changed } = await zk.existence('/never', { watch: true })
    metricExporter.reset()
    await reader.forceFlush()
    const points = new Map(
      metricExporter
        .getMetrics()
        .flatMap((each) => each.scopeMetrics.flatMap((scope) => scope.metrics))
        .map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints]),
    )
    expect(points.get('zookeeper.client.count')).toMatchObject([
      { attributes: { 'zookeeper.client.state': 'connected' }, value: 1 },
    ])
    expect(points.get('zookeeper.client.watches')).toMatchObject([{ value: 1 }, { value: 0 }])
    expect(points.get('db.client.operation.duration')?.length).toBeGreaterThan(0)
    await zk.close()
    expect((await changed)?.type).toBe('none')
  })
})
