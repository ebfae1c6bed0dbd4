/** The console as a server: a client, the gateway over it, and a port. */
import type { IncomingMessage } from 'node:http'
import { serve } from '@hono/node-server'
import { type ConnectOptions, connect } from '@lightkeeper/client'
import { formatAddress, type Log, parseAddress, type Runtime, type TlsOptions } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { type AdminPages, askWord, PastDirectory, remotePast } from '@lightkeeper/tools'
import { gatewayApp, type WebFiles } from '../gateway/app.ts'
import { ChildLists } from '../gateway/child-lists.ts'
import { type KeptFigures, keptByPages } from '../servers/kept.ts'
import { Sampler } from '../servers/sampler.ts'
import { figuresIn } from '../servers/words.ts'
import { webFiles } from './web-files.ts'

/** The options of `startConsole`. */
export interface ConsoleOptions {
  /** A connect string, as the client takes it. */
  readonly servers: string
  /** The address to listen on. Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: a free one. */
  readonly port?: number
  /** Whether the page may write. Default false. */
  readonly allowsWrites?: boolean
  /**
   * What a browser must show; false for nothing. Default: one is made where others could reach the console, that is on any address but
   * those of this machine alone; or where the console has what they have not, credentials or the files of a data directory.
   */
  readonly token?: string | false | undefined
  /** Host names under which the console may be asked, besides addresses and `localhost`. Default none. */
  readonly hostNames?: readonly string[]
  /** The data directory of a server, for time travel. */
  readonly past?: { readonly dataDir: string; readonly logDir?: string | undefined } | undefined
  /**
   * The admin pages of one of the servers: of ours they give the past, where there is no `past`, and the figures of the last day. They
   * need an authorization with every permission on `/` for the past.
   */
  readonly admin?: AdminPages | undefined
  /** Servers in this process, which keep the figures of their last day. Default none: the console measures while it runs. */
  readonly kept?: readonly KeptFigures[]
  /** Ends a session on a server in this process, false where there is none; it throws where it cannot. Default: only what it owns is deleted. */
  readonly endSession?: ((session: bigint) => boolean) | undefined
  /** Options of the client: credentials, TLS, timeouts. */
  readonly connect?: Omit<ConnectOptions, 'lazy' | 'log' | 'runtime'>
  /** Gets the audit lines too. Default: none. */
  readonly log?: Log
  /** The files of the web application. Default: those that are built. */
  readonly files?: WebFiles
}

/** A console that serves, made by `startConsole`. */
export interface RunningConsole extends AsyncDisposable {
  /** What a browser opens, with the token behind `#`, which no server and no log sees. */
  readonly url: string
  /** What a browser must show; undefined where none is needed. */
  readonly token: string | undefined
  /** Closes the port, the connections of browsers, and the session of the console. */
  close(): Promise<void>
}

const loopback = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/
/** The largest list of children that is read, bytes: some hundred thousand names. */
const replyBytesMax = 64 << 20

/** How long the end of the session may take, milliseconds. */
const closePatienceMs = 500
/** How long a server may take for a four-letter word, milliseconds. */
const wordPatienceMs = 3_000

/** Resolves when it listens; the servers need not be there yet. @throws the system's error where the address cannot be had. */
export async function startConsole(options: ConsoleOptions): Promise<RunningConsole> {
  const { servers, host = '127.0.0.1', port = 0, allowsWrites = false, hostNames = [], kept = [], admin } = options
  const files = options.files ?? webFiles()
  const runtime = nodeRuntime(options.log === undefined ? {} : { log: options.log })
  const given = options.token ?? (isShielded(options, host) ? false : freshToken(runtime))
  const token = given === false ? undefined : given
  const zk = await connect(servers, { replyBytesMax, ...options.connect, lazy: true, log: runtime.log })
  const { addresses, chroot } = partsOf(servers, runtime)
  // Options of TLS are read again each time, so that certificates reload.
  const ask = async (address: string, word: string): Promise<string> =>
    askWord(runtime, address, word, { timeoutMs: wordPatienceMs, tls: await tlsOf(options) })
  const sampler = new Sampler(runtime.clock, async () => {
    const answers = await Promise.all(
      (await addresses()).map(async (address) => {
        const text = await ask(address, 'mntr').catch(() => '')
        return text === '' ? [] : ([[address, figuresIn(text)]] as const)
      }),
    )
    return new Map(answers.flat())
  })
  const house = {
    zk,
    runtime,
    log: runtime.log,
    servers,
    chroot,
    allowsWrites,
    lists: new ChildLists(zk),
    sampler,
    kept: [...kept, ...(admin === undefined ? [] : [keptByPages(admin, addresses)])],
    addresses,
    ask,
    endSession: options.endSession,
    openPast: openerOf(options, runtime),
  }
  const gate = {
    hostNames: new Set([...hostNames, ...(loopback.test(host) ? [] : [host])].map((each) => each.toLowerCase())),
    token,
  }
  const app = gatewayApp(house, gate, files, remoteOf)
  let server: ReturnType<typeof serve>
  let bound: number
  try {
    ;[server, bound] = await listening(app.fetch, host, port)
  } catch (error) {
    await zk.close()
    throw error
  }
  sampler.start()
  const shown = host === '0.0.0.0' || host === '::' || host === '' ? '127.0.0.1' : host
  const close = async (): Promise<void> => {
    sampler.close()
    const ended = new Promise<void>((resolve) => void server.close(() => resolve()))
    if ('closeAllConnections' in server) server.closeAllConnections()
    // Its session has nothing that must go at once, and its server may be gone.
    await zk.close({ timeout: closePatienceMs })
    await ended
  }
  return {
    url: `http://${formatAddress(shown, bound)}/${token === undefined ? '' : `#token=${token}`}`,
    token,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Undefined where the past is nowhere to be read. */
function openerOf({ past, admin }: ConsoleOptions, { disk }: Runtime): (() => Promise<PastDirectory>) | undefined {
  if (past !== undefined) return () => PastDirectory.open(disk, past.dataDir, past.logDir)
  return admin === undefined ? undefined : () => remotePast(admin)
}

/** Nobody but the users of this machine can ask, and they can do no more through the console than without it. */
function isShielded({ past, connect: { auth = [], sasl, tls } = {} }: ConsoleOptions, host: string): boolean {
  return (
    loopback.test(host) &&
    past === undefined &&
    auth.length === 0 &&
    sasl === undefined &&
    (tls === undefined || typeof tls === 'boolean')
  )
}

function freshToken({ random }: Runtime): string {
  return Buffer.from(random.bytes(24)).toString('base64url')
}

/** The servers of a connect string, and its chroot. The client has checked it. */
function partsOf(text: string, { network }: Runtime): { addresses: () => Promise<readonly string[]>; chroot: string } {
  const [, service, list = '', chroot = ''] = /^\s*(srv:|dns-srv:\/\/)?([^/]*)(\/.*?)?\s*$/.exec(text) ?? []
  const own = chroot === '/' ? '' : chroot
  if (service !== undefined) return { addresses: () => network.service(list.trim()), chroot: own }
  const addresses = list
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map((each) => {
      const { host, port } = parseAddress(each, 2181)
      return formatAddress(host, port)
    })
  return { addresses: async () => addresses, chroot: own }
}

/** Words are asked as the client connects. */
async function tlsOf({ connect: { tls } = {} }: ConsoleOptions): Promise<TlsOptions | undefined> {
  if (tls === undefined || tls === false) return undefined
  if (tls === true) return {}
  return typeof tls === 'function' ? tls() : tls
}

function remoteOf(environment: unknown): string {
  const { incoming } = environment as { readonly incoming?: IncomingMessage }
  return incoming?.socket.remoteAddress ?? 'unknown'
}

function listening(
  fetch: Parameters<typeof serve>[0]['fetch'],
  hostname: string,
  port: number,
): Promise<[ReturnType<typeof serve>, number]> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname, port }, (info) => {
      server.off('error', reject)
      resolve([server, info.port])
    })
    server.once('error', reject)
  })
}
