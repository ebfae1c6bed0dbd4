/** A TCP proxy between a client and a server, for faults at the place where they happen: on the wire. */
import { createConnection, createServer, type Socket } from 'node:net'

export interface Proxy extends AsyncDisposable {
  readonly port: number
  readonly connectString: string
  /** Resets every connection; new ones are accepted. */
  cut(): void
  /** Drops what servers send from now on, without closing anything: replies are lost. */
  swallowReplies(): void
  /** Passes everything again, on new connections and old ones. */
  heal(): void
  /** Refuses new connections until `heal`. */
  refuse(): void
  /** Bytes clients have sent so far. */
  readonly sentBytes: number
  close(): Promise<void>
}

/** Starts a proxy on a free port in front of `port` of this machine. */
export async function proxy(port: number): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let swallows = false
  let refuses = false
  let sentBytes = 0
  const server = createServer((client) => {
    if (refuses) {
      client.destroy()
      return
    }
    const upstream = createConnection({ host: '127.0.0.1', port })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => {
        if (from === client) sentBytes += chunk.length
        if (!(swallows && from === upstream)) to.write(chunk)
      })
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.on('end', () => to.end())
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const own = typeof address === 'object' && address !== null ? address.port : 0
  const cut = (): void => {
    for (const socket of [...sockets]) socket.destroy()
  }
  const close = async (): Promise<void> => {
    cut()
    await new Promise((resolve) => server.close(resolve))
  }
  return {
    port: own,
    connectString: `127.0.0.1:${own}`,
    cut,
    swallowReplies() {
      swallows = true
    },
    heal() {
      swallows = false
      refuses = false
    },
    refuse() {
      refuses = true
    },
    get sentBytes() {
      return sentBytes
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
