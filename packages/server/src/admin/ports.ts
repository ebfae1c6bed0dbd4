/**
 * The two HTTP ports of a server, for operators and for Prometheus. The admin port opens before the data directory is read, so that a
 * probe finds a server that is alive. A port that cannot be had is a warning, as in Apache: clients are served all the same.
 */
import { formatAddress, type HttpListener, type Log, type Runtime } from '@lightkeeper/runtime'
import type { ServerConfig } from '../config/config.ts'
import { readFigures } from './monitor.ts'
import { Exporter } from './prometheus.ts'
import { AdminSite, type Subject } from './site.ts'
import type { Transfer } from './transfer.ts'

/** Connections to one of these ports at once. */
const connectionsMax = 64

export class HttpPorts {
  readonly #subject: Subject
  readonly #config: ServerConfig
  readonly #runtime: Runtime
  readonly #listeners: HttpListener[] = []
  #exporter: Exporter | undefined
  #adminAddress: string | undefined
  #metricsAddress: string | undefined

  constructor(subject: Subject, config: ServerConfig, runtime: Runtime) {
    this.#subject = subject
    this.#config = config
    this.#runtime = runtime
  }

  /** Where the admin port listens, `host:port`; undefined where there is none. */
  get adminAddress(): string | undefined {
    return this.#adminAddress
  }

  /** Where Prometheus may scrape, `host:port`; undefined where there is none. */
  get metricsAddress(): string | undefined {
    return this.#metricsAddress
  }

  /** Opens the ports that the configuration asks for. */
  async open(transfer: Transfer): Promise<void> {
    const { adminEnableServer, metricsProviderClassName } = this.#config
    if (adminEnableServer) await this.#openAdmin(transfer)
    if (metricsProviderClassName?.endsWith('PrometheusMetricsProvider') === true) await this.#openMetrics()
  }

  async close(): Promise<void> {
    this.#exporter?.close()
    await Promise.all(this.#listeners.map((listener) => listener.close()))
  }

  async #openAdmin(transfer: Transfer): Promise<void> {
    const { adminServerAddress, adminServerPort, adminCommandUrl, adminIdleTimeout, adminAllowedHosts } = this.#config
    const own = this.#runtime.machine.facts().get('host.name')
    const hostNames = ['localhost', adminServerAddress, ...(own === undefined ? [] : [own]), ...adminAllowedHosts]
    const site = new AdminSite(this.#subject, transfer, this.#runtime, {
      commandUrl: adminCommandUrl,
      hostNames: new Set(hostNames.map((name) => name.toLowerCase())),
    })
    const address = formatAddress(adminServerAddress, adminServerPort)
    const listener = await this.#listen('the admin port', address, adminIdleTimeout, (request) => site.answer(request))
    this.#adminAddress = listener?.address
  }

  async #openMetrics(): Promise<void> {
    const { metricsHttpHost, metricsHttpPort, metricsExportJvmInfo } = this.#config
    const read = async () => {
      const { view, storage } = this.#subject
      if (view?.replica === undefined) return []
      return readFigures(view, view.replica, storage, this.#runtime)
    }
    const exporter = await Exporter.load(read, this.#runtime.memory, { withProcess: metricsExportJvmInfo })
    this.#exporter = exporter
    const address = formatAddress(metricsHttpHost, metricsHttpPort)
    const listener = await this.#listen('the metrics port', address, 30_000, (request) => exporter.answer(request))
    this.#metricsAddress = listener?.address
  }

  async #listen(
    what: string,
    address: string,
    idleTimeoutMs: number,
    answer: Parameters<Runtime['http']['listen']>[1],
  ): Promise<HttpListener | undefined> {
    const { log, http }: { log: Log; http: Runtime['http'] } = this.#runtime
    try {
      const listener = await http.listen(address, answer, { idleTimeoutMs, connectionsMax })
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
