/** GET requests to the admin port of a server, by HTTP or HTTPS. Connections are kept for the next request. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
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
  const options = { keepAlive: true, timeout: timeoutMs }
  const agent = isSecure ? new HttpsAgent({ ...options, ...(tls as object) }) : new HttpAgent(options)
  const send = isSecure ? httpsRequest : httpRequest
  const { host } = origin
  return (target, headers) =>
    new Promise<HttpReply>((resolve, reject) => {
      const failed = (error: Error & { readonly code?: string }): void => {
        reject(new Error(`cannot ask ${host}: ${error.message || error.code}`, { cause: error }))
      }
      const request = send(
        new URL(target, origin),
        { agent, headers: { ...headers }, timeout: timeoutMs },
        (response) => {
          const chunks: Buffer[] = []
          let size = 0
          response.on('data', (chunk: Buffer) => {
            size += chunk.length
            if (size > bodyBytesMax) request.destroy(new Error(`its answer is longer than ${bodyBytesMax} bytes`))
            else chunks.push(chunk)
          })
          response.on('error', failed)
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }))
        },
      )
      request.on('timeout', () => request.destroy(new Error(`nothing came within ${timeoutMs} ms`)))
      request.on('error', failed)
      request.end()
    })
}
