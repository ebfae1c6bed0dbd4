/** Attempts to connect, as the subscribers of `lightkeeper.connect` see them: from the dial to the first request or the failure. */
import type { Runtime, TraceSpan } from '@lightkeeper/runtime'

export class AttemptTrace {
  readonly #span: TraceSpan
  #end: ((error?: Error) => void) | undefined

  constructor(runtime: Runtime) {
    this.#span = runtime.trace.span('lightkeeper.connect')
  }

  begin(context: { readonly server: string; readonly epoch: number; readonly sessionId: bigint }): void {
    this.end(new Error('given up'))
    if (!this.#span.hasSubscribers) return
    const attempt = new Promise<void>((resolve, reject) => {
      this.#end = (error) => (error === undefined ? resolve() : reject(error))
    })
    this.#span.around(() => attempt, context).catch(() => {})
  }

  /** Without an error: the attempt succeeded. Does nothing where no attempt is under way. */
  end(error?: Error): void {
    const end = this.#end
    this.#end = undefined
    end?.(error)
  }
}
