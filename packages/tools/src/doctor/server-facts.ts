/**
 * What one server says about itself, from its answers to four-letter words and its admin pages, ours and Apache's. What it does not
 * say is undefined: the words may not be allowed, and the pages may not be there.
 */

import type { ConnectedSession, SessionReport } from '../live/session.ts'
import { readCons, readWchc } from '../live/session-words.ts'

export type Mode = 'standalone' | 'leader' | 'follower' | 'observer' | 'read-only'

export interface ServerFacts {
  /** `host:port`. */
  readonly address: string
  /** Why it cannot be reached; undefined where it answers. */
  readonly failure: string | undefined
  /** It answers, and says that it serves no clients. */
  readonly isNotServing: boolean
  /** `3.9.5`. */
  readonly version: string | undefined
  /** What the server is in its ensemble; undefined where it does not say it. */
  readonly mode: Mode | undefined
  /** The last transaction that the server has; undefined where it does not say it. */
  readonly lastZxid: bigint | undefined
  /** What it says where its log has failed. */
  readonly logFailure: string | undefined
  /** The numbers of `mntr`, without `zk_`. */
  readonly figures: ReadonlyMap<string, number>
  /** The lines of `conf`. */
  readonly settings: ReadonlyMap<string, string>
  /** Its connections and their sessions; undefined where it does not say it. */
  readonly connections: readonly ConnectedSession[] | undefined
  /** Watched paths by session. */
  readonly watches: ReadonlyMap<bigint, readonly string[]> | undefined
  /** Digests of its tree by zxid. */
  readonly digests: ReadonlyMap<bigint, string>
  /** Words that neither the port nor a page answered. */
  readonly missing: readonly string[]
  /** Its clock minus ours, milliseconds; undefined where it could not be compared. */
  readonly clockAheadMs: number | undefined
}

/** The words whose answers are read. */
export const askedWords = ['ruok', 'isro', 'srvr', 'mntr', 'conf', 'cons', 'wchc', 'hash'] as const
export type AskedWord = (typeof askedWords)[number]

/** The answers of a server as they came. */
export interface Answers {
  readonly address: string
  /** Why it cannot be reached. */
  readonly failure?: string | undefined
  readonly isNotServing?: boolean
  /** Answers to the words that are allowed. */
  readonly words: ReadonlyMap<AskedWord, string>
  /** Numbers of the admin page `monitor`. */
  readonly monitor?: ReadonlyMap<string, number> | undefined
  /** Settings of the admin page `configuration`, by the names of `conf`. */
  readonly configuration?: ReadonlyMap<string, string> | undefined
  /** What the admin pages say about sessions. */
  readonly reports?: readonly SessionReport[] | undefined
  /** Our own session, and the time at which its connection was made, milliseconds since 1970 by our clock. */
  readonly own?: { readonly session: bigint; readonly connectedAt: number } | undefined
}

export function factsOf(answers: Answers): ServerFacts {
  const { address, failure, isNotServing = false, words, own, reports = [] } = answers
  const srvr = words.get('srvr') ?? ''
  const figures = new Map([...(answers.monitor ?? []), ...figuresIn(words.get('mntr') ?? '')])
  const settings = new Map([...(answers.configuration ?? []), ...settingsIn(words.get('conf') ?? '')])
  const [cons, wchc] = [words.get('cons'), words.get('wchc')]
  const connections = cons === undefined ? firstOf(reports, 'connections') : readCons(cons).connections
  const watches = wchc === undefined ? firstOf(reports, 'watches') : readWchc(wchc).watches
  const zxid = /^Zxid: 0x([0-9a-f]+)$/m.exec(srvr)?.[1]
  const mine = own && connections?.find(({ session }) => session === own.session)?.connection?.established
  const ruok = words.get('ruok')
  const known: Readonly<Partial<Record<AskedWord, boolean>>> = {
    mntr: figures.size > 0,
    conf: settings.size > 0,
    cons: connections !== undefined,
    wchc: watches !== undefined,
  }
  const isSilent = failure !== undefined || isNotServing
  return {
    address,
    failure,
    isNotServing,
    version: /^Zookeeper version: (\d+\.\d+\.\d+)/m.exec(srvr)?.[1],
    mode: /^Mode: (standalone|leader|follower|observer|read-only)$/m.exec(srvr)?.[1] as Mode | undefined,
    lastZxid: zxid === undefined ? undefined : BigInt(`0x${zxid}`),
    logFailure: ruok === undefined || ruok === 'imok' ? undefined : ruok.trim(),
    figures,
    settings,
    connections,
    watches,
    digests: digestsIn(words.get('hash') ?? ''),
    missing: isSilent ? [] : askedWords.filter((word) => !(known[word] ?? words.has(word))),
    clockAheadMs: mine === undefined || own === undefined ? undefined : mine - own.connectedAt,
  }
}

function firstOf<K extends keyof SessionReport>(reports: readonly SessionReport[], key: K): SessionReport[K] {
  return reports.find((report) => report[key] !== undefined)?.[key]
}

function* figuresIn(text: string): Generator<[string, number]> {
  for (const [, name = '', value] of text.matchAll(/^zk_(\S+)\t(-?[\d.]+(?:E-?\d+)?)$/gm)) yield [name, Number(value)]
}

function* settingsIn(text: string): Generator<[string, string]> {
  for (const [, key = '', value = ''] of text.matchAll(/^([\w.]+)=(.*)$/gm)) yield [key, value]
}

function digestsIn(text: string): Map<bigint, string> {
  const lines = [...text.matchAll(/^([0-9a-f]+): (-?\d+)$/gm)]
  return new Map(lines.map(([, zxid = '', digest = '']) => [BigInt(`0x${zxid}`), digest]))
}
