/** What was written to a znode and by which session, the tree as it was, and a transaction taken back. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { History, PastChange, PastTree } from '../../src/api.ts'
import { address } from '../lib/api.ts'
import { briefOf } from '../lib/bytes.ts'
import { useLoad } from '../lib/load.ts'
import { go } from '../lib/location.ts'
import { Link, PathField, ProblemNote, Scroll, ViewHead, ZnodeLink } from '../parts/bits.tsx'
import { Difference, Moment } from '../parts/values.tsx'
import { PastDifferenceList } from './past-difference.tsx'
import { PastSessionList } from './past-session.tsx'
import { UndoDialog } from './undo.tsx'

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
              <PathField view="past" path={path} label="Of" />
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

interface MomentFormProps {
  readonly fields: readonly { readonly name: string; readonly label: string; readonly value: string | undefined }[]
  readonly button: string
  /** Zxids, or milliseconds; undefined for a field that is empty. */
  onMoments(moments: readonly (string | undefined)[]): void
}

function MomentForm({ fields, button, onMoments }: MomentFormProps): JSX.Element {
  const [wrong, setWrong] = useState<string>()
  return (
    <form
      class="line"
      onSubmit={(event) => {
        event.preventDefault()
        const form = new FormData(event.currentTarget)
        const texts = fields.map(({ name }) => `${form.get(name) as string}`.trim())
        const moments = texts.map(momentOf)
        const bad = texts.find((_, i) => moments[i] === 'wrong')
        setWrong(bad)
        if (bad === undefined) onMoments(moments)
      }}
    >
      {fields.map(({ name, label, value }) => (
        <label key={name}>
          {label} <input name={name} defaultValue={value ?? ''} placeholder="0x1a or 2026-11-28 19:00" size={22} />
        </label>
      ))}
      <button type="submit">{button}</button>
      {wrong === undefined ? null : (
        <span class="deleted" role="alert">
          {wrong} is no zxid like 0x1a and no time like 2026-11-28 19:00.
        </span>
      )}
    </form>
  )
}

function momentOf(text: string): string | undefined {
  if (text === '') return undefined
  if (/^0x[0-9a-f]{1,16}$/i.test(text) || /^\d{12,15}$/.test(text)) return text
  const time = new Date(text).getTime()
  return Number.isNaN(time) ? 'wrong' : `${time}`
}

function HistoryList({
  path,
  isBelow,
  allowsWrites,
}: {
  readonly path: string
  readonly isBelow: boolean
  readonly allowsWrites: boolean
}): JSX.Element {
  const { value, problem } = useLoad<History>(address('/api/past/history', { path, below: isBelow ? '1' : undefined }))
  const [undone, setUndone] = useState<string>()
  return (
    <>
      <ProblemNote problem={problem} isOld={value !== undefined} />
      {value === undefined && problem === undefined ? <p class="quiet">Reading the logs…</p> : null}
      {value?.changes.length === 0 ? <p class="quiet">The logs have no write of {path}.</p> : null}
      {value !== undefined && value.leftOut > 0 ? (
        <p class="note">{value.leftOut} earlier changes are not shown; the newest are.</p>
      ) : null}
      <ol class="history">
        {[...(value?.changes ?? [])].reverse().map((each) => (
          <li key={`${each.zxid} ${each.path} ${each.kind}`} class="panel">
            <Entry change={each} path={path} />
            {allowsWrites && each.kind !== 'gap' ? (
              <button type="button" onClick={() => setUndone(each.zxid)}>
                Undo…
              </button>
            ) : null}
          </li>
        ))}
      </ol>
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

function PastTreeList({ path, at }: { readonly path: string; readonly at: string }): JSX.Element {
  const { value, problem } = useLoad<PastTree>(address('/api/past/tree', { path, at }))
  return (
    <>
      <p class="note">
        You look at the past: {path} as it was after {value?.zxid ?? at}.{' '}
        <Link view="past" query={{ path }}>
          Back to its history
        </Link>
      </p>
      <ProblemNote problem={problem} isOld={value !== undefined} />
      {value === undefined && problem === undefined ? <p class="quiet">Reading the logs…</p> : null}
      {value?.nodes.length === 0 ? <p class="quiet">{path} did not exist then.</p> : null}
      {value === undefined || value.nodes.length === 0 ? null : (
        <Scroll label="Znodes of then">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Znode</th>
                <th scope="col">Kind</th>
                <th scope="col">Version</th>
                <th scope="col">Data</th>
              </tr>
            </thead>
            <tbody>
              {value.nodes.map((each) => (
                <tr key={each.path}>
                  <td>
                    <Link view="past" query={{ path: each.path, at: value.zxid }} class="path">
                      {each.path}
                    </Link>
                  </td>
                  <td>{each.kind}</td>
                  <td>{each.value?.version ?? ''}</td>
                  <td class="value">
                    {each.value === undefined ? 'not known' : briefOf(each.value.data, each.value.bytes)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {value !== undefined && value.leftOut > 0 ? (
        <p class="quiet">…and {value.leftOut} more; choose a path further down.</p>
      ) : null}
    </>
  )
}
