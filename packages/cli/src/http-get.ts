/** GET requests to the admin port of a server, by HTTP or HTTPS. Connections are kept for the next request. */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { TlsOptions } from '@lightkeeper/client'
import type { HttpGet, HttpReply } from '@lightkeeper/tools'

/** A longer answer is refused. */
const bodyBytesMax = 64 * 1024 * 1024

export interface HttpGetOptions {
  /** Milliseconds in which something must come. */
  readonly timeoutMs: number
  /** For https. */
  readonly tls?: TlsOptions | undefined
}

/** `origin` is like `http://host:8080`; its path is not used. Connections that wait for a request do not keep the process alive. */
export function httpGet(origin: URL, { timeoutMs, tls }: HttpGetOptions): HttpGet {
  const isSecure = origin.protocol === 'https:'
  const agent = isSecure ? new HttpsAgent({ keepAlive: true, ...(tls as object) }) : new HttpAgent({ keepAlive: true })
  const send = isSecure ? httpsRequest : httpRequest
  return async (target, headers) => {
    const url = new URL(target, origin)
    const ask = (): Promise<HttpReply> => answerOf(send(url, { agent, headers: { ...headers } }), timeoutMs)
    // Each try takes one of the kept connections, and the one behind the last of them is new.
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        if (!(error instanceof StaleConnection)) throw named(error)
      }
    }
  }

  function named(error: unknown): Error {
    const { message, code } = error as Error & { readonly code?: string }
    return new Error(`cannot ask ${origin.host}: ${message || code}`, { cause: error })
  }
}

/** The server has closed a kept connection before it saw the request. */
class StaleConnection extends Error {}

/**
 * The time without a byte is counted here, not by the socket. Node gives a kept connection a second less than
 * its server keeps it idle (five seconds, mostly), and leaves it at that for the next request where agent and request name the same time.
 */
function answerOf(request: ClientRequest, timeoutMs: number): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    let isSilent = true
    const timer = setTimeout(() => {
      isSilent = true
      // This program may have been busy all the time, and the answer is there: sockets are read before the next immediate.
      setImmediate(() => {
        if (isSilent) request.destroy(new Error(`nothing came within ${timeoutMs} ms`))
      })
    }, timeoutMs)
    const heard = (): void => {
      isSilent = false
      timer.refresh()
    }
    let hasAnswer = false
    const failed = (error: Error & { readonly code?: string }): void => {
      clearTimeout(timer)
      const isStale = request.reusedSocket && !hasAnswer && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
      reject(isStale ? new StaleConnection(error.message, { cause: error }) : error)
    }
    request.on('response', (response) => {
      hasAnswer = true
      heard()
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        heard()
        size += chunk.length
        if (size > bodyBytesMax) request.destroy(new Error(`its answer is longer than ${bodyBytesMax} bytes`))
        else chunks.push(chunk)
      })
      response.on('error', failed)
      response.on('end', () => {
        clearTimeout(timer)
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) })
      })
    })
    request.on('error', failed)
    request.end()
  })
}
