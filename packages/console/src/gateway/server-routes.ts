/** Servers and sessions, by what servers answer to four-letter words. */
import type { ZnodePath } from '@lightkeeper/client'
import { formatHex, parentPath } from '@lightkeeper/protocol'
import { type LiveSession, sessionsByWords, sessionsOf, WordRefused } from '@lightkeeper/tools'
import type { EndPreview, ServerItem, SessionItem, Sessions } from '../api.ts'
import { audited } from '../audit.ts'
import { idFrom, numberFrom, WrongRequest } from '../forms.ts'
import { figuresIn, serverLinesIn } from '../servers/words.ts'
import type { House } from './house.ts'
import { bodyOf, type Routes } from './routes.ts'
import { deleteOwned } from './write-routes.ts'

export function serverRoutes(app: Routes, house: House): void {
  app.get('/api/servers', async (c) => c.json(await servers(house)))
  app.get('/api/figures', (c) =>
    c.json(house.figures.figures(numberFrom('points', c.req.query('points'), 600, 10_000))),
  )
  app.get('/api/sessions', async (c) => c.json(await sessions(house)))
  app.get('/api/sessions/end', async (c) => c.json(await endPreview(house, idFrom('session', c.req.query('session')))))
}

/** `POST /api/sessions/end`: deletes the ephemerals of a session. */
export function sessionWrites(app: Routes, house: House): void {
  app.post('/api/sessions/end', async (c) => {
    const body = await bodyOf(c)
    const session = idFrom('session', body['session'])
    if (session === house.zk.sessionId) throw new WrongRequest('this is the session of the console itself')
    const { ephemerals } = await endPreview(house, session)
    const facts = { session, ephemerals: ephemerals.length }
    const deleted = await audited(house.log, c.get('asker'), { operation: 'end session', path: '/', facts }, () =>
      deleteOwned(house, session, ephemerals as readonly ZnodePath[]),
    )
    return c.json({ deleted })
  })
}

/** The answer of a server to a word, or why there is none. */
type Answer = { readonly text: string } | { readonly problem: string }

async function answer(house: House, address: string, word: string): Promise<Answer> {
  try {
    return { text: await house.ask(address, word) }
  } catch (error) {
    return { problem: problemText(error as Error) }
  }
}

function problemText(error: Error): string {
  const setting = '; its setting 4lw.commands.whitelist says which words it answers'
  return `${error.message.replace(/\.$/, '')}${error instanceof WordRefused ? setting : ''}`
}

async function servers(house: House): Promise<ServerItem[]> {
  const items = await Promise.all(
    (await house.addresses()).map(async (server): Promise<ServerItem> => {
      const [srvr, mntr] = await Promise.all([answer(house, server, 'srvr'), answer(house, server, 'mntr')])
      const problems = [srvr, mntr].flatMap((each) => ('problem' in each ? [each.problem] : []))
      const { mode, ...lines } = 'text' in srvr ? serverLinesIn(srvr.text) : {}
      const figures = 'text' in mntr ? figuresIn(mntr.text) : {}
      const role = mode ?? figures['server_state']
      return { server, ...lines, ...(role !== undefined && { role }), figures, problems: [...new Set(problems)] }
    }),
  )
  const newest = items.reduce((most, { zxid }) => (zxid !== undefined && BigInt(zxid) > most ? BigInt(zxid) : most), 0n)
  return items.map((item) => {
    const own = item.zxid === undefined ? undefined : BigInt(item.zxid)
    // Zxids of different epochs have no distance.
    return own === undefined || own >> 32n !== newest >> 32n ? item : { ...item, lag: Number(newest - own) }
  })
}

async function sessions(house: House): Promise<Sessions> {
  const problems = new Set<string>()
  const serverOf = new Map<bigint, string>()
  const asked = (await house.addresses()).map(async (server) => {
    try {
      const { reports, refusals } = await sessionsByWords((word) => house.ask(server, word))
      for (const refusal of refusals) problems.add(problemText(new WordRefused(refusal)))
      for (const { connections = [] } of reports) for (const { session } of connections) serverOf.set(session, server)
      return reports
    } catch (error) {
      problems.add(problemText(error as Error))
      return []
    }
  })
  const found = sessionsOf((await Promise.all(asked)).flat())
  const own = house.zk.sessionId
  return { sessions: found.map((each) => itemOf(each, serverOf.get(each.id), own)), problems: [...problems] }
}

function itemOf(
  { id, address, timeoutMs, ephemerals, watches, connection }: LiveSession,
  server: string | undefined,
  own: bigint,
): SessionItem {
  const latency =
    connection?.averageLatency === undefined ? undefined : `${connection.averageLatency}/${connection.maxLatency ?? ''}`
  return {
    id: formatHex(id),
    ephemerals: ephemerals ?? [],
    watches: watches ?? [],
    isOwn: id === own,
    ...(server !== undefined && { server }),
    ...(address !== undefined && { address }),
    ...(timeoutMs !== undefined && { timeout: timeoutMs }),
    ...(connection !== undefined && { queued: connection.queued }),
    ...(latency !== undefined && { latency }),
  }
}

async function endPreview(house: House, session: bigint): Promise<EndPreview> {
  const id = formatHex(session)
  const { sessions: all, problems } = await sessions(house)
  const target = all.find((each) => each.id === id)
  const ephemerals = target?.ephemerals ?? []
  const gone = new Set(ephemerals)
  const watches = new Map<string, string[]>()
  for (const { id: other, watches: watched } of all) {
    if (other === id) continue
    for (const path of watched) {
      if (!gone.has(path)) continue
      watches.set(path, [...(watches.get(path) ?? []), other])
    }
  }
  const parents = new Set(ephemerals.map(parentPath))
  const notes = [
    'ZooKeeper has no request that ends the session of another client. This deletes the ephemerals of the session: its locks and registrations are free then. The client itself is not disconnected, and may create them again.',
    ...(parents.size > 0
      ? [`Servers list only watches of data. Watches of the children of ${[...parents].join(', ')} fire too.`]
      : []),
    ...(target === undefined ? ['No server names this session: it may have ended already.'] : []),
    ...problems,
  ]
  return { session: id, ephemerals, watches: [...watches].map(([path, by]) => ({ path, sessions: by })), notes }
}
