/**
 * While the client is on a server without a quorum: asks one server after another whether it accepts writes, with the four-letter
 * word `isro` (ClientCnxn.java does the same), at growing intervals.
 */
import type { Link, Runtime, Timer } from '@lightkeeper/runtime'

const firstPauseMs = 100
const pauseMsMax = 60_000
/** A server that does not answer is skipped. */
const answerMsMax = 5_000

export class WritableSearch {
  readonly #runtime: Runtime
  readonly #servers: readonly string[]
  readonly #found: (server: string) => void
  #next = 0
  #pauseMs = firstPauseMs
  #timer: Timer | undefined
  #link: Link | undefined
  #isStopped = false

  /** Calls `found` once, then the search has ended. */
  constructor(runtime: Runtime, servers: readonly string[], current: string, found: (server: string) => void) {
    this.#runtime = runtime
    const others = servers.filter((server) => server !== current)
    // The server of our connection may get its quorum back as well.
    this.#servers = [...others, current]
    this.#found = found
    this.#pause()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#link?.destroy()
  }

  #pause(): void {
    if (this.#isStopped) return
    this.#timer = this.#runtime.clock.after(this.#pauseMs, () => this.#ask())
    this.#pauseMs = Math.min(pauseMsMax, this.#pauseMs * 2)
  }

  #ask(): void {
    const server = this.#servers[this.#next++ % this.#servers.length] as string
    let answer = ''
    let isOver = false
    const end = (): void => {
      if (isOver || this.#isStopped) return
      isOver = true
      this.#timer?.cancel()
      link.destroy()
      if (answer.startsWith('rw')) {
        this.#isStopped = true
        this.#found(server)
      } else this.#pause()
    }
    const link = this.#runtime.network.connect(server, {
      opened: () => void link.write(new TextEncoder().encode('isro')),
      data(chunk) {
        answer += new TextDecoder().decode(chunk)
        if (answer.length >= 2) end()
      },
      closed: end,
    })
    this.#link = link
    this.#timer = this.#runtime.clock.after(answerMsMax, end)
  }
}
