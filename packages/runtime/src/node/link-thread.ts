/**
 * The code that runs in the thread of a kept-alive link. It is passed as text, because a bundle has no separate file
 * for it, so this function must not use any name from outside, except types.
 */
import type * as NodeNet from 'node:net'
import type * as NodeTls from 'node:tls'
import type { MessagePort } from 'node:worker_threads'

export interface ThreadPlan {
  readonly host: string
  readonly port: number
  /** All of `tls.connect`, plain TCP where undefined. */
  readonly tls: NodeTls.ConnectionOptions | undefined
  /** When the program last ran its timers, nanoseconds of `process.hrtime`. */
  readonly aliveAt: BigInt64Array
}

export type ToThread =
  | { readonly kind: 'write'; readonly chunk: Uint8Array }
  | { readonly kind: 'keepAlive'; readonly frame: Uint8Array; readonly everyMs: number; readonly patienceMs: number }
  | { readonly kind: 'pause' | 'resume' | 'end' | 'destroy' }

export type FromThread =
  | { readonly kind: 'data'; readonly chunk: Uint8Array }
  | { readonly kind: 'written'; readonly bytes: number }
  /** Sent by the thread itself, at this time of `process.hrtime`. */
  | { readonly kind: 'kept'; readonly at: bigint }
  | { readonly kind: 'opened' | 'drained' }
  | { readonly kind: 'closed'; readonly message?: string | undefined; readonly code?: string | undefined }

export function linkThread(plan: ThreadPlan, port: MessagePort, net: typeof NodeNet, tls: typeof NodeTls): void {
  const post = (message: FromThread): void => port.postMessage(message)
  const now = (): bigint => process.hrtime.bigint()
  const { host } = plan
  let socket: NodeNet.Socket
  try {
    socket =
      plan.tls === undefined ? net.createConnection({ host, port: plan.port, noDelay: true }) : tls.connect(plan.tls)
  } catch (error) {
    // A certificate or key cannot be read. This is a failure like any other; the next attempt may succeed.
    post({ kind: 'closed', message: `unusable TLS options: ${(error as Error).message}` })
    return
  }
  let lastWrite = now()
  let failure: NodeJS.ErrnoException | undefined
  let timer: NodeJS.Timeout | undefined
  socket.setNoDelay(true)
  socket.once(plan.tls === undefined ? 'connect' : 'secureConnect', () => post({ kind: 'opened' }))
  socket.on('data', (data: Uint8Array) => {
    const chunk = new Uint8Array(data)
    port.postMessage({ kind: 'data', chunk } satisfies FromThread, [chunk.buffer])
  })
  socket.on('drain', () => post({ kind: 'drained' }))
  socket.on('error', (error) => {
    failure = error
  })
  socket.on('close', () => {
    clearTimeout(timer)
    post({ kind: 'closed', message: failure && inWords(failure), code: failure?.code })
  })
  // Where a name has several addresses and none of them can be reached, Node gives an error that says nothing itself.
  const inWords = ({ message, errors = [] }: Error & { readonly errors?: readonly Error[] }): string =>
    message === '' ? errors.map((each) => each.message).join('; ') : message
  const write = (chunk: Uint8Array, done?: () => void): void => {
    if (socket.destroyed || socket.writableEnded) return
    socket.write(chunk, done)
    lastWrite = now()
  }
  const keepAlive = (frame: Uint8Array, everyMs: number, patienceMs: number): void => {
    const every = BigInt(Math.ceil(everyMs * 1e6))
    const patience = BigInt(Math.ceil(patienceMs * 1e6))
    const look = (): void => {
      // A program that hangs must lose its session, as it would without this thread.
      const isAlive = now() - Atomics.load(plan.aliveAt, 0) < patience
      if (isAlive && now() - lastWrite >= every) {
        post({ kind: 'kept', at: now() })
        write(frame)
      }
      const left = isAlive ? Number((lastWrite + every - now()) / 1_000_000n) : everyMs
      timer = setTimeout(look, Math.max(1, left))
    }
    clearTimeout(timer)
    look()
  }
  port.on('message', (message: ToThread) => {
    switch (message.kind) {
      case 'write': {
        const bytes = message.chunk.length
        write(message.chunk, () => post({ kind: 'written', bytes }))
        break
      }
      case 'keepAlive':
        keepAlive(message.frame, message.everyMs, message.patienceMs)
        break
      case 'pause':
        socket.pause()
        break
      case 'resume':
        socket.resume()
        break
      case 'end':
        socket.end()
        break
      case 'destroy':
        socket.destroy()
    }
  })
}
