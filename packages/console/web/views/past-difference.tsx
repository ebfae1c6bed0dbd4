/** What differs below a path between two moments. */
import type { JSX } from 'preact'
import type { PastDiff } from '../../src/api.ts'
import { address } from '../lib/api.ts'
import { useLoad } from '../lib/load.ts'
import { Link, ProblemNote } from '../parts/bits.tsx'
import { Difference } from '../parts/values.tsx'

interface Props {
  readonly path: string
  /** Zxids, or milliseconds; `to` is the last transaction where it is undefined. */
  readonly from: string
  readonly to: string | undefined
}

export function PastDifferenceList({ path, from, to }: Props): JSX.Element {
  const { value, problem } = useLoad<PastDiff>(address('/api/past/diff', { path, from, to }))
  return (
    <>
      <p class="note">
        What differs below {path} between {value?.from ?? from} and {value?.to ?? to ?? 'the last transaction'}.{' '}
        <Link view="past" query={{ path }}>
          Back to its history
        </Link>
      </p>
      <ProblemNote problem={problem} isOld={value !== undefined} />
      {value === undefined && problem === undefined ? <p class="quiet">Reading the logs…</p> : null}
      {value?.differences.length === 0 ? <p class="quiet">Nothing: it was the same at both moments.</p> : null}
      <ol class="history" aria-label="Differences">
        {value?.differences.map((each) => (
          <li key={each.path} class="panel">
            <p>
              <strong class={each.kind}>{each.kind}</strong>{' '}
              <Link view="past" query={{ path: each.path }} class="path">
                {each.path}
              </Link>
            </p>
            <Difference diff={each.diff} value={each.after ?? each.before} />
          </li>
        ))}
      </ol>
      {value !== undefined && value.leftOut > 0 ? (
        <p class="quiet">…and {value.leftOut} more; choose a path further down.</p>
      ) : null}
    </>
  )
}
