/** A TCP proxy in front of a server, with faults a test asks for. */
import { createConnection, createServer, type Server, type Socket } from 'node:net'

export class Proxy implements AsyncDisposable {
  /** Connections that were opened, ever. */
  accepted = 0
  /** The most that were open at one time. */
  openMax = 0
  readonly #server: Server
  readonly #pairs = new Set<readonly [client: Socket, server: Socket]>()
  #isFrozen = false
  #refuses = false
  #onRequest: ((chunk: Buffer) => 'cut-after' | 'pass') | undefined

  private constructor(targetPort: number) {
    this.#server = createServer((client) => {
      if (this.#refuses) {
        client.destroy()
        return
      }
      this.accepted++
      const server = createConnection({ host: '127.0.0.1', port: targetPort, noDelay: true })
      client.setNoDelay(true)
      const pair = [client, server] as const
      this.#pairs.add(pair)
      this.openMax = Math.max(this.openMax, this.#pairs.size)
      const end = (): void => {
        this.#pairs.delete(pair)
        client.destroy()
        server.destroy()
      }
      let isCut = false
      client.on('data', (chunk) => {
        if (this.#isFrozen) return
        server.write(chunk)
        if (this.#onRequest?.(chunk) !== 'cut-after') return
        isCut = true
        this.#onRequest = undefined
        // The server has the request, and its reply goes nowhere.
        setTimeout(end, 50)
      })
      server.on('data', (chunk) => {
        if (!this.#isFrozen && !isCut) client.write(chunk)
      })
      for (const socket of pair) socket.on('error', end).on('close', end)
    })
  }

  static async start(targetPort: number): Promise<Proxy> {
    const proxy = new Proxy(targetPort)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get address(): string {
    const bound = this.#server.address()
    if (bound === null || typeof bound === 'string') throw new Error('the proxy is closed')
    return `127.0.0.1:${bound.port}`
  }

  /** Ends every connection; new ones may come. */
  cut(): void {
    for (const [client] of this.#pairs) client.destroy()
  }

  /** Connections stay open and carry nothing any more, in either direction. */
  freeze(): void {
    this.#isFrozen = true
  }

  thaw(): void {
    this.#isFrozen = false
    this.cut()
  }

  /** Ends every connection and refuses new ones, until `accept`. */
  refuse(): void {
    this.#refuses = true
    this.cut()
  }

  accept(): void {
    this.#refuses = false
  }

  /** The next request that `matches` reaches the server; its reply is lost with the connection. */
  loseReplyTo(matches: (request: Buffer) => boolean): void {
    this.#onRequest = (chunk) => (matches(chunk) ? 'cut-after' : 'pass')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}
