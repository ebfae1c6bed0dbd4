/** What a live server says of itself besides its znodes: by four-letter words, or by its admin pages. */
import type { TlsOptions } from '@lightkeeper/client'
import { parseConnectString } from '@lightkeeper/client/arguments'
import { type Runtime, silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import {
  AdminPages,
  askWord,
  type LiveSession,
  readWchc,
  sessionsByPages,
  sessionsByWords,
  sessionsOf,
  watchesByPages,
} from '@lightkeeper/tools'
import type { Connection } from './connect.ts'
import { httpGet } from './http-get.ts'

export interface FoundSessions {
  readonly sessions: readonly LiveSession[]
  /** What servers did not say, and why. */
  readonly refusals: readonly string[]
}

/** An operator who waits for a server that does not answer wants to know it. */
const answerMsMax = 10_000

type Where = Pick<Connection, 'target' | 'options' | 'admin'>

/**
 * The sessions of an ensemble: from the admin pages where `admin` names them, otherwise from `cons`, `dump` and `wchc` of every server
 * of the connect string.
 * @throws Error where no server says anything.
 */
export async function liveSessions(where: Where): Promise<FoundSessions> {
  const { admin, options } = where
  if (admin !== undefined) {
    const { reports, refusals } = await sessionsByPages(await adminPages(where, admin))
    if (reports.length === 0) throw new Error(refusals.join('; '))
    return { sessions: sessionsOf(reports), refusals }
  }
  const runtime = nodeRuntime({ log: silentLog })
  const tls = await tlsOf(where)
  const timeoutMs = Math.min(options.connectTimeout ?? answerMsMax, answerMsMax)
  const hosts = await hostsOf(where, runtime)
  const answers = await Promise.allSettled(
    hosts.map((host) => sessionsByWords((word) => askWord(runtime, host, word, { timeoutMs, tls }))),
  )
  const reports = answers.flatMap((each) => (each.status === 'fulfilled' ? each.value.reports : []))
  const refusals = answers.flatMap((each) =>
    each.status === 'fulfilled' ? each.value.refusals : [(each.reason as Error).message],
  )
  if (reports.length === 0) throw new Error(`${refusals.join('; ')}; --admin HOST:PORT asks the admin pages instead`)
  return { sessions: sessionsOf(reports), refusals }
}

export interface FoundWatches {
  /** The paths that each session watches, as the servers have them: without regard to a chroot. */
  readonly watches: readonly (readonly [session: bigint, paths: readonly string[]])[]
  /** What servers did not say, and why. */
  readonly refusals: readonly string[]
}

/**
 * The watches of the clients of every server, by `wchc`, or by the admin pages where `admin` names those of the only server. Never
 * rejects: a server need not say anything.
 */
export async function liveWatches(where: Where): Promise<FoundWatches> {
  const { admin, options } = where
  const runtime = nodeRuntime({ log: silentLog })
  const timeoutMs = Math.min(options.connectTimeout ?? answerMsMax, answerMsMax)
  const watches: (readonly [bigint, readonly string[]])[] = []
  const refusals: string[] = []
  try {
    const tls = await tlsOf(where)
    const hosts = await hostsOf(where, runtime)
    if (admin !== undefined && hosts.length === 1) {
      return { watches: [...(await watchesByPages(await adminPages(where, admin)))], refusals }
    }
    // Each server knows the watches of its own clients.
    const answers = hosts.map((host) => askWord(runtime, host, 'wchc', { timeoutMs, tls }))
    for (const answer of await Promise.allSettled(answers)) {
      if (answer.status === 'rejected') refusals.push((answer.reason as Error).message)
      else watches.push(...(readWchc(answer.value).watches ?? []))
    }
  } catch (error) {
    refusals.push((error as Error).message)
  }
  return { watches, refusals }
}

/** The address of each connected session, as far as servers say it. Never rejects: a server need not say anything. */
export async function liveAddresses(where: Where): Promise<ReadonlyMap<bigint, string>> {
  const { sessions } = await liveSessions(where).catch(() => ({ sessions: [] as readonly LiveSession[] }))
  return new Map(sessions.flatMap(({ id, address }) => (address === undefined ? [] : [[id, address] as const])))
}

/** The admin pages at `admin`. Its path is that of the pages, where it has one. */
export async function adminPages(where: Pick<Where, 'options'>, admin: URL): Promise<AdminPages> {
  const { requestTimeout: timeoutMs = 30_000, auth: [identity] = [] } = where.options
  const get = httpGet(admin, { timeoutMs, tls: await tlsOf(where) })
  const isText = typeof identity?.credentials === 'string'
  return new AdminPages(get, {
    name: admin.host,
    commandUrl: admin.pathname === '/' ? undefined : admin.pathname.replace(/\/$/, ''),
    authorization: isText ? `${identity.scheme} ${String(identity.credentials)}` : undefined,
  })
}

/** The servers of a connect string, `host:port` each; those of a name service are asked for. */
export async function hostsOf(
  { target }: Pick<Where, 'target'>,
  { network }: Pick<Runtime, 'network'>,
): Promise<readonly string[]> {
  const { servers, service } = parseConnectString(target)
  return service === undefined ? servers : network.service(service)
}

/** The options of TLS for a connection now; undefined without TLS. Files of certificates are read again. */
export async function tlsOf({ options: { tls } }: Pick<Where, 'options'>): Promise<TlsOptions | undefined> {
  if (tls === undefined || tls === false) return undefined
  if (tls === true) return {}
  return typeof tls === 'function' ? tls() : tls
}
