/**
 * Refuses connections before the process runs out of descriptors: the remaining ones are for the log, snapshots and other files of
 * the program. Logs one line when that begins and one when it ends.
 */
import type { Socket } from 'node:net'
import type { Log } from '../log.ts'
import { descriptorLimit, isOutOfDescriptors } from './descriptors.ts'
import { carefully } from './report.ts'

const spareMin = 16
const spareMax = 64

export class DescriptorGate {
  readonly #log: Log
  readonly #limit = descriptorLimit()
  /** A new descriptor gets the lowest free number, so a number at or above this means that few are left. */
  readonly #firstRefused: number
  #open = 0
  /** The number of open connections when the first one was refused; 0 while connections are accepted. */
  #openWhenFull = 0

  constructor(log: Log) {
    this.#log = carefully(log)
    const limit = this.#limit ?? Number.POSITIVE_INFINITY
    this.#firstRefused = limit - Math.min(spareMax, Math.max(spareMin, Math.floor(limit / 8)))
  }

  /** False: the socket was closed, and the listener must not see it. */
  admits(socket: Socket): boolean {
    if (descriptorOf(socket) >= this.#firstRefused) {
      this.#full()
      socket.on('error', () => {})
      socket.destroy()
      return false
    }
    this.#open++
    socket.once('close', () => void this.#open--)
    // Not when the first connection fits again: if connections come and go, that would log a line for each.
    if (this.#openWhenFull > 0 && this.#open <= this.#openWhenFull * 0.9) {
      this.#openWhenFull = 0
      this.#log('info', 'connections are accepted again', { open: this.#open })
    }
    return true
  }

  /** Accepting failed; the system has closed the connection. */
  failed(error: Error): void {
    if (isOutOfDescriptors(error)) this.#full()
    else this.#log('warn', 'a connection could not be accepted', { cause: error.message })
  }

  #full(): void {
    if (this.#openWhenFull > 0) return
    this.#openWhenFull = Math.max(1, this.#open)
    this.#log('warn', 'file descriptors are used up: more connections are refused until some are closed', {
      open: this.#open,
      limit: this.#limit,
    })
  }
}

/** -1 where the system has none, or it was closed already. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null }
  return handle?.fd ?? -1
}
