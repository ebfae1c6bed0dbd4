/** One figure over time, a line for each server, by uPlot. */
import { Fragment, type JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

export interface ChartProps {
  readonly title: string
  readonly unit: string
  readonly series: readonly {
    readonly server: string
    readonly times: readonly number[]
    readonly values: readonly (number | null)[]
  }[]
}

const colours = ['#2563eb', '#d97706', '#059669', '#c026d3', '#dc2626', '#0891b2', '#65a30d']
const height = 150
/** The shortest time that a chart shows, seconds. */
const shortestTime = 300

/** From zero: a small change must not look like a large one. */
function valueRange(_chart: uPlot, _least: number | null, most: number | null): [number, number] {
  if (most === null || most <= 0) return [0, 1]
  return [0, uPlot.rangeNum(0, most, 0.1, true)[1] ?? most]
}

const amount = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })
const bytes = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

/** `8,878.15 a second`, `433 MB`. */
function figureOf(value: number, unit: string): string {
  if (unit !== 'bytes') return `${amount.format(value)} ${unit}`
  return value < 1_000
    ? `${amount.format(value)} bytes`
    : `${bytes.format(value).replace(/[KMBT]$/, (size) => ` ${sizes[size] ?? size}`)}`
}

const sizes: Readonly<Record<string, string>> = { K: 'kB', M: 'MB', B: 'GB', T: 'TB' }

/** Whether the page is dark now: the axes have the colour of its text. */
function useIsDark(): boolean {
  const [query] = useState(() => matchMedia('(prefers-color-scheme: dark)'))
  const [isDark, setDark] = useState(query.matches)
  useEffect(() => {
    const listener = (): void => setDark(query.matches)
    query.addEventListener('change', listener)
    return () => query.removeEventListener('change', listener)
  }, [query])
  return isDark
}

/** `2026-05-01 09:30`, in UTC. */
function minuteOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')
}

/** From the first point to the last one, seconds. uPlot's own limits around one point alone are years apart. */
function timeRange(chart: uPlot, from: number, to: number): [number, number] {
  const [times = []] = chart.data
  const last = times.at(-1) ?? to
  return [Math.min(times[0] ?? from, last - shortestTime), last]
}

/** A clock in UTC, as every time on the page; the date where a day begins. Times and their distance in seconds. */
function timesOf(splits: readonly number[], distance: number): string[] {
  return splits.map((seconds) => {
    const text = new Date(seconds * 1000).toISOString()
    const clock = text.slice(11, distance < 60 ? 19 : 16)
    return /^00:00(:00)?$/.test(clock) ? text.slice(0, 10) : clock
  })
}

export default function Chart({ title, unit, series }: ChartProps): JSX.Element {
  const parent = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  /** The time that the chart shows, in words. */
  const [span, setSpan] = useState('')
  const servers = series.map(({ server }) => server).join()
  const isDark = useIsDark()
  useEffect(() => {
    const element = parent.current
    if (element === null) return
    const ink = getComputedStyle(element).color
    const axis = {
      stroke: ink,
      grid: { stroke: `color-mix(in srgb, ${ink} 15%, transparent)` },
      ticks: { show: false },
    }
    const own = new uPlot(
      {
        width: element.clientWidth,
        height,
        cursor: { y: false },
        legend: { show: false },
        scales: { x: { range: timeRange }, y: { range: valueRange } },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
        axes: [
          {
            ...axis,
            space: 80,
            size: 30,
            values: (_chart, splits, _axis, _space, distance) => timesOf(splits, distance),
          },
          {
            ...axis,
            size: 60,
            values: (_chart, splits) => splits.map((each) => figureOf(each, unit === 'bytes' ? unit : '').trim()),
          },
        ],
        series: [
          {},
          ...series.map(({ server }, i) => ({
            label: server,
            stroke: colours[i % colours.length] ?? '',
            width: 1.5,
            spanGaps: false,
          })),
        ],
        hooks: {
          setScale: [
            ({ scales: { x } }) => {
              if (typeof x?.min !== 'number' || typeof x.max !== 'number') return
              setSpan(`, from ${minuteOf(x.min)} to ${minuteOf(x.max)} UTC`)
            },
          ],
        },
      },
      [[]],
      element,
    )
    plot.current = own
    const resize = new ResizeObserver(() => own.setSize({ width: element.clientWidth, height }))
    resize.observe(element)
    return () => {
      resize.disconnect()
      own.destroy()
    }
    // The lines are those of the servers; new points go into the chart that is there.
  }, [servers, isDark])
  useEffect(() => {
    const tables = series.map(({ times, values }): uPlot.AlignedData => [times.map((time) => time / 1000), [...values]])
    plot.current?.setData(tables.length === 0 ? [[]] : uPlot.join(tables))
  }, [series, servers, isDark])
  const last = series.map(({ server, values }) => ({ server, value: values.at(-1) }))
  return (
    <figure class="panel">
      <figcaption>
        <h2>{title}</h2>
        <p class="quiet">
          {last.map(({ server, value }, i) => (
            <Fragment key={server}>
              <span class="nowrap">
                <span class="key" style={{ background: colours[i % colours.length] }} /> {server}:{' '}
                {value === null || value === undefined ? 'no answer' : figureOf(value, unit).trim()}
              </span>{' '}
            </Fragment>
          ))}
        </p>
      </figcaption>
      <div ref={parent} class="chart" role="img" aria-label={`${title} over time${span}`} />
    </figure>
  )
}
