/** The past of a path: its history, the tree as it was, what differs between two moments, what a session did. */
import type { JSX } from 'preact'
import { go } from '../lib/location.ts'
import { PathField, ViewHead } from '../parts/bits.tsx'
import { MomentForm } from '../parts/moment-form.tsx'
import { PastDifferenceList } from './past-difference.tsx'
import { HistoryList } from './past-history.tsx'
import { PastSessionList } from './past-session.tsx'
import { PastTreeList } from './past-tree.tsx'

interface Props {
  readonly path: string
  /** A zxid or milliseconds: the tree as it was then. */
  readonly at: string | undefined
  /** The same: what differs between the two. */
  readonly from: string | undefined
  readonly to: string | undefined
  /** What this session did. */
  readonly session: string | undefined
  readonly isBelow: boolean
  readonly hasPast: boolean
  readonly allowsWrites: boolean
}

export function PastView(props: Props): JSX.Element {
  const { path, at, from, to, session, isBelow, hasPast } = props
  return (
    <article class="view">
      <ViewHead title="History" about="Every write that the logs of the server still hold, and the tree as it was.">
        {hasPast ? (
          <>
            <div class="line">
              <PathField view="past" path={path} label="Path" />
              <button
                type="button"
                aria-pressed={isBelow}
                onClick={() => go('past', { path, below: isBelow ? undefined : '1' })}
              >
                With everything below
              </button>
            </div>
            <MomentForm
              key={`${at} ${from} ${to}`}
              fields={[{ name: 'at', label: 'As it was at', value: at }]}
              button="Go there"
              onMoments={([moment]) => go('past', { path, at: moment })}
            />
            <MomentForm
              key={`${from} ${to} ${at}`}
              fields={[
                { name: 'from', label: 'What differs between', value: from },
                { name: 'to', label: 'and', value: to },
              ]}
              button="Compare"
              onMoments={([first, second]) => go('past', { path, from: first, to: second })}
            />
          </>
        ) : null}
      </ViewHead>
      <PastContent {...props} key={session} />
    </article>
  )
}

function PastContent({ path, at, from, to, session, isBelow, hasPast, allowsWrites }: Props): JSX.Element {
  if (!hasPast) {
    return (
      <p class="note">
        The past is in the files of a server. Start the console with --data-dir, the data directory of a server, or with
        --admin, the admin port of a server of ours, to see it.
      </p>
    )
  }
  if (session !== undefined) return <PastSessionList session={session} />
  if (from !== undefined) return <PastDifferenceList path={path} from={from} to={to} />
  if (at !== undefined) return <PastTreeList path={path} at={at} />
  return <HistoryList path={path} isBelow={isBelow} allowsWrites={allowsWrites} />
}
