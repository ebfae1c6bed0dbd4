/** The page: where one is, whether the servers are there, and the view that the address names. */
import type { JSX } from 'preact'
import { useCallback, useEffect, useState } from 'preact/hooks'
import type { About, ConnectionState, StreamEvent } from '../src/api.ts'
import { follow, giveToken, hasToken } from './lib/api.ts'
import { useLoad } from './lib/load.ts'
import { type Place, usePlace } from './lib/location.ts'
import { useNews } from './lib/news.ts'
import { Dialog, Link, ProblemNote } from './parts/bits.tsx'
import { ChangesView } from './views/changes.tsx'
import { PastView } from './views/past.tsx'
import { RecipesView } from './views/recipes.tsx'
import { ServersView } from './views/servers.tsx'
import { ServicesView } from './views/services.tsx'
import { SessionsView } from './views/sessions.tsx'
import { TreeView } from './views/tree.tsx'

const views = [
  ['tree', 'Tree'],
  ['changes', 'Live changes'],
  ['recipes', 'Recipes'],
  ['services', 'Services'],
  ['sessions', 'Sessions'],
  ['servers', 'Servers'],
  ['past', 'History'],
] as const

/** Views of a path keep it when one goes from one to another. */
const ofPath: ReadonlySet<string> = new Set(['tree', 'changes', 'recipes', 'services', 'past'])

export function App(): JSX.Element {
  const place = usePlace()
  const { value: about, problem } = useLoad<About>('/api/about')
  const [state, setState] = useState<ConnectionState>()
  const [isGone, setGone] = useState(false)
  const [needsToken, setNeedsToken] = useState(false)
  const onEvent = useCallback((event: StreamEvent | { readonly kind: 'gone' }): void => {
    if (event.kind === 'state') setState(event.state)
    setGone(event.kind === 'gone')
  }, [])
  useNews((news) => {
    if (news === 'token') setNeedsToken(true)
  })
  // The tree follows the state in the stream that it has anyway.
  useEffect(() => {
    if (place.view === 'tree') return
    const over = new AbortController()
    void follow('/api/follow', onEvent, over.signal)
    return () => over.abort()
  }, [place.view === 'tree', onEvent])
  const label = views.find(([view]) => view === place.view)?.[1] ?? 'Lightkeeper'
  const path = place.query['path'] ?? '/'
  useEffect(() => {
    document.title = `${label}${ofPath.has(place.view) && path !== '/' ? ` ${path}` : ''} · Lightkeeper`
  }, [label, place.view, path])
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <p class="brand">
          <img src="/lamp.svg" alt="" width="22" height="22" /> Lightkeeper
        </p>
        <nav aria-label="Views">
          {views.map(([view, name]) => (
            <Link
              key={view}
              view={view}
              query={ofPath.has(view) && ofPath.has(place.view) && path !== '/' ? { path } : {}}
              current={view === place.view}
            >
              {name}
            </Link>
          ))}
        </nav>
        <Status about={about} state={state ?? about?.state} isGone={isGone} />
      </header>
      <main id="main" tabIndex={-1}>
        {about === undefined ? <ProblemNote problem={problem} /> : null}
        <View place={place} path={path} about={about} onEvent={onEvent} />
      </main>
      {needsToken ? <TokenForm onToken={() => setNeedsToken(false)} /> : null}
    </>
  )
}

interface ViewProps {
  readonly place: Place
  readonly path: string
  readonly about: About | undefined
  onEvent(event: StreamEvent | { readonly kind: 'gone' }): void
}

function View({ place, path, about, onEvent }: ViewProps): JSX.Element {
  const allowsWrites = about?.allowsWrites ?? false
  const hasPast = about?.hasPast ?? false
  switch (place.view) {
    case 'tree':
      return (
        <TreeView
          path={path}
          search={place.query['search']}
          inData={place.query['in'] === 'data'}
          allowsWrites={allowsWrites}
          hasPast={hasPast}
          onState={onEvent}
        />
      )
    case 'changes':
      return <ChangesView path={path} filter={place.query['filter'] ?? ''} />
    case 'recipes':
      return <RecipesView path={path} />
    case 'services':
      return <ServicesView path={path} />
    case 'sessions':
      return <SessionsView session={place.query['session']} allowsWrites={allowsWrites} hasPast={hasPast} />
    case 'servers':
      return <ServersView />
    case 'past':
      return (
        <PastView
          path={path}
          at={place.query['at']}
          from={place.query['from']}
          to={place.query['to']}
          session={place.query['session']}
          isBelow={place.query['below'] === '1'}
          hasPast={hasPast}
          allowsWrites={allowsWrites}
        />
      )
    default:
      return (
        <article class="view">
          <h1>There is no such page</h1>
          <p>
            <Link view="tree">To the tree</Link>
          </p>
        </article>
      )
  }
}

function Status({
  about,
  state,
  isGone,
}: {
  readonly about: About | undefined
  readonly state: ConnectionState | undefined
  readonly isGone: boolean
}): JSX.Element {
  const isConnected = !isGone && state?.kind === 'connected'
  const text = isGone
    ? 'The console does not answer; trying again. What you see is from before.'
    : state === undefined
      ? 'Connecting…'
      : isConnected
        ? `Connected to ${state.server ?? ''}`
        : `No connection to ${about?.servers ?? 'the servers'} (${state.reason ?? state.kind}); trying again. What you see is from before.`
  return (
    <p class={`status${isConnected ? '' : ' bad'}`} role="status">
      <span class="dot" aria-hidden="true" /> {text}
      {about === undefined ? '' : about.allowsWrites ? '' : ' · read-only'}
    </p>
  )
}

/** Over the page, so that what was typed there stays. Only a token closes it. */
function TokenForm({ onToken }: { readonly onToken: () => void }): JSX.Element {
  const [isWrong] = useState(hasToken)
  return (
    <Dialog title="This console needs its token" onClose={onToken} staysOpen>
      {isWrong ? <p class="note bad">The token that was given is not the one of this console.</p> : null}
      <p>It is in the address that the console printed when it was started, behind #token=.</p>
      <form
        class="line"
        onSubmit={(event) => {
          event.preventDefault()
          const token = new FormData(event.currentTarget).get('token')
          if (typeof token !== 'string' || token === '') return
          giveToken(token.trim().replace(/^.*#token=/, ''))
          onToken()
        }}
      >
        <label>
          Token <input name="token" type="password" autocomplete="off" autofocus />
        </label>
        <button type="submit">Open</button>
      </form>
    </Dialog>
  )
}
