/** Spans of requests and of attempts to connect, each from the message that starts it to the one that ends it. */
import { KeeperError } from '@lightkeeper/client'
import { type Attributes, context, type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import { errorType, serverAttributes, system } from './names.ts'

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
  readonly #started = new WeakMap<Traced, Started>()

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  /** Told within the call of the user, so the active context is the caller's. */
  callStarted(call: Call): void {
    const { operation, path, server } = call
    const attributes: Attributes = {
      'db.system.name': system,
      'db.operation.name': operation,
      ...serverAttributes(server),
      ...sessionAttributes(call),
    }
    if (path !== undefined) attributes['zookeeper.path'] = path
    const name = server === '' ? operation : `${operation} ${server}`
    this.#start(call, this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }))
  }

  attemptStarted(attempt: Attempt): void {
    const attributes = {
      'db.system.name': system,
      ...serverAttributes(attempt.server),
      ...sessionAttributes(attempt),
    }
    // A reconnect runs in the context in which the client was made; whatever was traced there has long ended.
    const root = attempt.sessionId !== 0n || attempt.epoch > 0
    const options = { kind: SpanKind.CLIENT, attributes, root }
    this.#start(attempt, this.#tracer.startSpan(`connect ${attempt.server}`, options, context.active()))
  }

  #start(message: Traced, span: Span): void {
    this.#started.set(message, { span, at: performance.now() })
  }

  /** Returns how long it took, in seconds; undefined where its start was not heard. */
  ended(message: Traced): number | undefined {
    const started = this.#started.get(message)
    if (started === undefined) return undefined
    const { error } = message
    if (error !== undefined) fail(started.span, error)
    started.span.end()
    return (performance.now() - started.at) / 1000
  }
}

/** Errors are told by code and outcome: a message may quote what a codec or a server had to say. */
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

function sessionAttributes({ sessionId, epoch }: Traced): Attributes {
  if (sessionId === 0n) return { 'zookeeper.epoch': epoch }
  return { 'zookeeper.epoch': epoch, 'zookeeper.session.id': `0x${BigInt.asUintN(64, sessionId).toString(16)}` }
}
