/** An answer that is read from the logs of a server: that it is being read, what it holds, and how much of it is not shown. */
import type { ComponentChildren, JSX } from 'preact'
import { useLoad } from '../lib/load.ts'
import { ProblemNote } from './bits.tsx'

interface Props<T> {
  readonly url: string
  /** A line above it, which is there before the answer has come. */
  readonly head?: (value: T | undefined) => ComponentChildren
  /** What the page says instead of an answer that holds nothing. */
  readonly none: string
  readonly isEmpty: (value: T) => boolean
  /** What the page says of those that are left out, after their number. */
  readonly more: string
  readonly children: (value: T) => ComponentChildren
}

export function FromLogs<T extends { readonly leftOut: number }>(props: Props<T>): JSX.Element {
  const { url, head, none, isEmpty, more, children } = props
  const { value, problem } = useLoad<T>(url)
  return (
    <>
      {head === undefined ? null : <p class="note">{head(value)}</p>}
      <ProblemNote problem={problem} isOld={value !== undefined} />
      {value === undefined ? (
        problem === undefined ? (
          <p class="quiet">Reading the logs…</p>
        ) : null
      ) : isEmpty(value) ? (
        <p class="quiet">{none}</p>
      ) : (
        children(value)
      )}
      {value === undefined || value.leftOut === 0 ? null : (
        <p class="quiet">
          {value.leftOut.toLocaleString('en')} {more}
        </p>
      )}
    </>
  )
}
