/** Values of the past, and what differs between two of them. */
import type { JSX } from 'preact'
import type { Value } from '../../src/api.ts'
import { briefOf } from '../lib/bytes.ts'

type Lines = readonly { readonly sign: '-' | '+'; readonly text: string }[]

/** What differs, line by line; without lines the value that is there. */
export function Difference({
  diff,
  value,
}: {
  readonly diff: Lines | undefined
  readonly value: Value | undefined
}): JSX.Element | null {
  if (diff === undefined || diff.length === 0) {
    return value === undefined || value.bytes === 0 ? null : <pre>{briefOf(value.data, value.bytes)}</pre>
  }
  return (
    <pre class="diff">
      {diff.map(({ sign, text }, i) => (
        <span key={i} class={sign === '+' ? 'created' : 'deleted'}>
          {sign} {text}
          {'\n'}
        </span>
      ))}
    </pre>
  )
}

/** A time of a log; one that is no valid date is shown as the number that it is. */
export function Moment({ at }: { readonly at: number }): JSX.Element {
  const date = new Date(at)
  const text = Number.isNaN(date.getTime()) ? `${at}` : date.toISOString()
  return <time dateTime={text}>{text}</time>
}
