/** What differs below a path between two moments. */
import type { JSX } from 'preact'
import type { PastDiff } from '../../src/api.ts'
import { address } from '../lib/api.ts'
import { Link } from '../parts/bits.tsx'
import { FromLogs } from '../parts/from-logs.tsx'
import { Difference } from '../parts/values.tsx'

interface Props {
  readonly path: string
  /** Zxids, or milliseconds; `to` is the last transaction where it is undefined. */
  readonly from: string
  readonly to: string | undefined
}

export function PastDifferenceList({ path, from, to }: Props): JSX.Element {
  return (
    <FromLogs<PastDiff>
      url={address('/api/past/diff', { path, from, to })}
      head={(value) => (
        <>
          What differs below {path} between {value?.from ?? from} and {value?.to ?? to ?? 'the last transaction'}.{' '}
          <Link view="past" query={{ path }}>
            Back to its history
          </Link>
        </>
      )}
      none="Nothing: it was the same at both moments."
      isEmpty={({ differences }) => differences.length === 0}
      more="more are not shown; choose a path further down."
    >
      {({ differences }) => (
        <ol class="history" aria-label="Differences">
          {differences.map((each) => (
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
      )}
    </FromLogs>
  )
}
