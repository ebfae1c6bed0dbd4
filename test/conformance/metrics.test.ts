/** What published dashboards and alerts ask of /metrics: each expression finds its metric, as on Apache. */
import { opCode } from '@lightkeeper/protocol'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type AdminTarget, missingAdminTarget, startAdminTarget } from '../support/admin-target.ts'
import { targetName } from '../support/target.ts'
import { fact } from './fact.ts'
import { Wire } from './wire.ts'

/**
 * Expressions of the dashboard 10465 of grafana.com in two of its revisions, without the labels that a scrape adds and without those that
 * choose an instance.
 */
const dashboard = `
count(uptime{})
sum(open_file_descriptor_count{}) / sum(max_file_descriptor_count{})
election_time{}
sum(increase(election_time_count{}[1m]))
election_time_sum{} / election_time_count{}
irate(election_time_sum{}[1m])
sum(znode_count{})
sum(ephemerals_count{})
watch_count{}
sum(irate(packets_received{}[1m]))
sum(irate(packets_sent{}[1m]))
max_latency{}
min_latency{}
sum(avg_latency{})
sum(proposal_latency{quantile="0.99"})
proposal_latency_count{}
sum(outstanding_requests{})
sum(approximate_data_size{})
sum(irate(bytes_received_count{}[1m]))
sum(global_sessions{})
local_sessions{}
sum(increase(connection_drop_count{}[1m]))
sum(connection_rejected{})
sum(num_alive_connections{})
unrecoverable_error_count{}
digest_mismatches_count{}
sum(server_write_committed_time_ms{quantile="0.99"})
sum(local_write_committed_time_ms{quantile="0.99"})
local_write_committed_time_ms_count{}
local_write_committed_time_ms_sum{}
sum(irate(commit_count{}[1m]))
sum(irate(proposal_count{}[1m]))
snap_count{}
irate(fsynctime_sum{}[1m])
rate(snapshottime_sum{}[5m])
rate(jvm_pause_time_ms_sum{}[5m])
`
/** The alerts of Apache's monitoring guide (zookeeperMonitor.md). */
const alerts = `
znode_count > 1000000
num_alive_connections > 50
approximate_data_size / 1024 / 1024 > 1 * 1024
watch_count > 10000
increase(election_time_count[5m]) > 0
open_file_descriptor_count > 300
rate(fsynctime_sum[1m]) > 100
rate(snapshottime_sum[5m]) > 100
avg_latency > 100
jvm_memory_bytes_used{area="heap"} / jvm_memory_bytes_max{area="heap"} > 0.8
`
/** What a server that stands alone has not; the panels of a leader stay empty, on Apache too. */
const ofLeaders = `
max(quorum_size{})
leader_uptime{}
learners{}
synced_followers{}
max(synced_observers{})
synced_non_voting_followers{}
`
/** What only a Java machine has. */
const ofJava = `
max(jvm_threads_current{})
max(jvm_threads_deadlocked{})
jvm_memory_pool_bytes_used{}
rate(jvm_gc_collection_seconds_count{}[5m])
`

interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** The selectors of an expression: names with the labels that they ask for. */
function selectorsOf(expression: string): { name: string; labels: Map<string, string> }[] {
  const functions = new Set(['sum', 'max', 'count', 'rate', 'irate', 'increase'])
  const found: { name: string; labels: Map<string, string> }[] = []
  for (const [, name = '', labels = ''] of expression.matchAll(/([a-z_]\w*)(?:\{([^}]*)\})?/g)) {
    if (functions.has(name) || /^[ms]$/.test(name)) continue
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']): [string, string] => [
      key,
      value,
    ])
    found.push({ name, labels: new Map(pairs) })
  }
  return found
}

function samplesOf(text: string): { samples: Sample[]; types: ReadonlyMap<string, string> } {
  const types = new Map<string, string>()
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    const [, typed, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    if (typed !== undefined) types.set(typed, type as string)
    const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (name === undefined) continue
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', each = '']): [string, string] => [
      key,
      each,
    ])
    samples.push({ name, labels: new Map(pairs), value: Number(value) })
  }
  return { samples, types }
}

const missing = missingAdminTarget()
if (missing !== undefined) console.log(`metrics on ${targetName}: skipped, because ${missing}`)

describe.skipIf(missing !== undefined)(`metrics [${targetName}]`, () => {
  let target: AdminTarget
  let wire: Wire
  beforeAll(async () => {
    target = await startAdminTarget('metrics')
    wire = await Wire.connect(target.port, { timeOut: 20_000 })
    await wire.create('/watched')
    await wire.read(opCode.getData, '/watched', true)
    await wire.set('/watched', 'x')
  })
  afterAll(async () => {
    wire?.destroy()
    await target?.[Symbol.asyncDispose]()
  })
  const scrape = async (): Promise<ReturnType<typeof samplesOf> & { type: string }> => {
    const response = await fetch(`${target.url}/metrics`)
    expect(response.status).toBe(200)
    return { ...samplesOf(await response.text()), type: response.headers.get('content-type') ?? '' }
  }
  const unfound = (expressions: string, samples: readonly Sample[]): string[] =>
    expressions
      .trim()
      .split('\n')
      .flatMap(selectorsOf)
      .filter(
        ({ name, labels }) =>
          !samples.some(
            (each) => each.name === name && [...labels].every(([key, value]) => each.labels.get(key) === value),
          ),
      )
      .map(({ name }) => name)

  fact('each expression of the dashboard 10465 finds its metric', async () => {
    expect(unfound(dashboard, (await scrape()).samples)).toEqual([])
  })
  fact("each of Apache's example alerts finds its metric", async () => {
    expect(unfound(alerts, (await scrape()).samples)).toEqual([])
  })
  fact('a server that stands alone has nothing of a leader', async () => {
    const names = ofLeaders
      .trim()
      .split('\n')
      .flatMap(selectorsOf)
      .map(({ name }) => name)
    expect(unfound(ofLeaders, (await scrape()).samples)).toEqual(names)
  })
  fact('panels about the Java machine find their metric', async () => {
    expect(unfound(ofJava, (await scrape()).samples)).toEqual([])
  })
  fact('names have the types of ServerMetrics.java', async () => {
    const { types, type } = await scrape()
    expect(type).toMatch(/^text\/plain; ?version=0\.0\.4/)
    for (const [kind, names] of Object.entries({
      gauge:
        'avg_latency max_latency packets_received znode_count watch_count uptime global_sessions last_client_response_size',
      counter:
        'connection_request_count connection_revalidate_count bytes_received_count response_bytes watch_bytes stale_sessions_expired',
      summary:
        'fsynctime readlatency updatelatency propagation_latency dbinittime startup_txns_loaded node_changed_watch_count sync_processor_batch_size',
    })) {
      for (const name of names.split(' ')) expect([name, types.get(name)]).toEqual([name, kind])
    }
  })
  fact('summaries count: writes, watches that fired, bytes', async () => {
    const { samples } = await scrape()
    const value = (name: string): number => samples.find((each) => each.name === name)?.value ?? Number.NaN
    expect(value('updatelatency_count')).toBeGreaterThanOrEqual(3)
    expect(value('node_changed_watch_count_sum')).toBe(1)
    expect(value('watch_bytes')).toBeGreaterThan(30)
    expect(value('response_bytes')).toBeGreaterThan(100)
    expect(value('connection_request_count')).toBe(1)
    const quantiles = samples.filter(({ name }) => name === 'updatelatency').map(({ labels }) => labels.get('quantile'))
    expect(quantiles).toEqual(['0.5', '0.9', '0.99'])
  })
})
