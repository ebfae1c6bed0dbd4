/** A server of ours, its console, and a real browser without a screen that opens it. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Client, connect } from '@lightkeeper/client'
import { type ConsoleOptions, type RunningConsole, startConsole } from '@lightkeeper/console'
import { type RunningServer, startServer } from '@lightkeeper/server'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const executable = '/usr/bin/chromium'
const driver = join(root, '.cache/playwright-core/node_modules/playwright-core/index.mjs')
const checker = join(root, '.cache/axe-core/node_modules/axe-core/axe.min.js')

/** Undefined where a browser can be driven, else why not; with INTEROP=require that is an error. */
export function missingBrowser(): string | undefined {
  const missing = [executable, driver, checker].find((each) => !existsSync(each))
  if (missing === undefined) return undefined
  const why = `${missing} is missing; node scripts/peers.mjs fetches it`
  if (process.env['INTEROP'] === 'require') throw new Error(why)
  return why
}

/** The part of Playwright that the stories use. */
export interface Locator {
  click(options?: { readonly modifiers?: readonly string[] }): Promise<void>
  fill(text: string): Promise<void>
  press(key: string): Promise<void>
  pressSequentially(text: string): Promise<void>
  check(): Promise<void>
  focus(): Promise<void>
  waitFor(options?: { readonly state?: 'visible' | 'hidden' | 'attached' }): Promise<void>
  textContent(): Promise<string | null>
  innerText(): Promise<string>
  getAttribute(name: string): Promise<string | null>
  isDisabled(): Promise<boolean>
  selectOption(value: string): Promise<unknown>
  count(): Promise<number>
  first(): Locator
  nth(index: number): Locator
  getByRole(role: string, options?: Naming): Locator
  getByText(text: string | RegExp, options?: { readonly exact?: boolean }): Locator
  locator(selector: string): Locator
}

interface Naming {
  readonly name?: string | RegExp
  readonly exact?: boolean
  readonly expanded?: boolean
  readonly level?: number
}

export interface Page {
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> }
  goto(url: string): Promise<unknown>
  reload(): Promise<unknown>
  goBack(): Promise<unknown>
  url(): string
  title(): Promise<string>
  getByRole(role: string, options?: Naming): Locator
  getByText(text: string | RegExp, options?: { readonly exact?: boolean }): Locator
  getByLabel(text: string | RegExp): Locator
  locator(selector: string): Locator
  evaluate<T, A>(run: ((argument: A) => T | Promise<T>) | string, argument?: A): Promise<T>
  screenshot(options: { readonly path: string }): Promise<unknown>
  setViewportSize(size: { readonly width: number; readonly height: number }): Promise<void>
  emulateMedia(media: { readonly colorScheme: 'light' | 'dark' }): Promise<void>
  on(event: 'console', listener: (message: { type(): string; text(): string }) => void): void
  on(event: 'pageerror', listener: (error: Error) => void): void
  on(event: 'request', listener: (request: { url(): string }) => void): void
  /** Milliseconds. */
  setDefaultTimeout(timeout: number): void
  close(): Promise<void>
}

interface Browser {
  newPage(options: object): Promise<Page>
  close(): Promise<void>
}

/** What the browser is started with: without the network services that it would use otherwise, and with an empty profile. */
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

function serverOn(dataDir: string, port: number): Promise<RunningServer> {
  return startServer({ port, dataDir, preAllocSize: 64, fourLetterWordWhitelist: '*' })
}

/** How long a story waits for what it expects to see. */
const patienceMs = 20_000

/** A browser before a console. */
export class Screen implements AsyncDisposable {
  readonly console: Pick<RunningConsole, 'url'>
  readonly #browser: Browser
  /** What the pages complained about: errors of scripts, violations of the policy, requests to other sites. */
  readonly complaints: string[] = []

  protected constructor(own: Pick<RunningConsole, 'url'>, browser: Browser) {
    this.console = own
    this.#browser = browser
  }

  static async before(own: Pick<RunningConsole, 'url'>): Promise<Screen> {
    return new Screen(own, await launch())
  }

  /** The address of a view. */
  url(path: string): string {
    return new URL(path, this.console.url).href
  }

  async open(path: string): Promise<Page> {
    const page = await this.#browser.newPage({
      viewport: { width: 1280, height: 800 },
      timezoneId: 'UTC',
      locale: 'en-GB',
      // The checker of contrast must see colours as they stay, and none on its way to another.
      reducedMotion: 'reduce',
    })
    page.setDefaultTimeout(patienceMs)
    page.on('console', (message) => {
      // A refusal is an answer, which the browser reports too; so is a console that is away.
      const isAnswer =
        /the server responded with a status of [45]\d\d|net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)/
      if (message.type() === 'error' && !isAnswer.test(message.text())) this.complaints.push(message.text())
    })
    page.on('pageerror', (error) => void this.complaints.push(error.stack ?? error.message))
    page.on('request', (request) => {
      if (!request.url().startsWith(this.url('/'))) this.complaints.push(`request to ${request.url()}`)
    })
    await page.goto(this.url(path))
    return page
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
  }
}

async function launch(): Promise<Browser> {
  const { chromium } = (await import(pathToFileURL(driver).href)) as {
    readonly chromium: { launch(options: object): Promise<Browser> }
  }
  return chromium.launch({ executablePath: executable, args: flags })
}

/** A server of ours, its console, and a browser before it. */
export class Stage extends Screen {
  server: RunningServer
  readonly zk: Client
  readonly #folder: string
  readonly #options: Partial<ConsoleOptions>
  #console: RunningConsole

  private constructor(
    parts: {
      readonly server: RunningServer
      readonly own: RunningConsole
      readonly zk: Client
      readonly folder: string
    },
    options: Partial<ConsoleOptions>,
    browser: Browser,
  ) {
    super(parts.own, browser)
    this.server = parts.server
    this.zk = parts.zk
    this.#console = parts.own
    this.#folder = parts.folder
    this.#options = options
  }

  static async start(options: Partial<ConsoleOptions> = {}): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-console-'))
    const server = await serverOn(folder, 0)
    const own = await consoleOf(server, folder, options)
    const zk = await connect(server.connectString)
    return new Stage({ server, own, zk, folder }, options, await launch())
  }

  async stopServer(): Promise<void> {
    await this.server.close()
  }

  /** On the same port, with its data; or with none, so that it knows no session. */
  async startServer({ isEmpty = false } = {}): Promise<void> {
    const { port } = this.server
    this.server = isEmpty
      ? await startServer({ port, fourLetterWordWhitelist: '*' })
      : await serverOn(this.#folder, port)
  }

  async stopConsole(): Promise<void> {
    await this.#console.close()
  }

  /** On the same port. */
  async startConsole(options: Partial<ConsoleOptions> = {}): Promise<void> {
    const port = Number(new URL(this.console.url).port)
    this.#console = await consoleOf(this.server, this.#folder, { ...this.#options, port, ...options })
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    await this.zk.close()
    await this.#console.close()
    await this.server.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function consoleOf(server: RunningServer, dataDir: string, options: Partial<ConsoleOptions>): Promise<RunningConsole> {
  const { connectString: servers } = server
  return startConsole({
    servers,
    allowsWrites: true,
    token: false,
    past: { dataDir },
    kept: [{ server: async () => servers, read: async (points) => server.figures(points) }],
    connect: { backoff: { baseMs: 10, maxMs: 50 } },
    ...options,
  })
}

/** What axe finds wrong with the page as it is now, one line each. */
export async function barriersOf(page: Page): Promise<string[]> {
  // The policy of the page allows no script from elsewhere; the driver runs this one in its name.
  await page.evaluate(`${readFileSync(checker, 'utf8')}; undefined`)
  return page.evaluate(`axe.run().then(({ violations }) => violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => id + ': ' + help + ' in ' + html.slice(0, 200) + ' ' + failureSummary)))`)
}

/** Writes the picture of a view into the documentation, with SCREENSHOTS=1; otherwise it does nothing. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env['SCREENSHOTS'] === '1') await page.screenshot({ path: join(root, `docs/console/${name}.png`) })
}
