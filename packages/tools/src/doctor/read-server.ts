/** Asks one server for what a diagnosis needs: by four-letter words, and by its admin pages where they are named. */
import { parseAddress } from '@lightkeeper/runtime'
import type { AdminPages, PageObject } from '../live/admin-pages.ts'
import { WordRefused } from '../live/four-letter.ts'
import { sessionsByPages } from '../live/read-sessions.ts'
import { type Answers, type AskedWord, askedWords, factsOf, type ServerFacts } from './server-facts.ts'

export interface AskedServer {
  /** `host:port`. */
  readonly address: string
  /** The answer to a word. Rejects with WordRefused where the server does not answer it. */
  readonly ask: (word: AskedWord) => Promise<string>
  /** The admin pages of the server. Default: none, then only words are asked. */
  readonly pages?: AdminPages | undefined
}

/** Apache makes the lists of all watches in one piece, while nothing else is served. */
const listedWatchesMax = 100_000

/** Never rejects: what cannot be asked is not in the facts. */
export async function readServer(server: AskedServer, own?: Answers['own']): Promise<ServerFacts> {
  const { address, ask } = server
  const words = new Map<AskedWord, string>()
  const rest = askedWords.filter((word) => word !== 'srvr' && word !== 'wchc')
  for (const word of ['srvr', ...rest] as const) {
    try {
      words.set(word, await ask(word))
    } catch (error) {
      const { message } = error as Error
      if (!(error instanceof WordRefused)) return factsOf({ address, failure: message, words: new Map() })
      if (message.includes('not currently serving')) return factsOf({ address, isNotServing: true, words: new Map() })
    }
  }
  const answers: Answers = { address, words, own, ...(await fromPages(server)) }
  const watches = factsOf(answers).figures.get('watch_count') ?? 0
  if (watches <= listedWatchesMax) {
    const wchc = await ask('wchc').catch(() => undefined)
    if (wchc !== undefined) words.set('wchc', wchc)
  }
  return factsOf(answers)
}

async function fromPages({ address, pages }: AskedServer): Promise<Partial<Answers>> {
  if (pages === undefined) return {}
  try {
    const configuration = await pages.page('configuration')
    // Another server may have its pages at that address.
    if (Number(configuration['client_port']) !== parseAddress(address).port) return {}
    const { reports } = await sessionsByPages(pages)
    return { configuration: settingsOf(configuration), monitor: numbersOf(await pages.page('monitor')), reports }
  } catch {
    return {}
  }
}

/** `max_client_cnxns` as `conf` writes it, `maxClientCnxns`. */
function settingsOf(page: PageObject): Map<string, string> {
  const entries = Object.entries(page).filter(([, value]) => typeof value !== 'object')
  return new Map(
    entries.map(([key, value]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      String(value),
    ]),
  )
}

function numbersOf(page: PageObject): Map<string, number> {
  const numbers = Object.entries(page).filter(([, value]) => typeof value === 'number' || typeof value === 'bigint')
  return new Map(numbers.map(([key, value]) => [key, Number(value)]))
}
