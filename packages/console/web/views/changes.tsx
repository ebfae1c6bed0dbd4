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

interface Stream {
  readonly changes: readonly Shown[]
  readonly leftOut: number
  readonly status: string
  readonly problem: Problem | undefined
}

const empty: Stream = { changes: [], leftOut: 0, status: 'Reading what is there…', problem: undefined }

export function ChangesView({ path, filter }: { readonly path: string; readonly filter: string }): JSX.Element {
  const [stream, setStream] = useState<Stream>(empty)
  const [isPaused, setPaused] = useState(false)
  // While the page is paused, changes wait here; the newest are kept.
  const waiting = useRef<Stream>(empty)
  const paused = useRef(false)
  const count = useRef(0)
  useEffect(() => {
    const over = new AbortController()
    waiting.current = empty
    setStream(empty)
    const update = (change: (before: Stream) => Stream): void => {
      waiting.current = change(waiting.current)
      if (!paused.current) setStream(waiting.current)
    }
    void follow(
      address('/api/changes', { path }),
      (event) => {
        switch (event.kind) {
          case 'ready':
            return update((before) => ({
              ...before,
              problem: undefined,
              status: `Live: ${event.znodes.toLocaleString('en')} znodes, up to ${event.zxid}.`,
            }))
          case 'stale':
            return update((before) => ({
              ...before,
              status: 'The connection to the server is lost. The difference comes when it is back.',
            }))
          case 'gone':
            return update((before) => ({
              ...before,
              status: 'The console does not answer; trying again. Changes until then are not shown.',
            }))
          case 'failed':
            return update((before) => ({ ...before, problem: event.problem, status: '' }))
          case 'changes': {
            const seen = Date.now()
            const fresh = event.items.map((item): Shown => ({ ...item, seen, key: count.current++ })).reverse()
            return update((before) => ({
              ...before,
              changes: [...fresh, ...before.changes].slice(0, keptMax),
              leftOut: before.leftOut + event.leftOut,
            }))
          }
          default:
        }
      },
      over.signal,
    )
    return () => over.abort()
  }, [path])
  const pause = (): void => {
    paused.current = !isPaused
    setPaused(!isPaused)
    if (isPaused) setStream(waiting.current)
  }
  const wanted = filter.toLowerCase()
  const shown =
    wanted === '' ? stream.changes : stream.changes.filter((each) => each.path.toLowerCase().includes(wanted))
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
            ? ` It is too fast to show everything: ${stream.leftOut.toLocaleString('en')} changes were left out.`
            : ''}
        </p>
      ) : (
        <p class="note bad" role="alert">
          {stream.problem.message}
        </p>
      )}
      <Scroll label="Changes">
        <table class="list">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">What</th>
              <th scope="col">Znode</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((each) => (
              <tr key={each.key}>
                <td class="nowrap">{new Date(each.time ?? each.seen).toISOString().slice(11, 23)}</td>
                <td class={`nowrap ${each.kind}`}>
                  {each.kind}
                  {each.missed === undefined ? '' : `, ${each.missed} writes between`}
                </td>
                <td>
                  <ZnodeLink path={each.path} />
                </td>
                <td class="value">
                  {each.previous === undefined ? '' : briefOf(each.previous.data, each.previous.bytes)}
                </td>
                <td class="value">{each.value === undefined ? '' : briefOf(each.value.data, each.value.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {shown.length === 0 && stream.problem === undefined ? (
        <p class="quiet">Nothing has changed since this page was opened.</p>
      ) : null}
    </article>
  )
}
