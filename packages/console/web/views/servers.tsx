/** The servers of the connect string: roles, zxids, who lags, the members of the ensemble, and charts of the last day. */
import type { ComponentChildren, ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Figures, MemberItem, ServerItem, Servers, Silence } from '../../src/api.ts'
import { useLoad } from '../lib/load.ts'
import { Ago, ProblemNote, Scroll, ViewHead } from '../parts/bits.tsx'
import type { ChartProps } from '../parts/chart.tsx'

const charts = [
  { name: 'requests_per_second', title: 'Requests', unit: 'a second' },
  { name: 'avg_latency', title: 'Average time to a reply', unit: 'ms' },
  { name: 'max_latency', title: 'Longest time to a reply', unit: 'ms' },
  { name: 'p99_write_latency', title: '99 of 100 writes are answered within', unit: 'ms' },
  { name: 'avg_sync_time', title: 'Average time of a sync of the log', unit: 'ms' },
  { name: 'max_sync_time', title: 'Longest time of a sync of the log', unit: 'ms' },
  { name: 'queued_requests', title: 'Writes that wait', unit: '' },
  { name: 'unread_bytes', title: 'Bytes that clients do not read', unit: 'bytes' },
  { name: 'connections', title: 'Connections', unit: '' },
  { name: 'sessions', title: 'Sessions', unit: '' },
  { name: 'znodes', title: 'Znodes', unit: '' },
  { name: 'ephemerals', title: 'Ephemerals', unit: '' },
  { name: 'watches', title: 'Watches', unit: '' },
  { name: 'data_bytes', title: 'Bytes of paths and data', unit: 'bytes' },
  { name: 'heap_bytes', title: 'Memory of the server, garbage included', unit: 'bytes' },
] as const

export function ServersView(): JSX.Element {
  const { value, problem } = useLoad<Servers>('/api/servers', 3_000)
  const { value: figures } = useLoad<Figures>('/api/figures?points=600', 10_000)
  return (
    <article class="view">
      <ViewHead title="Servers" about="Each server of the connect string as it answers now, and its last day." />
      <ProblemNote problem={problem} isOld={value !== undefined} />
      {value === undefined && problem === undefined ? <p class="quiet">Asking the servers…</p> : null}
      {value === undefined ? null : (
        <>
          {value.notes.map((each) => (
            <p key={each}>
              <strong>{each}</strong>
            </p>
          ))}
          <ServerTable servers={value.servers} />
          {value.problems.map((each) => (
            <p key={each} class="note">
              {each}.
            </p>
          ))}
          <Members members={value.members} />
        </>
      )}
      {figures === undefined || figures.servers.length === 0 ? null : <Charts figures={figures} />}
      {value?.servers
        .filter(({ figures: all }) => Object.keys(all).length > 0)
        .map(({ server, figures: all }) => (
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

const silences: Readonly<Record<Silence, string>> = {
  away: 'does not answer',
  idle: 'serves no clients',
  refused: 'does not say',
}

function ServerTable({ servers }: { readonly servers: readonly ServerItem[] }): JSX.Element {
  return (
    <Scroll label="Table of servers">
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
          {servers.map((each) => (
            <tr key={each.server}>
              <td>{each.server}</td>
              <td>{each.role ?? <strong class="deleted">{silences[each.silence ?? 'away']}</strong>}</td>
              <td>{each.zxid ?? ''}</td>
              <td>{each.lag ?? ''}</td>
              <td>{each.connections ?? ''}</td>
              <td>{each.outstanding ?? ''}</td>
              <td>{each.latency === undefined ? '' : `${roundedOf(each.latency)} ms`}</td>
              <td>{each.version ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

/** `0/22.12/239` for `0/22.1216/239`. */
function roundedOf(latency: string): string {
  return latency.replaceAll(/\d+\.\d+/g, (each) => `${Math.round(Number(each) * 100) / 100}`)
}

function Members({ members }: { readonly members: readonly MemberItem[] }): JSX.Element | null {
  if (members.length === 0) return null
  return (
    <details>
      <summary>{members.length} members in the configuration of the ensemble</summary>
      <Scroll label="Table of members">
        <table class="list">
          <thead>
            <tr>
              <th scope="col">Member</th>
              <th scope="col">Vote</th>
              <th scope="col">Address for members</th>
              <th scope="col">Address for clients</th>
            </tr>
          </thead>
          <tbody>
            {members.map(({ id, role, address, client }) => (
              <tr key={id}>
                <td>{id}</td>
                <td>{role === 'observer' ? 'none: observer' : 'yes'}</td>
                <td>{address}</td>
                <td>{client ?? 'in its own zoo.cfg'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  )
}

function Charts({ figures: { servers } }: { readonly figures: Figures }): JSX.Element | null {
  const [chart, setChart] = useState<{ readonly type: ComponentType<ChartProps> }>()
  useEffect(() => {
    void import('../parts/chart.tsx').then((module) => setChart({ type: module.default }))
  }, [])
  const Chart = chart?.type
  if (Chart === undefined) return null
  return (
    <section aria-label="Charts">
      <h2>The last day (times in UTC)</h2>
      <Sources servers={servers.filter(({ isKept }) => isKept)}>
        the server keeps its figures itself, a point each half minute, a day of them while it runs.
      </Sources>
      <Sources servers={servers.filter(({ isKept }) => !isKept)}>
        the console can read no kept figures. It measures while it runs, and the longest times are those since the start
        of the server.
      </Sources>
      <div class="charts">
        {charts.map(({ name, title, unit }) => {
          const series = servers.flatMap(({ server, times, values: { [name]: values } }) =>
            values?.some((each) => each !== null) ? [{ server, times, values }] : [],
          )
          return series.length === 0 ? null : <Chart key={name} title={title} unit={unit} series={series} />
        })}
      </div>
    </section>
  )
}

/** Where the figures of these servers come from, and since when there are some. */
function Sources({
  servers,
  children,
}: {
  readonly servers: Figures['servers']
  readonly children: ComponentChildren
}): JSX.Element | null {
  if (servers.length === 0) return null
  const first = Math.min(...servers.flatMap(({ times }) => times.slice(0, 1)))
  return (
    <p class="quiet">
      {servers.map(({ server }) => server).join(', ')}: {children}
      {first === Number.POSITIVE_INFINITY ? null : (
        <>
          {' '}
          The first point is from <Ago at={first} />.
        </>
      )}
    </p>
  )
}
