/** A link whose socket lives in its own thread, which can send a frame at intervals while the program is busy. */
import { performance } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { parseAddress } from '../address.ts'
import type { KeepAlive, Link, LinkEvents, LinkOptions } from '../network.ts'
import { type FromThread, linkThread, type ThreadPlan, type ToThread } from './link-thread.ts'
import type { Report } from './report.ts'
import { explainTls, tlsConnection } from './tls.ts'

/** How often a program shows that it is alive, milliseconds. */
const aliveEveryMs = 100

// Some bundlers replace functions by calls of a helper with this name.
const code = `const __name = (it) => it;
const { parentPort, workerData } = require('node:worker_threads');
(${linkThread.toString()})(workerData, parentPort, require('node:net'), require('node:tls'))`

export class ThreadedLink implements Link {
  readonly remote: string
  queuedBytes = 0
  readonly #worker: Worker | undefined
  readonly #aliveAt = new BigInt64Array(new SharedArrayBuffer(8))
  readonly #alive: NodeJS.Timeout
  readonly #events: LinkEvents
  readonly #report: Report
  readonly #explain: (error: Error) => Error
  #isOpen = false
  #isClosed = false

  constructor(address: string, events: LinkEvents, options: LinkOptions, report: Report) {
    this.remote = address
    this.#events = events
    this.#report = report
    const { host, port } = parseAddress(address)
    const name = options.serverName ?? host
    this.#explain = options.tls ? (error) => explainTls(error, name, this.#isOpen) : (error) => error
    const tls = options.tls && tlsConnection(host, port, name, options.tls)
    const plan: ThreadPlan = { host, port, tls, aliveAt: this.#aliveAt }
    this.#showAlive()
    this.#alive = setInterval(() => this.#showAlive(), aliveEveryMs)
    this.#alive.unref()
    try {
      this.#worker = new Worker(code, { eval: true, execArgv: [], workerData: plan, name: 'lightkeeper heartbeat' })
    } catch (error) {
      const message = `no heartbeat thread: ${(error as Error).message} (TLS options that are functions cannot be passed to it)`
      queueMicrotask(() => this.#closed(new Error(message, { cause: error })))
      return
    }
    this.#worker.on('message', (message: FromThread) => this.#heard(message))
    // Errors that the thread throws, and messages that cannot be read.
    this.#worker.on('error', (error) => this.#closed(asError(error)))
    this.#worker.on('messageerror', (error) => this.#closed(error))
    this.#worker.on('exit', () => this.#closed(new Error('the heartbeat thread ended')))
  }

  write(chunk: Uint8Array): boolean {
    if (this.#isClosed) return true
    // A copy, because a view would transfer its whole buffer.
    const own = chunk.slice()
    this.queuedBytes += own.length
    this.#tell({ kind: 'write', chunk: own }, [own.buffer])
    return true
  }

  keepAlive({ frame, everyMs, patienceMs }: KeepAlive): void {
    this.#tell({ kind: 'keepAlive', frame, everyMs, patienceMs })
  }

  pause(): void {
    this.#tell({ kind: 'pause' })
  }

  resume(): void {
    this.#tell({ kind: 'resume' })
  }

  end(): void {
    this.#tell({ kind: 'end' })
  }

  destroy(): void {
    this.#tell({ kind: 'destroy' })
  }

  #tell(message: ToThread, transfer: readonly ArrayBuffer[] = []): void {
    if (this.#isClosed) return
    try {
      this.#worker?.postMessage(message, transfer)
    } catch (error) {
      // Never during a call by the link's user.
      queueMicrotask(() => this.#closed(asError(error)))
    }
  }

  #showAlive(): void {
    Atomics.store(this.#aliveAt, 0, process.hrtime.bigint())
  }

  #heard(message: FromThread): void {
    if (this.#isClosed) return
    try {
      this.#act(message)
    } catch (error) {
      const facts = { peer: this.remote, event: message.kind }
      this.#report('an error while serving a connection; it is closed', error, facts)
      this.#closed(asError(error))
    }
  }

  #act(message: FromThread): void {
    switch (message.kind) {
      case 'data':
        this.#events.data(message.chunk)
        break
      case 'written':
        this.queuedBytes -= message.bytes
        break
      case 'kept':
        this.#events.kept?.(performance.now() - Number(process.hrtime.bigint() - message.at) / 1e6)
        break
      case 'opened':
        this.#isOpen = true
        this.#events.opened?.()
        break
      case 'drained':
        this.#events.drained?.()
        break
      case 'closed': {
        const { code: errno } = message
        const plain =
          message.message === undefined ? undefined : Object.assign(new Error(message.message), { code: errno })
        this.#closed(plain && this.#explain(plain))
      }
    }
  }

  #closed(reason?: Error): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#alive)
    void this.#worker?.terminate()
    try {
      this.#events.closed(reason)
    } catch (error) {
      this.#report('an error after a connection was closed', error, { peer: this.remote })
    }
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('the connection failed', { cause: thrown })
}
