/** Every write of a znode that the logs still hold, the newest first; each can be undone. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { History, PastChange } from '../../src/api.ts'
import { address } from '../lib/api.ts'
import { Link, ZnodeLink } from '../parts/bits.tsx'
import { FromLogs } from '../parts/from-logs.tsx'
import { Difference, Moment } from '../parts/values.tsx'
import { UndoDialog } from './undo.tsx'

interface Props {
  readonly path: string
  readonly isBelow: boolean
  readonly allowsWrites: boolean
}

export function HistoryList({ path, isBelow, allowsWrites }: Props): JSX.Element {
  const [undone, setUndone] = useState<string>()
  return (
    <>
      <FromLogs<History>
        url={address('/api/past/history', { path, below: isBelow ? '1' : undefined })}
        none={`The logs have no write of ${path}${isBelow ? ' or below it' : ''}.`}
        isEmpty={({ changes }) => changes.length === 0}
        more="earlier changes are not shown."
      >
        {({ changes }) => (
          <ol class="history">
            {changes.toReversed().map((each) => (
              <li key={`${each.zxid} ${each.path} ${each.kind}`} class="panel">
                {allowsWrites && each.kind !== 'gap' ? (
                  <button type="button" class="aside" onClick={() => setUndone(each.zxid)}>
                    Undo…
                  </button>
                ) : null}
                <Entry change={each} path={path} />
              </li>
            ))}
          </ol>
        )}
      </FromLogs>
      {undone === undefined ? null : <UndoDialog zxid={undone} onClose={() => setUndone(undefined)} />}
    </>
  )
}

function Entry({ change, path }: { readonly change: PastChange; readonly path: string }): JSX.Element {
  if (change.kind === 'gap')
    return <p class="note bad">Transactions are missing in front of {change.zxid}: what happened there is not known.</p>
  return (
    <>
      <p>
        <strong class={change.kind}>{change.kind}</strong>{' '}
        {change.path === path ? null : <ZnodeLink path={change.path} />} <Moment at={change.time} />{' '}
        <span class="quiet">
          transaction{' '}
          <Link view="past" query={{ path, at: change.zxid }} class="path">
            {change.zxid}
          </Link>
          , session{' '}
          <Link view="past" query={{ session: change.session }} class="path">
            {change.session}
          </Link>
          {change.after === undefined ? '' : `, version ${change.after.version}`}
        </span>
      </p>
      <Difference diff={change.diff} value={change.after ?? change.before} />
    </>
  )
}
