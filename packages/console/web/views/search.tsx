/** Search below the chosen znode, by name or in data. */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { SearchLine } from '../../src/api.ts'
import { ApiProblem, search } from '../lib/api.ts'
import { go } from '../lib/location.ts'
import { ProblemNote, ZnodeLink } from '../parts/bits.tsx'

interface Result {
  readonly text: string
  readonly below: string
  readonly found: readonly Extract<SearchLine, { kind: 'found' }>[]
  readonly looked: number
  readonly end?: Extract<SearchLine, { kind: 'end' }>
}

interface Props {
  readonly path: string
  /** What the address of the page asks for. */
  readonly text: string | undefined
  readonly inData: boolean
}

export function SearchBox({ path, text: asked, inData }: Props): JSX.Element {
  const [result, setResult] = useState<Result>()
  const [problem, setProblem] = useState<ApiProblem>()
  const running = useRef<AbortController>(undefined)
  const stop = (): void => running.current?.abort()
  const start = (text: string, where: 'name' | 'data'): void => {
    stop()
    const own = new AbortController()
    running.current = own
    setProblem(undefined)
    setResult({ text, below: path, found: [], looked: 0 })
    search(
      { path, text, in: where },
      (line) => {
        setResult((before) => {
          if (before === undefined || own.signal.aborted) return before
          if (line.kind === 'found') return { ...before, found: [...before.found, line] }
          return line.kind === 'progress'
            ? { ...before, looked: line.looked }
            : { ...before, looked: line.looked, end: line }
        })
      },
      own.signal,
    ).catch((error: unknown) => {
      if (!own.signal.aborted && error instanceof ApiProblem) setProblem(error)
    })
  }
  // A found znode that is opened has an address of its own: the results stay beside it.
  useEffect(() => {
    if (asked !== undefined && asked !== '') start(asked, inData ? 'data' : 'name')
  }, [asked, inData])
  useEffect(() => stop, [])
  return (
    <search>
      <form
        class="line"
        onSubmit={(event) => {
          event.preventDefault()
          const form = new FormData(event.currentTarget)
          const text = form.get('text')
          if (typeof text !== 'string' || text === '') return
          const where = form.get('in') === null ? undefined : 'data'
          // The same search again is another look at the znodes.
          if (text === asked && inData === (where === 'data')) start(text, where ?? 'name')
          else go('tree', { path, search: text, in: where })
        }}
      >
        <input
          type="search"
          name="text"
          key={asked}
          defaultValue={asked ?? ''}
          aria-label={`Search below ${path}`}
          placeholder={`Search below ${path}`}
        />
        <label>
          <input type="checkbox" name="in" defaultChecked={inData} /> in data
        </label>
        <button type="submit">Search</button>
      </form>
      <ProblemNote problem={problem} />
      {result === undefined ? null : (
        <div class="results" aria-live="polite">
          <p class="line">
            <span>
              {result.found.length} found below {result.below} among {result.looked.toLocaleString('en')} znodes
              {result.end === undefined ? '…' : '.'}
            </span>
            <button
              type="button"
              onClick={() => {
                stop()
                setResult(undefined)
              }}
            >
              Close
            </button>
          </p>
          {result.end?.why === undefined ? null : <p class="note">Not everything was searched: {result.end.why}.</p>}
          <ul>
            {result.found.map((each) => (
              <li key={`${each.where} ${each.path}`}>
                <ZnodeLink path={each.path} /> {each.where === 'data' ? <span class="tag">data</span> : null}
              </li>
            ))}
          </ul>
        </div>
      )}
    </search>
  )
}
