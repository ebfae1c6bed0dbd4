/** The servers of the connect string: roles, zxids, who lags, and charts of the last day. */
import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Figures, ServerItem } from '../../src/api.ts'
import { useLoad } from '../lib/load.ts'
import { ProblemNote, ViewHead } from '../parts/bits.tsx'
import type { ChartProps } from '../parts/chart.tsx'

const charts = [
  { name: 'max_latency', title: 'Longest time to a reply', unit: 'ms' },
  { name: 'avg_latency', title: 'Average time to a reply', unit: 'ms' },
  { name: 'avg_fsynctime', title: 'Average time of a sync of the log', unit: 'ms' },
  { name: 'outstanding_requests', title: 'Requests that wait', unit: '' },
  { name: 'num_alive_connections', title: 'Connections', unit: '' },
  { name: 'global_sessions', title: 'Sessions', unit: '' },
  { name: 'znode_count', title: 'Znodes', unit: '' },
  { name: 'ephemerals_count', title: 'Ephemerals', unit: '' },
  { name: 'watch_count', title: 'Watches', unit: '' },
  { name: 'approximate_data_size', title: 'Bytes of paths and data', unit: 'bytes' },
] as const

export function ServersView(): JSX.Element {
  const { value, problem } = useLoad<readonly ServerItem[]>('/api/servers', 3_000)
  const { value: figures } = useLoad<Figures>('/api/figures?points=600', 10_000)
  return (
    <article class="view">
      <ViewHead
        title="Servers"
        about="Each server of the connect string, as it answers now, and its figures since this console was started."
      />
      <ProblemNote problem={problem} isOld={value !== undefined} />
      {value === undefined && problem === undefined ? <p class="quiet">Asking the servers…</p> : null}
      {value === undefined ? null : (
        <div class="scroll">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Server</th>
                <th scope="col">Role</th>
                <th scope="col">Last transaction</th>
                <th scope="col">Behind</th>
                <th scope="col">Connections</th>
                <th scope="col">Waiting</th>
                <th scope="col">Latency min/avg/max</th>
                <th scope="col">Version</th>
              </tr>
            </thead>
            <tbody>
              {value.map((each) => (
                <tr key={each.server}>
                  <td>{each.server}</td>
                  <td>{each.role ?? <strong class="deleted">does not answer</strong>}</td>
                  <td>{each.zxid ?? ''}</td>
                  <td>{each.lag ?? ''}</td>
                  <td>{each.connections ?? ''}</td>
                  <td>{each.outstanding ?? ''}</td>
                  <td>{each.latency === undefined ? '' : `${each.latency} ms`}</td>
                  <td>{each.version ?? ''}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {value
        ?.flatMap(({ problems }) => problems)
        .map((each) => (
          <p key={each} class="note">
            {each}.
          </p>
        ))}
      {figures === undefined || figures.servers.length === 0 ? null : <Charts figures={figures} />}
      {value?.map(({ server, figures: all }) => (
        <details key={server}>
          <summary>All figures of {server}</summary>
          <table class="facts">
            <tbody>
              {Object.entries(all).map(([name, text]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{text}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      ))}
    </article>
  )
}

function Charts({ figures }: { readonly figures: Figures }): JSX.Element | null {
  const [chart, setChart] = useState<{ readonly type: ComponentType<ChartProps> }>()
  useEffect(() => {
    void import('../parts/chart.tsx').then((module) => setChart({ type: module.default }))
  }, [])
  const Chart = chart?.type
  if (Chart === undefined) return null
  return (
    <section aria-label="Charts" class="charts">
      {charts.map(({ name, title, unit }) => (
        <Chart
          key={name}
          title={title}
          unit={unit}
          series={figures.servers.map(({ server, times, values }) => ({ server, times, values: values[name] ?? [] }))}
        />
      ))}
    </section>
  )
}
