/** Seam: whoever wants to hear what is going on. Costs a look at a flag where nobody does. */

/** A message for every listener, as it happens. */
export interface TraceChannel {
  readonly hasSubscribers: boolean
  publish(message: object): void
}

/** A piece of work from its start to its end; listeners may carry a context of their own along (AsyncLocalStorage). */
export interface TraceSpan {
  readonly hasSubscribers: boolean
  /** Runs `work` and tells when it starts, settles or fails. `context` is what listeners get, the same object each time. */
  around<T>(work: () => Promise<T>, context: object): Promise<T>
}

export interface Trace {
  channel(name: string): TraceChannel
  span(name: string): TraceSpan
}

const nobody: TraceChannel = { hasSubscribers: false, publish() {} }
const nothing: TraceSpan = { hasSubscribers: false, around: (work) => work() }

/** Nobody listens. */
export const silentTrace: Trace = { channel: () => nobody, span: () => nothing }
