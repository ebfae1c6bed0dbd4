/** What all operations share: the way to the session, and how a write is completed when its reply is lost. */
import type { Reader, Writer, ZnodePath } from '@lightkeeper/protocol'
import type { Chroot } from '../connect-string.ts'
import type { CallOptions } from '../options.ts'
import { Budget, type BudgetHost } from '../session/budget.ts'
import type { Lost, RequestSpec } from '../session/request.ts'
import type { Session } from '../session/session.ts'
import type { SessionWatches } from '../watch/source.ts'
import { type Finding, recovered, recoveriesMax } from './recover.ts'

/** What an operation uses: the parts of one client. */
export class CallContext {
  readonly session: Session
  readonly chroot: Chroot
  readonly watches: SessionWatches

  constructor(session: Session, chroot: Chroot, watches: SessionWatches) {
    this.session = session
    this.chroot = chroot
    this.watches = watches
  }

  submit<T>(spec: RequestSpec<T>, { signal, timeout }: CallOptions): Promise<T> {
    return this.session.submit(spec, signal, timeout)
  }

  budget(operation: string, path: string | undefined, options: CallOptions): Budget {
    const { clock, random } = this.session.runtime
    const host: BudgetHost = { clock, random, vainMsMax: this.session.config.requestTimeout }
    return new Budget(host, operation, path, options)
  }
}

/**
 * A write: the request, what its reply means, and how to look at the tree when the reply is lost. Each kind of write is a class
 * that keeps in fields what a call needs, so that a call makes no closures.
 */
export abstract class Write<T> implements RequestSpec<T> {
  abstract readonly type: number
  abstract readonly operation: string
  readonly path: ZnodePath | undefined
  /**
   * Whether an equal state, which another client may have made, counts as success. Undefined: a lost reply fails the call at once.
   */
  readonly acceptsEqual: boolean | undefined
  protected readonly context: CallContext
  #recoveries = 0

  constructor(context: CallContext, path: ZnodePath | undefined, acceptsEqual: boolean | undefined) {
    this.context = context
    this.path = path
    this.acceptsEqual = acceptsEqual
  }

  abstract encode(writer: Writer): void
  abstract decode(reader: Reader, zxid: bigint): T
  /** Judges, from the state of the tree, what happened to the write. */
  protected abstract look(lost: Lost): Promise<Finding<T>>

  get isRecoverable(): boolean {
    return this.acceptsEqual !== undefined && this.#recoveries < recoveriesMax
  }

  recover(lost: Lost): Promise<T> {
    const resend = (): Promise<T> => {
      this.#recoveries++
      // The call that waits for this request ends it too, and looks at the tree before it sends.
      return this.context.submit(this, lost.limits)
    }
    return recovered(lost, () => this.look(lost), resend, this.acceptsEqual === true)
  }
}
