/** The end of a server. It comes once, whoever asks for it and however often, and takes no longer than it may. */
import type { Day } from './admin/day.ts'
import type { HttpPorts } from './admin/ports.ts'
import type { Ground } from './ground.ts'
import type { Service } from './service.ts'
import { within } from './stopping.ts'
import type { Storage } from './storage/storage.ts'
import type { ClientListener } from './transport/client-listener.ts'

/** What has to be closed, in the order of the start. */
export interface Running {
  readonly ground: Ground
  readonly ports: HttpPorts
  readonly clients: ClientListener
  readonly service: Service
  /** Undefined where data is in memory only. */
  readonly storage: Storage | undefined
  readonly day: Day
}

export class ShutDown {
  /** Resolves when the server has ended: to undefined after `close`, else to the reason. */
  readonly stopped: Promise<Error | undefined>
  readonly #begins: () => void
  #settle: (error: Error | undefined) => void = () => {}
  #running: Running | undefined
  #under: Promise<void> | undefined

  /** `begins` is called when the end begins. */
  constructor(begins: () => void) {
    this.#begins = begins
    this.stopped = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  /** From here on there is something to close. */
  closes(running: Running): void {
    this.#running = running
  }

  /** The server cannot continue. A failure during the stop must not hide the reason, nor end the process. */
  failed(error: Error): void {
    const settled = (): void => this.#settle(error)
    this.begin(false).then(settled, settled)
  }

  /** Ends the server in good order. @throws Error when the disk does not finish in time. */
  async close(): Promise<void> {
    try {
      await this.begin(true)
    } finally {
      this.#settle(undefined)
    }
  }

  /** `answers` says whether clients are waited for. */
  begin(answers: boolean): Promise<void> {
    if (this.#running === undefined) return Promise.resolve()
    this.#under ??= this.#end(this.#running, answers)
    return this.#under
  }

  async #end({ ground, ports, clients, service, storage, day }: Running, answers: boolean): Promise<void> {
    const { host, audit, config } = ground
    const { clock, log } = host
    const { stopTimeout } = config
    this.#begins()
    day.stop()
    audit?.auditor.stopping()
    if (answers && !(await within(clock, stopTimeout, clients.drain()))) {
      log('warn', 'the server stops although some clients have not read their answers, or the disk is slow', {
        connections: clients.connections.size,
        outstanding: service.outstanding,
        stopTimeout,
      })
    }
    await service.stop()
    await clients.close()
    await ports.close()
    ground.stopCounting()
    const closed = Promise.all([storage?.close(), audit?.close()])
    if (!(await within(clock, stopTimeout, closed))) {
      throw new Error(`the disk did not finish within ${stopTimeout} ms; what was acknowledged is safe`)
    }
    log('info', 'the server has stopped', { lastZxid: service.lastZxid })
  }
}
