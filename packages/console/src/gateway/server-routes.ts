/** Servers and sessions, by what servers answer to four-letter words. */
import { KeeperError, type ZnodePath } from '@lightkeeper/client'
import { formatHex, isWithin, parentPath } from '@lightkeeper/protocol'
import { type LiveSession, sessionsByWords, sessionsOf } from '@lightkeeper/tools'
import type {
  EndPreview,
  Ephemerals,
  Figures,
  MemberItem,
  ServerFigures,
  ServerItem,
  Servers,
  SessionItem,
  Sessions,
  Silence,
} from '../api.ts'
import { audited, type WriteFacts } from '../audit.ts'
import { idFrom, numberFrom, pathFrom, WrongRequest } from '../forms.ts'
import { ensembleSentences, membersIn } from '../servers/ensemble.ts'
import { Unanswered } from '../servers/unanswered.ts'
import { figuresIn, serverLinesIn } from '../servers/words.ts'
import type { House } from './house.ts'
import { bodyOf, type Routes } from './routes.ts'
import { ServerPaths } from './server-paths.ts'
import { deleteOwned } from './write-routes.ts'

/** How long a read of the members may take, milliseconds: the page of servers must not wait for a server that is away. */
const membersPatienceMs = 2_000

export function serverRoutes(app: Routes, house: House): void {
  const members = memberReader(house)
  app.get('/api/servers', async (c) => c.json(await servers(house, members)))
  app.get('/api/figures', async (c) =>
    c.json(await figures(house, numberFrom('points', c.req.query('points'), 600, 10_000))),
  )
  app.get('/api/sessions', async (c) => c.json(await sessions(house)))
  app.get('/api/ephemerals', async (c) => c.json(await ephemerals(house, pathFrom(c.req.query('path') ?? '/'))))
  app.get('/api/sessions/end', async (c) => c.json(await endPreview(house, idFrom('session', c.req.query('session')))))
}

/** `POST /api/sessions/end`: ends a session, or deletes its ephemerals where the console cannot end it. */
export function sessionWrites(app: Routes, house: House): void {
  app.post('/api/sessions/end', async (c) => {
    const body = await bodyOf(c)
    const session = idFrom('session', body['session'])
    if (session === house.zk.sessionId) throw new WrongRequest('this is the session of the console itself')
    const { ephemerals } = await endPreview(house, session)
    const facts = { session, ephemerals: ephemerals.length }
    const what: WriteFacts = { operation: 'end session', path: '/', facts }
    const deleted = await audited(house.log, c.get('asker'), what, async () => {
      if (house.endSession === undefined) return deleteOwned(house, session, ephemerals as readonly ZnodePath[])
      if (!house.endSession(session)) throw new WrongRequest(`there is no session ${formatHex(session)} any more`)
      return ephemerals
    })
    return c.json({ deleted })
  })
}

async function servers(house: House, readMembers: () => Promise<readonly MemberItem[]>): Promise<Servers> {
  const unanswered = new Unanswered()
  const silences = new Map<string, Silence>()
  const answer = async (server: string, word: string): Promise<string | undefined> => {
    try {
      return await house.ask(server, word)
    } catch (error) {
      silences.set(server, unanswered.add(server, word, error as Error))
      return undefined
    }
  }
  // Beside the words: a server that hangs may take all of their time.
  const reading = readMembers()
  const items = await Promise.all(
    (await house.addresses()).map(async (server): Promise<ServerItem> => {
      const [srvr, mntr] = await Promise.all([answer(server, 'srvr'), answer(server, 'mntr')])
      const { mode, ...lines } = srvr === undefined ? {} : serverLinesIn(srvr)
      const figures = mntr === undefined ? {} : figuresIn(mntr)
      const role = mode ?? figures['server_state']
      if (role !== undefined) return { server, ...lines, role, figures }
      return { server, ...lines, silence: silences.get(server) ?? 'refused', figures }
    }),
  )
  const newest = items.reduce((most, { zxid }) => (zxid !== undefined && BigInt(zxid) > most ? BigInt(zxid) : most), 0n)
  const withLag = items.map((item) => {
    const own = item.zxid === undefined ? undefined : BigInt(item.zxid)
    // Zxids of different epochs have no distance.
    return own === undefined || own >> 32n !== newest >> 32n ? item : { ...item, lag: Number(newest - own) }
  })
  const members = await reading
  const notes = ensembleSentences({ servers: withLag, members })
  return { servers: withLag, members, notes, problems: unanswered.sentences() }
}

/**
 * Reads the members from the configuration. Returns those of the last answer where it cannot be read now: without a leader nobody can
 * read it. Empty behind a chroot, before 3.5, and without permission.
 */
function memberReader({ zk, chroot }: House): () => Promise<readonly MemberItem[]> {
  let last: readonly MemberItem[] = []
  return async () => {
    if (chroot !== '' || zk.state.kind !== 'connected') return last
    try {
      const found = await zk.find('/zookeeper/config', { timeout: membersPatienceMs })
      last = found === undefined ? [] : membersIn(new TextDecoder().decode(found.data))
    } catch (error) {
      if (KeeperError.is(error, 'NO_AUTH')) last = []
    }
    return last
  }
}

/** The figures that servers keep; those that the console measured for the others. */
async function figures({ sampler, kept }: House, points: number): Promise<Figures> {
  const own = await Promise.all(
    kept.map(async (each): Promise<ServerFigures[]> => {
      try {
        const [server, day] = await Promise.all([each.server(), each.read(points)])
        return server === undefined ? [] : [{ server, isKept: true, ...day }]
      } catch {
        // It does not answer now, or has no such page: what was measured is shown.
        return []
      }
    }),
  )
  const known = new Map(own.flat().map((each) => [each.server, each]))
  const measured = sampler.figures(points).filter(({ server }) => !known.has(server))
  return { servers: [...known.values(), ...measured].sort((a, b) => (a.server < b.server ? -1 : 1)) }
}

async function sessions(house: House): Promise<Sessions> {
  const unanswered = new Unanswered()
  const serverOf = new Map<bigint, string>()
  const asked = (await house.addresses()).map(async (server) => {
    const ask = async (word: string): Promise<string> => {
      try {
        return await house.ask(server, word)
      } catch (error) {
        unanswered.add(server, word, error as Error)
        throw error
      }
    }
    try {
      const { reports } = await sessionsByWords(ask)
      for (const { connections = [] } of reports) for (const { session } of connections) serverOf.set(session, server)
      return reports
    } catch {
      return []
    }
  })
  const found = sessionsOf((await Promise.all(asked)).flat())
  const own = house.zk.sessionId
  const { chroot } = house
  const elsewhere = `the console sees only what is below ${chroot}: what sessions own and watch elsewhere is not shown`
  return {
    sessions: found.map((each) => itemOf(each, serverOf.get(each.id), own, new ServerPaths(chroot))),
    problems: [...unanswered.sentences(), ...(chroot === '' ? [] : [elsewhere])],
  }
}

/** Ephemerals that one answer has. */
const ephemeralsMax = 200

async function ephemerals(house: House, path: ZnodePath): Promise<Ephemerals> {
  const { sessions: all, problems } = await sessions(house)
  const found = all.flatMap(({ id, address, ephemerals: paths }) =>
    paths
      .filter((each) => isWithin(each, path))
      .map((each) => ({ path: each, session: id, ...(address !== undefined && { address }) })),
  )
  return {
    ephemerals: found.sort((a, b) => (a.path < b.path ? -1 : 1)).slice(0, ephemeralsMax),
    leftOut: Math.max(0, found.length - ephemeralsMax),
    problems,
  }
}

function itemOf(
  { id, address, timeoutMs, ephemerals, watches, connection }: LiveSession,
  server: string | undefined,
  own: bigint,
  paths: ServerPaths,
): SessionItem {
  const inside = (all: readonly string[] = []): string[] => all.flatMap((each) => paths.find(each) ?? [])
  const latency =
    connection?.averageLatency === undefined ? undefined : `${connection.averageLatency}/${connection.maxLatency ?? ''}`
  return {
    id: formatHex(id),
    ephemerals: inside(ephemerals),
    watches: inside(watches),
    isOwn: id === own,
    ...(server !== undefined && { server }),
    ...(address !== undefined && { address }),
    ...(timeoutMs !== undefined && { timeout: timeoutMs }),
    ...(connection !== undefined && { queued: connection.queued }),
    ...(connection?.established !== undefined && { since: connection.established }),
    ...(connection?.lastOperation !== undefined && { lastOperation: connection.lastOperation }),
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
  const isWhole = house.endSession !== undefined
  const notes = [
    isWhole
      ? 'The server ends the session as if its timeout had passed. Its client learns that the session has expired. Some clients then begin a new session.'
      : 'ZooKeeper has no request that ends the session of another client. This deletes the ephemerals of the session: its locks and registrations are free then. The client itself is not disconnected, and may create them again.',
    ...(parents.size > 0
      ? [`Servers list only watches of data. Watches of the children of ${[...parents].join(', ')} fire too.`]
      : []),
    ...(target === undefined ? ['No server names this session: it may have ended already.'] : []),
    ...problems,
  ]
  return {
    session: id,
    isWhole,
    ephemerals,
    watches: [...watches].map(([path, by]) => ({ path, sessions: by })),
    notes,
  }
}
