/** Seam: channels on which client and server publish events. Without subscribers the cost is one look at a flag. */

/** Messages for every listener, published as things happen. */
export interface TraceChannel {
  /** Whether there is a listener: without one, nothing needs to be published. */
  readonly hasSubscribers: boolean
  /** Gives a message to every listener. */
  publish(message: object): void
}

/** A piece of work from start to end; listeners may attach a context of their own (AsyncLocalStorage). */
export interface TraceSpan {
  /** Whether there is a listener: without one, `around` is not needed. */
  readonly hasSubscribers: boolean
  /**
   * Runs `work` and publishes when it starts, settles or fails. Listeners get `context`, the same object each time.
   */
  around<T>(work: () => Promise<T>, context: object): Promise<T>
}

export interface Trace {
  /** The channel of this name. */
  channel(name: string): TraceChannel
  /** The span of this name. */
  span(name: string): TraceSpan
}

const nobody: TraceChannel = { hasSubscribers: false, publish() {} }
const nothing: TraceSpan = { hasSubscribers: false, around: (work) => work() }

/** A trace without listeners. */
export const silentTrace: Trace = { channel: () => nobody, span: () => nothing }
