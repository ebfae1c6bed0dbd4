/**
 * `/metrics` in the text format of Prometheus, under the names of Apache's PrometheusMetricsProvider. `prom-client` writes the format;
 * it is loaded when metrics are asked for by the configuration, and reads the figures only while somebody scrapes.
 */
import type { Clock, HttpAnswer, HttpRequest, Memory } from '@lightkeeper/runtime'
import type { Registry } from 'prom-client'
import type { Distribution, Summary } from '../stats.ts'
import { plain } from './answers.ts'
import type { Figure } from './figures.ts'

export interface ExporterOptions {
  /** Memory and processor of the process too. */
  readonly withProcess: boolean
}

interface ExporterHost {
  readonly clock: Pick<Clock, 'turnEnd'>
  readonly memory: Memory
}

/** One line: a name, labels, a number. */
interface Sample {
  readonly metricName?: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/** Apache shows the median of a summary without detail. It is not known here: only a few numbers are kept of it. */
const unknownMedian: Sample = { labels: { quantile: 0.5 }, value: Number.NaN }
/** The quantiles that Apache shows of a summary with detail. */
const advancedQuantiles = [0.5, 0.9, 0.99]

export class Exporter {
  readonly #registry: Registry
  /** Resolves to the figures now; empty while the server serves no clients. */
  readonly #read: () => Promise<readonly Figure[]>
  readonly #host: ExporterHost
  readonly #options: ExporterOptions
  readonly #makeRegistry: () => Registry
  /** The text that is made at the end of this turn, for all who asked for it. */
  #asked: Promise<string> | undefined

  private constructor(
    registry: Registry,
    makeRegistry: () => Registry,
    read: () => Promise<readonly Figure[]>,
    host: ExporterHost,
    options: ExporterOptions,
  ) {
    this.#registry = registry
    this.#makeRegistry = makeRegistry
    this.#read = read
    this.#host = host
    this.#options = options
  }

  static async load(
    read: () => Promise<readonly Figure[]>,
    host: ExporterHost,
    options: ExporterOptions,
  ): Promise<Exporter> {
    const { Registry, collectDefaultMetrics } = await import('prom-client')
    const registry = new Registry()
    if (options.withProcess) collectDefaultMetrics({ register: registry })
    return new Exporter(registry, () => new Registry(), read, host, options)
  }

  /** Stops what watches the process. */
  close(): void {
    this.#registry.clear()
  }

  async answer(request: HttpRequest): Promise<HttpAnswer> {
    const { method, target } = request
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'only GET is answered\n')
    if (target.split('?', 1)[0] !== '/metrics') return plain(404, 'the metrics are at /metrics\n')
    return { status: 200, headers: { 'content-type': this.#registry.contentType }, body: await this.#text() }
  }

  /** To make it takes milliseconds, in which no client is served: once a turn, however many ask. */
  #text(): Promise<string> {
    this.#asked ??= new Promise<void>((resolve) => this.#host.clock.turnEnd(resolve)).then(() => {
      this.#asked = undefined
      return this.#make()
    })
    return this.#asked
  }

  async #make(): Promise<string> {
    const own = await this.#own()
    return this.#options.withProcess ? `${own}${await this.#registry.metrics()}` : own
  }

  async #own(): Promise<string> {
    const registry = this.#makeRegistry()
    for (const { name, help, type, values } of [...(await this.#read()).map(metricOf), ...this.#heap()]) {
      const metric = { name, help, type, values, aggregator: 'sum' }
      // A metric of prom-client counts for itself; these are counted elsewhere, and only shown by it.
      registry.registerMetric({ ...metric, get: () => Promise.resolve(metric) } as never)
    }
    return registry.metrics()
  }

  /** The heap, under the names that alerts written for Apache watch. */
  #heap(): Metric[] {
    if (!this.#options.withProcess) return []
    const { used, limit } = this.#host.memory.heap()
    const labels = { area: 'heap' }
    return [
      {
        name: 'jvm_memory_bytes_used',
        help: 'Used bytes of the heap',
        type: 'gauge',
        values: [{ labels, value: used }],
      },
      {
        name: 'jvm_memory_bytes_max',
        help: 'Bytes that the heap may have',
        type: 'gauge',
        values: [{ labels, value: limit }],
      },
    ]
  }
}

interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'summary'
  readonly values: readonly Sample[]
}

function metricOf(figure: Figure): Metric {
  const { name, help, kind, value } = figure
  switch (kind) {
    case 'counter':
      return { name, help, type: 'counter', values: [{ labels: {}, value }] }
    case 'gauge':
    case 'decimal':
      return { name, help, type: 'gauge', values: [{ labels: {}, value }] }
    case 'counterSet':
      return {
        name,
        help,
        type: 'counter',
        values: [...value].map(([key, each]) => ({ labels: { key }, value: each })),
      }
    case 'set':
      return { name, help, type: 'gauge', values: [...value].map(([key, each]) => ({ labels: { key }, value: each })) }
    case 'summary':
      return { name, help, type: 'summary', values: summed(name, value, [unknownMedian]) }
    case 'distribution':
      return { name, help, type: 'summary', values: summed(name, value, quantilesOf(value)) }
  }
}

function quantilesOf(distribution: Distribution): Sample[] {
  return advancedQuantiles.map((quantile) => ({
    labels: { quantile },
    // Java shows no number before there is one.
    value: distribution.count === 0 ? Number.NaN : distribution.quantile(quantile),
  }))
}

function summed(name: string, { count, sum }: Summary, quantiles: readonly Sample[]): Sample[] {
  return [
    ...quantiles,
    { metricName: `${name}_count`, labels: {}, value: count },
    { metricName: `${name}_sum`, labels: {}, value: sum },
  ]
}
