/** Sessions, with what they own and watch, and the end of what one owns. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { EndPreview, SessionItem, Sessions } from '../../src/api.ts'
import { address } from '../lib/api.ts'
import { useLoad } from '../lib/load.ts'
import { go } from '../lib/location.ts'
import { useWrite } from '../lib/use-write.ts'
import { Ago, Dialog, Link, ProblemNote, Scroll, ViewHead, ZnodeLink } from '../parts/bits.tsx'
import { SessionLink } from './recipes.tsx'

interface Props {
  readonly session: string | undefined
  readonly allowsWrites: boolean
  readonly hasPast: boolean
}

export function SessionsView({ session, allowsWrites, hasPast }: Props): JSX.Element {
  const { value, problem } = useLoad<Sessions>('/api/sessions', 3_000)
  const chosen = value?.sessions.find(({ id }) => id === session)
  return (
    <article class="view">
      <ViewHead
        title="Sessions"
        about="Clients as the servers see them: address, ephemerals, watches, requests that wait."
      />
      <ProblemNote problem={problem} isOld={value !== undefined} />
      {value?.problems.map((each) => (
        <p key={each} class="note">
          {each}.
        </p>
      ))}
      {value === undefined && problem === undefined ? <p class="quiet">Asking the servers…</p> : null}
      {session !== undefined && value !== undefined && chosen === undefined ? (
        <p class="note">
          No server names the session {session} now. It has ended, or its server does not list sessions.{' '}
          {hasPast ? (
            <Link view="past" query={{ session }}>
              What it did
            </Link>
          ) : null}
        </p>
      ) : null}
      {chosen === undefined ? null : <SessionPanel session={chosen} allowsWrites={allowsWrites} hasPast={hasPast} />}
      {value === undefined ? null : (
        <Scroll label="Table of sessions">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Session</th>
                <th scope="col">Client</th>
                <th scope="col">Server</th>
                <th scope="col">Timeout</th>
                <th scope="col">Ephemerals</th>
                <th scope="col">Watches</th>
                <th scope="col">Waiting</th>
                <th scope="col">Latency avg/max</th>
              </tr>
            </thead>
            <tbody>
              {value.sessions.map((each) => (
                <tr key={each.id} class={each.id === session ? 'chosen' : ''}>
                  <td class="nowrap">
                    <SessionLink id={each.id} />
                    {each.isOwn ? ' (this console)' : ''}
                  </td>
                  <td>{each.address ?? 'not connected'}</td>
                  <td>{each.server ?? ''}</td>
                  <td>{each.timeout === undefined ? '' : `${each.timeout} ms`}</td>
                  <td>{each.ephemerals.length}</td>
                  <td>{each.watches.length}</td>
                  <td>{each.queued ?? ''}</td>
                  <td>{each.latency === undefined ? '' : `${each.latency} ms`}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </article>
  )
}

/** Paths that a panel lists. */
const pathsMax = 100

function SessionPanel({
  session,
  allowsWrites,
  hasPast,
}: {
  readonly session: SessionItem
  readonly allowsWrites: boolean
  readonly hasPast: boolean
}): JSX.Element {
  const [isAsked, setAsked] = useState(false)
  const { id, ephemerals, watches, isOwn, since, lastOperation } = session
  return (
    <section class="panel" aria-label={`Session ${id}`}>
      <h2>Session {id}</h2>
      {since === undefined ? null : (
        <p class="quiet">
          Its client connected <Ago at={since} />
          {lastOperation === undefined || lastOperation === 'NA' ? '' : `, and its last request was ${lastOperation}`}.
        </p>
      )}
      <Paths title="Ephemerals" none="It owns no ephemerals." paths={ephemerals} />
      <Paths title="Watches of data" none="It watches no data." paths={watches} />
      <p class="line">
        {allowsWrites && !isOwn ? (
          <button type="button" class="danger" onClick={() => setAsked(true)}>
            End this session…
          </button>
        ) : null}
        {hasPast ? (
          <Link view="past" query={{ session: id }} class="button">
            What it did
          </Link>
        ) : null}
        <button type="button" onClick={() => go('sessions')}>
          Close
        </button>
      </p>
      {isAsked ? <EndDialog session={id} onClose={() => setAsked(false)} /> : null}
    </section>
  )
}

function Paths({
  title,
  none,
  paths,
}: {
  readonly title: string
  readonly none: string
  readonly paths: readonly string[]
}): JSX.Element {
  if (paths.length === 0) return <p class="quiet">{none}</p>
  return (
    <>
      <h3>{title}</h3>
      <ul>
        {paths.slice(0, pathsMax).map((each) => (
          <li key={each}>
            <ZnodeLink path={each} />
          </li>
        ))}
      </ul>
      {paths.length > pathsMax ? <p class="quiet">…and {paths.length - pathsMax} more.</p> : null}
    </>
  )
}

function EndDialog({ session, onClose }: { readonly session: string; readonly onClose: () => void }): JSX.Element {
  const { value, problem } = useLoad<EndPreview>(address('/api/sessions/end', { session }))
  const { failed, send } = useWrite(onClose)
  const end = (): Promise<void> => send('POST', '/api/sessions/end', { session })
  const title = value?.isWhole === false ? `End what session ${session} holds?` : `End session ${session}?`
  return (
    <Dialog title={title} onClose={onClose}>
      <ProblemNote problem={problem ?? failed} />
      {value === undefined ? (
        <p>Asking the servers…</p>
      ) : (
        <>
          <Paths title="These znodes go" none="It owns no ephemerals: nothing would change." paths={value.ephemerals} />
          {value.watches.length === 0 ? null : (
            <>
              <h3>These watches fire</h3>
              <ul>
                {value.watches.slice(0, pathsMax).map(({ path, sessions }) => (
                  <li key={path}>
                    <code>{path}</code>: {sessions.join(', ')}
                  </li>
                ))}
              </ul>
            </>
          )}
          {value.notes.map((each) => (
            <p key={each} class="note">
              {each}
            </p>
          ))}
        </>
      )}
      <p class="line">
        <button
          type="button"
          class="danger"
          disabled={value === undefined || (!value.isWhole && value.ephemerals.length === 0)}
          onClick={() => void end()}
        >
          {value?.isWhole === true ? 'End the session' : `Delete ${value?.ephemerals.length ?? 0} ephemerals`}
        </button>
        <button type="button" onClick={onClose} autofocus>
          Cancel
        </button>
      </p>
    </Dialog>
  )
}
