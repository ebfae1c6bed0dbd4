/** What a session did, as the logs have it. */
import type { JSX } from 'preact'
import type { SessionPast } from '../../src/api.ts'
import { address } from '../lib/api.ts'
import { Link } from '../parts/bits.tsx'
import { FromLogs } from '../parts/from-logs.tsx'
import { Difference, Moment } from '../parts/values.tsx'

export function PastSessionList({ session }: { readonly session: string }): JSX.Element {
  return (
    <FromLogs<SessionPast>
      url={address('/api/past/session', { session })}
      head={() => (
        <>
          What the session {session} did, the newest first, with the writes that were refused.{' '}
          <Link view="sessions" query={{ session }}>
            The session as it is now
          </Link>
        </>
      )}
      none="The logs have no transaction of this session."
      isEmpty={({ acts }) => acts.length === 0}
      more="earlier ones are not shown."
    >
      {({ acts }) => (
        <ol class="history" aria-label="What it did">
          {acts.map(({ zxid, time, operation, error, changes }) => (
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
      )}
    </FromLogs>
  )
}
