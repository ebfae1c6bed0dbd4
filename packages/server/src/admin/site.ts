/**
 * What the admin port answers: a request in, an answer out. Pages under the command URL as Apache has them (JettyAdminServer.java), and
 * the two questions of orchestrators, `/livez` and `/readyz`. Sockets are the runtime's.
 */
import type { HttpAnswer, HttpRequest, Runtime } from '@lightkeeper/runtime'
import type { Reload } from '../config/live-config.ts'
import type { Replica } from '../replica.ts'
import type { Storage } from '../storage/storage.ts'
import { json, plain } from './answers.ts'
import { type Day, pointsOfDay } from './day.ts'
import { refusalOf } from './gate.ts'
import { healthOf, type Phase } from './health.ts'
import type { Page } from './page.ts'
import { pages } from './pages.ts'
import type { Transfer } from './transfer.ts'
import type { ServerView } from './view.ts'

/** The server behind the pages, as it is now. */
export interface Subject {
  readonly phase: Phase
  /** Undefined until the data directory was read. */
  readonly view: ServerView | undefined
  readonly storage: Storage | undefined
  /** Figures of the last day. */
  readonly day: Day
  /** Reads the configuration again, and takes over what may change. @throws Error with nothing changed. */
  reload(): Promise<Reload>
}

export interface SiteOptions {
  /** `/commands`. */
  readonly commandUrl: string
  /** The host names under which this server may be asked, in small letters; `*` for any. */
  readonly hostNames: ReadonlySet<string>
}

/** What serves a command. `get` and `post` are the methods it takes. */
interface Command {
  readonly primary: string
  readonly needsServer: boolean
  get?(request: HttpRequest, asked: Asked): Promise<HttpAnswer>
  post?(request: HttpRequest, asked: Asked): Promise<HttpAnswer>
}

interface Asked {
  readonly view: ServerView
  readonly replica: Replica
  readonly query: ReadonlyMap<string, string>
}

/** Pages that Apache answers also while it does not serve, and that need nothing of a replica. */
const always: ReadonlySet<string> = new Set([
  'environment',
  'get_trace_mask',
  'set_trace_mask',
  'system_properties',
  'zabstate',
])
const notServing = 'This ZooKeeper instance is not currently serving requests'
/** Addresses that a request may come from to change the configuration. */
const loopback = /^(127\.\d+\.\d+\.\d+|::1)$/

export class AdminSite {
  readonly #subject: Subject
  readonly #transfer: Transfer
  readonly #runtime: Runtime
  readonly #options: SiteOptions
  readonly #commands = new Map<string, Command>()

  constructor(subject: Subject, transfer: Transfer, runtime: Runtime, options: SiteOptions) {
    this.#subject = subject
    this.#transfer = transfer
    this.#runtime = runtime
    this.#options = options
    for (const page of pages) this.#register(page.names, this.#pageCommand(page))
    this.#register(['snapshot', 'snap'], {
      primary: 'snapshot',
      needsServer: true,
      get: (request, { replica, query }) => this.#transfer.snapshot(request, replica, query),
    })
    this.#register(['restore', 'rest'], {
      primary: 'restore',
      needsServer: true,
      post: (request, { replica }) => this.#transfer.restore(request, replica),
    })
    this.#register(['past'], {
      primary: 'past',
      needsServer: true,
      get: (request, { replica, query }) => this.#transfer.past(request, replica, query),
    })
    // Ours alone: charts need no other program that keeps figures.
    this.#register(['day'], {
      primary: 'day',
      needsServer: false,
      get: async (_request, { query }) => this.#day(query.get('points')),
    })
    this.#register(['reload'], { primary: 'reload', needsServer: false, post: (request) => this.#reload(request) })
  }

  /** Answers one request. */
  async answer(request: HttpRequest): Promise<HttpAnswer> {
    const refusal = refusalOf(request, this.#options.hostNames)
    if (refusal !== undefined) {
      this.#runtime.log('warn', `refused a request to the admin port: ${refusal}`, { client: request.remoteHost })
      return plain(403, `${refusal}\n`)
    }
    const { method } = request
    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST')
      return plain(405, 'only GET and POST are answered\n')
    const { path, query } = split(request.target)
    if (path === '/livez' || path === '/readyz') return this.#health(path)
    const { commandUrl } = this.#options
    if (path === commandUrl || path === `${commandUrl}/`) return this.#list()
    if (!path.startsWith(`${commandUrl}/`)) return plain(404, `the pages of this server are below ${commandUrl}\n`)
    return this.#command(request, path.slice(commandUrl.length + 1), query)
  }

  #register(names: readonly string[], command: Command): void {
    for (const name of names) this.#commands.set(name, command)
  }

  #pageCommand(page: Page): Command {
    const [primary] = page.names
    return {
      primary,
      needsServer: !always.has(primary),
      get: async (_request, { view, replica, query }) => {
        const { storage } = this.#subject
        const data = await page.make({ server: view, replica, storage, runtime: this.#runtime, query })
        return json(200, primary, data)
      },
    }
  }

  async #command(request: HttpRequest, name: string, query: ReadonlyMap<string, string>): Promise<HttpAnswer> {
    const command = this.#commands.get(name)
    // Both of these are 200, as in Apache: programs look at `error`.
    if (command === undefined) return json(200, name, { error: `Unknown command: ${name}` })
    const serve = request.method === 'POST' ? command.post : command.get
    if (serve === undefined) {
      const other = command.post === undefined ? 'GET' : 'POST'
      return json(405, command.primary, { error: `${command.primary} is asked by ${other}` })
    }
    const { view } = this.#subject
    const replica = view?.replica
    if (view === undefined || (replica === undefined && command.needsServer)) {
      return json(200, name, { error: notServing })
    }
    return serve.call(command, request, { view, replica: replica as Replica, query })
  }

  #day(asked = '600'): HttpAnswer {
    const points = /^\d{1,4}$/.test(asked) ? Number(asked) : 0
    if (points < 1 || points > pointsOfDay) {
      return json(400, 'day', { error: `points must be a whole number from 1 to ${pointsOfDay}` })
    }
    const { everyMs, times, values } = this.#subject.day.figures(points)
    return json(200, 'day', { every_ms: everyMs, times, values })
  }

  /** Links to every page, as in Apache. */
  #list(): HttpAnswer {
    const primaries = [...new Set([...this.#commands.values()].map(({ primary }) => primary))].sort()
    const lines = primaries.map((name) => `<a href="${this.#options.commandUrl}/${name}">${name}</a>\n<br/>\n`)
    return { status: 200, headers: { 'content-type': 'text/html;charset=utf-8' }, body: lines.join('') }
  }

  #health(path: '/livez' | '/readyz'): HttpAnswer {
    const { phase, view } = this.#subject
    const { isAlive, isReady, says } = healthOf(phase, view?.replica)
    const isWell = path === '/livez' ? isAlive : isReady
    return plain(isWell ? 200 : 503, isWell ? 'ok\n' : `${says}\n`)
  }

  async #reload(request: HttpRequest): Promise<HttpAnswer> {
    const { log } = this.#runtime
    const { remoteHost: client } = request
    if (!loopback.test(client)) {
      log('warn', 'refused a reload of the configuration that another machine asked for', { client })
      return json(403, 'reload', { error: 'a reload may be asked from this machine only' })
    }
    log('info', 'a reload of the configuration was asked for by HTTP', { client })
    try {
      const { changed, needRestart } = await this.#subject.reload()
      const changes = changed.map(({ setting, from, to }) => ({ setting, from, to }))
      return json(200, 'reload', { changed: changes, need_restart: [...needRestart] })
    } catch (error) {
      log('error', 'the configuration cannot be used, nothing was changed', { cause: (error as Error).message })
      return json(500, 'reload', { error: `nothing was changed: ${(error as Error).message}` })
    }
  }
}

/** Path, and the first value of each parameter. */
function split(target: string): { path: string; query: ReadonlyMap<string, string> } {
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const query = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1))) {
    if (!query.has(name)) query.set(name, value)
  }
  return { path, query }
}
