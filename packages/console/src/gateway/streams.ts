/** Answers that come piece by piece: server-sent events, and lines of JSON. What a slow browser does not read is not made. */
import type { Clock } from '@lightkeeper/runtime'
import type { StreamEvent } from '../api.ts'
import { problemOf } from './problem.ts'

/** Sends one piece; resolves when there is room for more. */
type Send<T> = (piece: T) => Promise<void>

/** A comment now and then shows a browser that the stream lives, milliseconds. */
const heartbeatMs = 10_000

/** `produce` runs until it ends or `signal` aborts, which happens when the browser goes away. Its error is the last event. */
export function eventStream(
  clock: Clock,
  produce: (send: Send<StreamEvent>, signal: AbortSignal) => Promise<void>,
): Response {
  const body = pieces(async (write, signal) => {
    let beat = clock.after(heartbeatMs, function next() {
      write(':\n\n').catch(() => {})
      beat = clock.after(heartbeatMs, next)
    })
    const send: Send<StreamEvent> = (event) => write(`data: ${JSON.stringify(event)}\n\n`)
    try {
      await produce(send, signal)
    } catch (error) {
      if (!signal.aborted) await send({ kind: 'failed', problem: problemOf(error).problem })
    } finally {
      beat.cancel()
    }
  })
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  })
}

/** One line of JSON for each piece. */
export function lineStream<T>(produce: (send: Send<T>, signal: AbortSignal) => Promise<void>): Response {
  const body = pieces(async (write, signal) => {
    try {
      await produce((piece) => write(`${JSON.stringify(piece)}\n`), signal)
    } catch (error) {
      if (!signal.aborted) await write(`${JSON.stringify({ kind: 'failed', problem: problemOf(error).problem })}\n`)
    }
  })
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' } })
}

function pieces(run: (write: Send<string>, signal: AbortSignal) => Promise<void>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const gone = new AbortController()
  let isOver = false
  let roomFor: (() => void)[] = []
  const makeRoom = (): void => {
    const waiting = roomFor
    roomFor = []
    for (const go of waiting) go()
  }
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const write: Send<string> = async (text) => {
          if (isOver || gone.signal.aborted) return
          controller.enqueue(encoder.encode(text))
          if ((controller.desiredSize ?? 0) <= 0) await new Promise<void>((resolve) => roomFor.push(resolve))
        }
        // Not awaited: a stream that has not started gives nothing to its reader.
        void run(write, gone.signal).then(
          () => {
            isOver = true
            if (!gone.signal.aborted) controller.close()
          },
          (error: unknown) => {
            isOver = true
            if (!gone.signal.aborted) controller.error(error)
          },
        )
      },
      pull: makeRoom,
      cancel() {
        gone.abort()
        makeRoom()
      },
    },
    { highWaterMark: 4 },
  )
}
