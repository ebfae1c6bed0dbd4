/** What was written to a znode and by which session, the tree as it was, and a transaction taken back. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { History, PastChange, PastTree, Value } from '../../src/api.ts'
import { address } from '../lib/api.ts'
import { briefOf } from '../lib/bytes.ts'
import { useLoad } from '../lib/load.ts'
import { go } from '../lib/location.ts'
import { useWrite } from '../lib/use-write.ts'
import { Dialog, Link, PathField, ProblemNote, ViewHead, ZnodeLink } from '../parts/bits.tsx'

interface Props {
  readonly path: string
  /** A zxid or milliseconds: the tree as it was then. */
  readonly at: string | undefined
  readonly isBelow: boolean
  readonly hasPast: boolean
  readonly allowsWrites: boolean
}

export function PastView({ path, at, isBelow, hasPast, allowsWrites }: Props): JSX.Element {
  return (
    <article class="view">
      <ViewHead title="History" about="Every write that the logs of the server still hold, and the tree as it was.">
        {hasPast ? (
          <div class="line">
            <PathField view="past" path={path} label="Of" />
            <button
              type="button"
              aria-pressed={isBelow}
              onClick={() => go('past', { path, below: isBelow ? undefined : '1' })}
            >
              With everything below
            </button>
            <form
              class="line"
              onSubmit={(event) => {
                event.preventDefault()
                const given = new FormData(event.currentTarget).get('at')
                if (typeof given !== 'string') return
                const text = given.trim()
                const moment = /^0x/i.test(text) || text === '' ? text : `${new Date(text).getTime()}`
                if (moment !== 'NaN') go('past', { path, at: moment === '' ? undefined : moment })
              }}
            >
              <label>
                As it was at{' '}
                <input name="at" key={at} defaultValue={at ?? ''} placeholder="0x1a or 2026-11-28 19:00" size={22} />
              </label>
              <button type="submit">Go there</button>
            </form>
          </div>
        ) : null}
      </ViewHead>
      {!hasPast ? (
        <p class="note">The past is in the data directory of a server. Start the console with --data-dir to see it.</p>
      ) : at === undefined ? (
        <HistoryList path={path} isBelow={isBelow} allowsWrites={allowsWrites} />
      ) : (
        <PastTreeList path={path} at={at} />
      )}
    </article>
  )
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
  const date = new Date(change.time)
  return (
    <>
      <p>
        <strong class={change.kind}>{change.kind}</strong>{' '}
        {change.path === path ? null : <ZnodeLink path={change.path} />}{' '}
        <time dateTime={date.toISOString()}>{date.toISOString()}</time>{' '}
        <span class="quiet">
          transaction{' '}
          <Link view="past" query={{ path, at: change.zxid }} class="path">
            {change.zxid}
          </Link>
          , session {change.session}
          {change.after === undefined ? '' : `, version ${change.after.version}`}
        </span>
      </p>
      {change.diff === undefined ? (
        <ValueLine value={change.after ?? change.before} />
      ) : (
        <pre class="diff">
          {change.diff.map(({ sign, text }, i) => (
            <span key={i} class={sign === '+' ? 'created' : 'deleted'}>
              {sign} {text}
              {'\n'}
            </span>
          ))}
        </pre>
      )}
    </>
  )
}

function ValueLine({ value }: { readonly value: Value | undefined }): JSX.Element | null {
  return value === undefined || value.bytes === 0 ? null : <pre>{briefOf(value.data, value.bytes)}</pre>
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
        <div class="scroll">
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
        </div>
      )}
      {value !== undefined && value.leftOut > 0 ? (
        <p class="quiet">…and {value.leftOut} more; choose a path further down.</p>
      ) : null}
    </>
  )
}

interface UndoPreview {
  readonly changes: readonly PastChange[]
  readonly steps: readonly { readonly kind: string; readonly path: string; readonly value?: Value }[]
  readonly obstacles: readonly string[]
}

function UndoDialog({ zxid, onClose }: { readonly zxid: string; readonly onClose: () => void }): JSX.Element {
  const { value, problem } = useLoad<UndoPreview>(address('/api/past/undo', { zxid }))
  const { failed, send } = useWrite(onClose)
  const undo = (): Promise<void> => send('POST', '/api/past/undo', { zxid })
  return (
    <Dialog title={`Undo transaction ${zxid}?`} onClose={onClose}>
      <ProblemNote problem={problem ?? failed} />
      {value === undefined ? null : value.obstacles.length > 0 ? (
        <div class="note bad">
          It cannot be undone:
          <ul>
            {value.obstacles.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </div>
      ) : (
        <>
          <p>
            This is written, all of it or nothing. The server refuses it where somebody has written one of these znodes
            since.
          </p>
          <ol>
            {value.steps.map((each, i) => (
              <li key={i}>
                {each.kind} <code>{each.path}</code>{' '}
                {each.value === undefined ? '' : briefOf(each.value.data, each.value.bytes)}
              </li>
            ))}
          </ol>
        </>
      )}
      <p class="line">
        <button
          type="button"
          class="danger"
          disabled={value === undefined || value.obstacles.length > 0}
          onClick={() => void undo()}
        >
          Undo it
        </button>
        <button type="button" onClick={onClose} autofocus>
          Cancel
        </button>
      </p>
    </Dialog>
  )
}
