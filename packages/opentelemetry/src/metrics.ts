/** Metrics: what channels publish is counted as it happens; the numbers of clients are read at every collection. */
import type { Client, SessionState, Via, WatchChange } from '@lightkeeper/client'
import type { Attributes, BatchObservableResult, Counter, Histogram, Meter, Observable } from '@opentelemetry/api'
import { errorType, type ServerAttributes } from './names.ts'
import type { Attempt, Call } from './spans.ts'

/** Upper ends of buckets, seconds: those that the conventions advise for operations of databases. */
const bounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/** What is read of a client. */
export type ObservedClient = Pick<Client, 'stats'>

/** A change of a watch stream as its channel publishes it: without values. */
export interface ToldChange {
  readonly kind: WatchChange['kind']
  readonly via?: Via
  readonly missed?: number | undefined
}

export class Metrics {
  readonly #meter: Meter
  readonly #servers: ServerAttributes
  readonly #clients: Iterable<ObservedClient>
  readonly #duration: Histogram
  readonly #connecting: Histogram
  readonly #states: Counter
  readonly #expiries: Counter
  readonly #lostEphemerals: Counter
  readonly #changes: Counter
  readonly #missed: Counter
  readonly #inState: Observable
  readonly #pending: Observable
  readonly #watches: Observable
  readonly #stalls: Observable
  readonly #observed: Observable[]
  readonly #observe = (result: BatchObservableResult): void => this.#read(result)

  constructor(meter: Meter, servers: ServerAttributes, clients: Iterable<ObservedClient>) {
    this.#meter = meter
    this.#servers = servers
    this.#clients = clients
    const inSeconds = { unit: 's', advice: { explicitBucketBoundaries: bounds } }
    this.#duration = meter.createHistogram('db.client.operation.duration', {
      ...inSeconds,
      description: 'Duration of requests, from the call to its end',
    })
    this.#connecting = meter.createHistogram('zookeeper.client.connect.duration', {
      ...inSeconds,
      description: 'Duration of attempts to connect, from the dial to the first request or the failure',
    })
    const counter = (name: string, unit: string, description: string): Counter =>
      meter.createCounter(`zookeeper.client.${name}`, { unit, description })
    this.#states = counter('state.changes', '{change}', 'Changes of state of clients')
    this.#expiries = counter('session.expiries', '{session}', 'Sessions that expired')
    this.#lostEphemerals = counter('session.lost_ephemerals', '{znode}', 'Ephemerals that went with expired sessions')
    this.#changes = counter('watch.changes', '{change}', 'Changes that watch streams yielded')
    this.#missed = counter('watch.missed', '{write}', 'Writes that watch streams did not see')
    this.#inState = meter.createObservableUpDownCounter('zookeeper.client.count', {
      unit: '{client}',
      description: 'Clients by their state',
    })
    this.#pending = meter.createObservableUpDownCounter('zookeeper.client.requests.pending', {
      unit: '{request}',
      description: 'Requests on their way, and those that wait for a connection',
    })
    this.#watches = meter.createObservableUpDownCounter('zookeeper.client.watches', {
      unit: '{watch}',
      description: 'Watches that clients hold',
    })
    this.#stalls = meter.createObservableUpDownCounter('zookeeper.client.event_loop.stalls', {
      unit: '{stall}',
      description: 'Times the event loop was blocked for a third of a session timeout, by the clients there are',
    })
    this.#observed = [this.#inState, this.#pending, this.#watches, this.#stalls]
    meter.addBatchObservableCallback(this.#observe, this.#observed)
  }

  stop(): void {
    this.#meter.removeBatchObservableCallback(this.#observe, this.#observed)
  }

  called(call: Call, seconds: number): void {
    this.#duration.record(seconds, { 'db.operation.name': call.operation, ...this.#common(call) })
  }

  attempted(attempt: Attempt, seconds: number): void {
    this.#connecting.record(seconds, this.#common(attempt))
  }

  stateChanged(state: SessionState): void {
    this.#states.add(1, { 'zookeeper.client.state': state.kind })
    if (state.kind !== 'expired') return
    this.#expiries.add(1)
    this.#lostEphemerals.add(state.lost.ephemerals.length)
  }

  delivered(change: ToldChange): void {
    const { kind, via, missed = 0 } = change
    this.#changes.add(1, {
      'zookeeper.watch.change': kind,
      ...(via === undefined ? {} : { 'zookeeper.watch.via': via }),
    })
    if (missed > 0) this.#missed.add(missed)
  }

  #common({ server, error }: Attempt): Attributes {
    const attributes = this.#servers.of(server)
    return error === undefined ? attributes : { ...attributes, 'error.type': errorType(error) }
  }

  #read(result: BatchObservableResult): void {
    const states = new Map<string, number>()
    const sums = { inFlight: 0, queued: 0, oneShot: 0, persistent: 0, stalls: 0 }
    for (const client of this.#clients) {
      const { state, requests, watches, eventLoop } = client.stats()
      states.set(state, (states.get(state) ?? 0) + 1)
      sums.inFlight += requests.inFlight
      sums.queued += requests.queued
      sums.oneShot += watches.oneShot
      sums.persistent += watches.persistent
      sums.stalls += eventLoop.stalls
    }
    if (states.size === 0) return
    for (const [state, count] of states) result.observe(this.#inState, count, { 'zookeeper.client.state': state })
    result.observe(this.#pending, sums.inFlight, { 'zookeeper.request.place': 'in_flight' })
    result.observe(this.#pending, sums.queued, { 'zookeeper.request.place': 'queued' })
    result.observe(this.#watches, sums.oneShot, { 'zookeeper.watch.kind': 'one_shot' })
    result.observe(this.#watches, sums.persistent, { 'zookeeper.watch.kind': 'persistent' })
    result.observe(this.#stalls, sums.stalls)
  }
}
