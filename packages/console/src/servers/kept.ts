/** Figures that a server keeps of its last day, by its admin page `day`. Servers of Apache have no such page. */
import type { Series } from '@lightkeeper/runtime'
import type { AdminPages, PageObject, PageValue } from '@lightkeeper/tools'

/** A server that keeps figures. */
export interface KeptFigures {
  /** Its address for clients, as the connect string has it; undefined where that is not known. */
  server(): Promise<string | undefined>
  /** At most `points` points. Rejects where it cannot be asked. */
  read(points: number): Promise<KeptDay>
}

/** Figures of the last day, as a server keeps them. */
export interface KeptDay extends Series {
  /** Milliseconds between two points. */
  readonly everyMs: number
}

/** Asks `pages`. `addresses` are the servers of the console: the one with the client port that the pages name is this one. */
export function keptByPages(pages: AdminPages, addresses: () => Promise<readonly string[]>): KeptFigures {
  return {
    async server() {
      const { client_port: port } = await pages.page('configuration')
      const found = (await addresses()).filter((each) => each.endsWith(`:${Number(port)}`))
      const [host = ''] = pages.name.split(':')
      return found.find((each) => each.startsWith(`${host}:`)) ?? (found.length === 1 ? found[0] : undefined)
    },
    async read() {
      return dayIn(await pages.page('day'))
    },
  }
}

/** @throws Error for a page that is something else. */
function dayIn({ every_ms: everyMs, times, values }: PageObject): KeptDay {
  if (!Array.isArray(times) || typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new Error('the page day has no times and values')
  }
  const numbers = (list: PageValue | undefined): (number | null)[] =>
    Array.isArray(list) ? list.map((each) => (each === null ? null : Number(each))) : []
  return {
    everyMs: Number(everyMs),
    times: times.map(Number),
    values: Object.fromEntries(Object.entries(values as PageObject).map(([name, list]) => [name, numbers(list)])),
  }
}
