/** What a session did, as the logs have it. */
import type { JSX } from 'preact'
import type { SessionPast } from '../../src/api.ts'
import { address } from '../lib/api.ts'
import { useLoad } from '../lib/load.ts'
import { Link, ProblemNote } from '../parts/bits.tsx'
import { Difference, Moment } from '../parts/values.tsx'

export function PastSessionList({ session }: { readonly session: string }): JSX.Element {
  const { value, problem } = useLoad<SessionPast>(address('/api/past/session', { session }))
  return (
    <>
      <p class="note">
        What the session {session} did, the newest first, with the writes that were refused.{' '}
        <Link view="sessions" query={{ session }}>
          The session as it is now
        </Link>
      </p>
      <ProblemNote problem={problem} isOld={value !== undefined} />
      {value === undefined && problem === undefined ? <p class="quiet">Reading the logs…</p> : null}
      {value?.acts.length === 0 ? <p class="quiet">The logs have no transaction of this session.</p> : null}
      <ol class="history" aria-label="What it did">
        {value?.acts.map(({ zxid, time, operation, error, changes }) => (
          <li key={zxid} class="panel">
            <p>
              <strong>{operation}</strong> <Moment at={time} /> <span class="quiet">transaction {zxid}</span>
              {error === undefined ? null : <span class="deleted"> refused: {error}</span>}
            </p>
            {changes.map((each) => (
              <div key={`${each.kind} ${each.path}`}>
                <p>
                  <span class={each.kind}>{each.kind}</span>{' '}
                  <Link view="past" query={{ path: each.path }} class="path">
                    {each.path}
                  </Link>
                </p>
                <Difference diff={each.diff} value={each.after ?? each.before} />
              </div>
            ))}
          </li>
        ))}
      </ol>
      {value !== undefined && value.leftOut > 0 ? <p class="quiet">…and {value.leftOut} earlier ones.</p> : null}
    </>
  )
}
