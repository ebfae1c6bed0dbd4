/** Every change below a path, as it happens. */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ChangeItem, Problem } from '../../src/api.ts'
import { address, follow } from '../lib/api.ts'
import { briefOf } from '../lib/bytes.ts'
import { go } from '../lib/location.ts'
import { PathField, Scroll, ViewHead, ZnodeLink } from '../parts/bits.tsx'

interface Shown extends ChangeItem {
  readonly key: number
  /** When the page got it, for those that have no time of the server. */
  readonly seen: number
}

/** Changes that the page keeps. */
const keptMax = 200
/** Changes are drawn together, so often, milliseconds. */
const drawEveryMs = 60
/** A burst of `keptMax` is drawn whole, and so many a second after it: more cannot be read, and drawing them takes time. */
const drawnPerSecond = 200

interface Stream {
  readonly changes: readonly Shown[]
  readonly leftOut: number
  readonly status: string
  readonly problem: Problem | undefined
}

const empty: Stream = { changes: [], leftOut: 0, status: 'Reading what is there…', problem: undefined }

const fits = ({ path }: ChangeItem, filter: string): boolean => path.toLowerCase().includes(filter.toLowerCase())

export function ChangesView({ path, filter }: { readonly path: string; readonly filter: string }): JSX.Element {
  const [stream, setStream] = useState<Stream>(empty)
  const [isPaused, setPaused] = useState(false)
  // What has come: it is drawn a little later, and not while the page is paused.
  const come = useRef<Stream>(empty)
  const paused = useRef(false)
  const count = useRef(0)
  const wanted = useRef(filter)
  wanted.current = filter
  useEffect(() => {
    const over = new AbortController()
    come.current = empty
    setStream(empty)
    let fresh: Shown[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    let room = keptMax
    let drawnAt = performance.now()
    const draw = (): void => {
      timer = undefined
      const now = performance.now()
      room = Math.min(keptMax, room + ((now - drawnAt) / 1000) * drawnPerSecond)
      drawnAt = now
      const leftOut = Math.max(0, fresh.length - Math.floor(room))
      room -= fresh.length - leftOut
      const changes = [...fresh.slice(leftOut).reverse(), ...come.current.changes].slice(0, keptMax)
      come.current = { ...come.current, changes, leftOut: come.current.leftOut + leftOut }
      fresh = []
      if (!paused.current) setStream(come.current)
    }
    const update = (change: Partial<Stream>): void => {
      come.current = { ...come.current, ...change }
      timer ??= setTimeout(draw, drawEveryMs)
    }
    void follow(
      address('/api/changes', { path }),
      (event) => {
        switch (event.kind) {
          case 'ready':
            return update({
              problem: undefined,
              status: `Live: ${event.znodes.toLocaleString('en')} znodes, up to ${event.zxid}.`,
            })
          case 'stale':
            return update({ status: 'The connection to the server is lost. The difference comes when it is back.' })
          case 'gone':
            return update({
              status: 'The console does not answer; trying again. Changes until then are not shown.',
            })
          case 'failed':
            return update({ problem: event.problem, status: '' })
          case 'changes': {
            const seen = Date.now()
            for (const item of event.items) {
              if (fits(item, wanted.current)) fresh.push({ ...item, seen, key: count.current++ })
            }
            return update({ leftOut: come.current.leftOut + event.leftOut })
          }
          default:
        }
      },
      over.signal,
    )
    return () => {
      over.abort()
      clearTimeout(timer)
    }
  }, [path])
  const pause = (): void => {
    paused.current = !isPaused
    setPaused(!isPaused)
    if (isPaused) setStream(come.current)
  }
  const shown = filter === '' ? stream.changes : stream.changes.filter((each) => fits(each, filter))
  return (
    <article class="view">
      <ViewHead title="Live changes" about="Every write below a path, with the value before and after it.">
        <div class="line">
          <PathField view="changes" path={path} label="Below" />
          <label>
            Only paths with{' '}
            <input
              type="search"
              value={filter}
              onInput={(event) => go('changes', { path, filter: event.currentTarget.value || undefined }, true)}
            />
          </label>
          <button type="button" aria-pressed={isPaused} onClick={pause}>
            {isPaused ? 'Go on' : 'Pause'}
          </button>
        </div>
      </ViewHead>
      {stream.problem === undefined ? (
        <p class="quiet" role="status">
          {isPaused ? 'Paused. Changes are collected, the newest 200 of them.' : stream.status}
          {stream.leftOut > 0
            ? ` It is too fast to show everything: ${stream.leftOut.toLocaleString('en')} changes were left out. A filter on paths shows more of what you look for.`
            : ''}
        </p>
      ) : (
        <p class="note bad" role="alert">
          {stream.problem.message}
        </p>
      )}
      <Scroll label="Changes">
        <table class="list changes">
          <thead>
            <tr>
              <th scope="col">Time (UTC)</th>
              <th scope="col">What</th>
              <th scope="col">Znode</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>{shown.map(rowOf)}</tbody>
        </table>
      </Scroll>
      {shown.length === 0 && stream.problem === undefined ? (
        <p class="quiet">Nothing has changed since this page was opened.</p>
      ) : null}
    </article>
  )
}

/** A row never changes: the same element again is not compared with what is on the page. */
const rows = new WeakMap<Shown, JSX.Element>()

function rowOf(change: Shown): JSX.Element {
  const known = rows.get(change)
  if (known !== undefined) return known
  const { key, kind, path, time, seen, missed, previous, value } = change
  const row = (
    <tr key={key}>
      <td>{new Date(time ?? seen).toISOString().slice(11, 23)}</td>
      <td class={kind}>
        {kind}
        {missed === undefined ? '' : `, ${missed} writes between`}
      </td>
      <td>
        <ZnodeLink path={path} />
      </td>
      <td class="value">{previous === undefined ? '' : briefOf(previous.data, previous.bytes)}</td>
      <td class="value">{value === undefined ? '' : briefOf(value.data, value.bytes)}</td>
    </tr>
  )
  rows.set(change, row)
  return row
}
