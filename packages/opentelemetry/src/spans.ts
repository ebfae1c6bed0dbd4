/** Spans of requests and of attempts to connect, each from the message that starts it to the one that ends it. */
import { KeeperError } from '@lightkeeper/client'
import { type Attributes, type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import { errorType, type ServerAttributes } from './names.ts'

interface Traced {
  /** Connected to, or tried; empty before the first attempt. */
  readonly server: string
  readonly sessionId: bigint
  readonly epoch: number
  /** There once it has failed. */
  readonly error?: unknown
}

/** A message of `lightkeeper.request`: the same object from start to end. */
export interface Call extends Traced {
  readonly operation: string
  readonly path?: string | undefined
}

/** A message of `lightkeeper.connect`. */
export type Attempt = Traced

interface Started {
  readonly span: Span
  /** Monotonic milliseconds. */
  readonly at: number
}

export class Spans {
  readonly #tracer: Tracer
  readonly #servers: ServerAttributes
  /** Where a message holds what this began for it: messages live as long as requests, and a map of them costs more. */
  readonly #key = Symbol('span')
  /** The session named last, for requests come many of one. */
  #session = 0n
  #name = ''

  constructor(tracer: Tracer, servers: ServerAttributes) {
    this.#tracer = tracer
    this.#servers = servers
  }

  /** Published within the call of the user, so the active context is the caller's. */
  callStarted(call: Call): void {
    const { operation, path, server } = call
    const attributes: Attributes = {
      ...this.#servers.of(server),
      'db.operation.name': operation,
      'zookeeper.epoch': call.epoch,
    }
    if (path !== undefined) attributes['zookeeper.path'] = path
    if (call.sessionId !== 0n) attributes['zookeeper.session.id'] = this.#sessionName(call.sessionId)
    const name = server === '' ? operation : `${operation} ${server}`
    this.#start(call, this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }))
  }

  attemptStarted(attempt: Attempt): void {
    const attributes: Attributes = { ...this.#servers.of(attempt.server), 'zookeeper.epoch': attempt.epoch }
    if (attempt.sessionId !== 0n) attributes['zookeeper.session.id'] = this.#sessionName(attempt.sessionId)
    // A reconnect runs in the context in which the client was made; spans from there have ended long ago.
    const root = attempt.sessionId !== 0n || attempt.epoch > 0
    const options = { kind: SpanKind.CLIENT, attributes, root }
    this.#start(attempt, this.#tracer.startSpan(`connect ${attempt.server}`, options))
  }

  #start(message: Traced, span: Span): void {
    ;(message as Marked)[this.#key] = { span, at: performance.now() }
  }

  #sessionName(sessionId: bigint): string {
    if (sessionId === this.#session) return this.#name
    this.#session = sessionId
    this.#name = `0x${BigInt.asUintN(64, sessionId).toString(16)}`
    return this.#name
  }

  /** Returns how long it took, in seconds; undefined where its start was not heard. */
  ended(message: Traced): number | undefined {
    const started = (message as Marked)[this.#key]
    if (started === undefined) return undefined
    const { error } = message
    if (error !== undefined) fail(started.span, error)
    started.span.end()
    return (performance.now() - started.at) / 1000
  }
}

type Marked = Traced & { [key: symbol]: Started | undefined }

/** Errors are recorded by code and outcome: a message may quote a codec or a server. */
function fail(span: Span, error: unknown): void {
  const type = errorType(error)
  span.setAttribute('error.type', type)
  if (!KeeperError.is(error)) {
    span.setStatus({ code: SpanStatusCode.ERROR })
    return
  }
  span.setAttribute('zookeeper.outcome', error.outcome)
  // The server answered so; other codes are the client's own.
  if (error.outcome === 'rejected') span.setAttribute('db.response.status_code', type)
  span.setStatus({ code: SpanStatusCode.ERROR, message: `${type}, ${error.outcome}` })
}
