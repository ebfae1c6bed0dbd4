/**
 * The two HTTP ports of a server, for operators and for Prometheus. The admin port opens before the data directory is read, so that a
 * probe finds a server that is alive. A port that cannot be had is a warning, as in Apache: clients are served all the same.
 */
import {
  formatAddress,
  type HttpAnswer,
  type HttpListener,
  type HttpRequest,
  type HttpTls,
  RepeatedLine,
  type Runtime,
} from '@lightkeeper/runtime'
import type { ServerConfig } from '../config/config.ts'
import type { Credentials } from '../tls/credentials.ts'
import type { TlsSettings } from '../tls/options.ts'
import { readFigures } from './monitor.ts'
import { Exporter } from './prometheus.ts'
import { AdminSite, type Subject } from './site.ts'
import type { Transfer } from './transfer.ts'

/** Connections to one of these ports at once. */
const connectionsMax = 64
/** A connection to the metrics on which nothing moves for so long is closed, milliseconds. */
const metricsIdleMs = 30_000
/** What Jetty sends over TLS: a browser shall not ask without it for a day. */
const strictTransport = 'max-age=86400; includeSubDomains'

/** What the two ports show and trust; undefined for one that speaks no TLS. */
export interface HttpCredentials {
  readonly admin: Credentials | undefined
  readonly metrics: Credentials | undefined
}

/** One of the ports. */
interface Port {
  /** `the admin port`, for lines of the log. */
  readonly what: string
  readonly address: string
  readonly idleTimeoutMs: number
  /** Undefined: plaintext alone. */
  readonly tls: HttpTls | undefined
}

export class HttpPorts {
  readonly #subject: Subject
  readonly #config: ServerConfig
  readonly #credentials: HttpCredentials
  readonly #runtime: Runtime
  readonly #listeners: HttpListener[] = []
  #exporter: Exporter | undefined
  #adminAddress: string | undefined
  #metricsAddress: string | undefined
  #metricsSecureAddress: string | undefined

  constructor(subject: Subject, config: ServerConfig, credentials: HttpCredentials, runtime: Runtime) {
    this.#subject = subject
    this.#config = config
    this.#credentials = credentials
    this.#runtime = runtime
  }

  /** Where the admin port listens, `host:port`; undefined where there is none. */
  get adminAddress(): string | undefined {
    return this.#adminAddress
  }

  /** Where Prometheus may scrape without TLS, `host:port`; undefined where there is none. */
  get metricsAddress(): string | undefined {
    return this.#metricsAddress
  }

  /** The same with TLS. */
  get metricsSecureAddress(): string | undefined {
    return this.#metricsSecureAddress
  }

  /** Opens the ports that the configuration asks for. */
  async open(transfer: Transfer): Promise<void> {
    this.#credentials.admin?.watch()
    this.#credentials.metrics?.watch()
    const { adminEnableServer, metricsProviderClassName } = this.#config
    if (adminEnableServer) await this.#openAdmin(transfer)
    if (metricsProviderClassName?.endsWith('PrometheusMetricsProvider') === true) await this.#openMetrics()
  }

  async close(): Promise<void> {
    this.#exporter?.close()
    this.#credentials.admin?.stop()
    this.#credentials.metrics?.stop()
    await Promise.all(this.#listeners.map((listener) => listener.close()))
  }

  async #openAdmin(transfer: Transfer): Promise<void> {
    const { adminServerAddress, adminServerPort, adminCommandUrl, adminIdleTimeout, adminAllowedHosts } = this.#config
    const { adminTls, adminForceHttps } = this.#config
    const what = 'the admin port'
    const own = this.#runtime.machine.facts().get('host.name')
    const hostNames = ['localhost', adminServerAddress, ...(own === undefined ? [] : [own]), ...adminAllowedHosts]
    const site = new AdminSite(this.#subject, transfer, this.#runtime, {
      commandUrl: adminCommandUrl,
      hostNames: new Set(hostNames.map((name) => name.toLowerCase())),
    })
    const port = {
      what,
      address: formatAddress(adminServerAddress, adminServerPort),
      idleTimeoutMs: adminIdleTimeout,
      tls: this.#tlsOf(what, adminTls, this.#credentials.admin, !adminForceHttps),
    }
    const listener = await this.#listen(port, (request) => site.answer(request))
    this.#adminAddress = listener?.address
  }

  async #openMetrics(): Promise<void> {
    const { metricsHttpHost, metricsHttpPort, metricsHttpsPort, metricsTls, metricsExportJvmInfo } = this.#config
    const read = async () => {
      const { view, storage } = this.#subject
      if (view?.replica === undefined) return []
      return readFigures(view, view.replica, storage, this.#runtime)
    }
    const exporter = await Exporter.load(read, this.#runtime, { withProcess: metricsExportJvmInfo })
    this.#exporter = exporter
    const isOnePort = metricsHttpPort === metricsHttpsPort && metricsHttpPort > 0
    const open = async (what: string, port: number, tls: HttpTls | undefined): Promise<string | undefined> => {
      if (port < 0) return undefined
      const address = formatAddress(metricsHttpHost, port)
      const answer = (request: HttpRequest): Promise<HttpAnswer> => exporter.answer(request)
      return (await this.#listen({ what, address, idleTimeoutMs: metricsIdleMs, tls }, answer))?.address
    }
    const tls = this.#tlsOf('the metrics port', metricsTls, this.#credentials.metrics, isOnePort)
    this.#metricsAddress = await open('the metrics port', metricsHttpPort, isOnePort ? tls : undefined)
    this.#metricsSecureAddress = isOnePort
      ? this.#metricsAddress
      : await open('the metrics port with TLS', metricsHttpsPort, tls)
  }

  #tlsOf(
    what: string,
    settings: TlsSettings | undefined,
    credentials: Credentials | undefined,
    mayBePlain: boolean,
  ): HttpTls | undefined {
    if (settings === undefined || credentials === undefined) return undefined
    const { log, clock } = this.#runtime
    const line = new RepeatedLine(log, clock, 'warn', `a TLS handshake failed on ${what}`)
    return {
      context: () => credentials.context,
      mayBePlain,
      handshakeMs: settings.handshakeMs,
      failed: (client, cause) => line.tell({ client, cause }),
    }
  }

  async #listen(
    { what, address, idleTimeoutMs, tls }: Port,
    answer: (request: HttpRequest) => Promise<HttpAnswer>,
  ): Promise<HttpListener | undefined> {
    const { log, http } = this.#runtime
    const strict = async (request: HttpRequest): Promise<HttpAnswer> => {
      const answered = await answer(request)
      if (!request.isSecure) return answered
      return { ...answered, headers: { ...answered.headers, 'strict-transport-security': strictTransport } }
    }
    try {
      const listener = await http.listen(address, strict, { idleTimeoutMs, connectionsMax, tls })
      this.#listeners.push(listener)
      log('info', `${what} listens`, { address: listener.address })
      return listener
    } catch (error) {
      log('warn', `${what} cannot be opened, and the server goes on without it`, {
        address,
        cause: (error as Error).message,
      })
      return undefined
    }
  }
}
