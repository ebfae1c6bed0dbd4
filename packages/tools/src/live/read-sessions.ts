/** Asks a live server for its sessions: by four-letter words, or by its admin pages. */
import { AdminPageError, type AdminPages, type PageObject, type PageValue } from './admin-pages.ts'
import { WordRefused } from './four-letter.ts'
import type { SessionReport } from './session.ts'
import { addressOf, readCons, readDump, readWchc } from './session-words.ts'

export interface SessionAnswers {
  /** What the server said, one report for each answer. */
  readonly reports: readonly SessionReport[]
  /** What the server refused to say, with its reason: one sentence each. */
  readonly refusals: readonly string[]
}

const words = { cons: readCons, dump: readDump, wchc: readWchc } as const

/**
 * By `cons`, `dump` and `wchc`; `ask` sends a word to one server. A word that its whitelist leaves out is a refusal; every other error
 * is thrown.
 */
export function sessionsByWords(ask: (word: string) => Promise<string>): Promise<SessionAnswers> {
  return collected(Object.entries(words).map(([word, read]) => ask(word).then(read)))
}

/** By the pages `connections`, `dump` and `watches`. A page that the server does not give is a refusal. */
export function sessionsByPages(pages: AdminPages): Promise<SessionAnswers> {
  return collected([
    pages.page('connections').then(readConnections),
    pages.page('dump').then(readDumpPage),
    watchesByPages(pages).then((watches) => ({ watches })),
  ])
}

/** The paths whose data each session watches. @throws AdminPageError where the server does not give the page. */
export async function watchesByPages(pages: AdminPages): Promise<ReadonlyMap<bigint, readonly string[]>> {
  const { session_id_to_watched_paths: paths } = await pages.page('watches')
  return pathsById(paths) ?? new Map()
}

async function collected(asked: readonly Promise<SessionReport>[]): Promise<SessionAnswers> {
  const reports: SessionReport[] = []
  const refusals: string[] = []
  for (const each of await Promise.allSettled(asked)) {
    if (each.status === 'fulfilled') reports.push(each.value)
    else if (each.reason instanceof WordRefused || each.reason instanceof AdminPageError) {
      refusals.push(each.reason.message)
    } else throw each.reason
  }
  return { reports, refusals }
}

function readConnections({ connections, secure_connections: secure }: PageObject): SessionReport {
  const found = [...objects(connections), ...objects(secure)].flatMap((each) => {
    const session = idOf(each['session_id'])
    if (session === undefined) return []
    const number = (name: string): number | undefined => {
      const value = each[name]
      return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined
    }
    const operation = each['last_operation']
    const connection = {
      established: number('established'),
      lastOperation: typeof operation === 'string' ? operation : undefined,
      queued: number('outstanding_requests') ?? 0,
      received: number('packets_received') ?? 0,
      sent: number('packets_sent') ?? 0,
      averageLatency: number('avg_latency'),
      maxLatency: number('max_latency'),
    }
    const address = addressOf(String(each['remote_socket_address']).replace(/^.*\//, ''))
    return [{ session, address, timeoutMs: number('session_timeout'), connection }]
  })
  return { connections: found }
}

function readDumpPage({ expiry_time_to_session_ids: expiries, session_id_to_ephemeral_paths: paths }: PageObject) {
  const ids = isObject(expiries)
    ? Object.values(expiries).flatMap((each) => (Array.isArray(each) ? each.flatMap((id) => idOf(id) ?? []) : []))
    : undefined
  return { ids, ephemerals: pathsById(paths) }
}

/** Undefined where the page has none. */
function pathsById(value: PageValue | undefined): ReadonlyMap<bigint, readonly string[]> | undefined {
  if (!isObject(value)) return undefined
  return new Map(
    Object.entries(value).flatMap(([key, paths]) => {
      const id = idOf(key)
      return id === undefined || !Array.isArray(paths) ? [] : [[id, paths.map(String)] as const]
    }),
  )
}

/** A number, or decimal digits as the key of an object. */
function idOf(value: PageValue | undefined): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt.asIntN(64, BigInt(value)) : undefined
}

function isObject(value: PageValue | undefined): value is PageObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objects(value: PageValue | undefined): readonly PageObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}
