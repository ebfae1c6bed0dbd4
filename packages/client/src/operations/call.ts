/** The way of every call: from a user's path and options to a request of the session. */
import { keeperCodes, opCode, type Reader, type Writer, type ZnodePath } from '@lightkeeper/protocol'
import type { Chroot } from '../connect-string.ts'
import type { CallOptions, ReadOptions } from '../options.ts'
import type { Lost, RequestSpec } from '../session/request.ts'
import type { Session } from '../session/session.ts'
import type { OneShotKind, WatchRegistry } from '../session/watch-registry.ts'
import { type Finding, recovered, recoveriesMax } from './recover.ts'

/** How a lost reply of a write is looked into. */
export interface Recovery<T> {
  look(lost: Lost): Promise<Finding<T>>
  /** Whether an equal state that somebody else may have made counts as success. */
  readonly acceptsEqual: boolean
}

export interface CallSpec<T> {
  readonly operation: string
  readonly type: number
  readonly path?: ZnodePath | undefined
  /** `own` is the path as the server knows it. */
  write(writer: Writer, own: string): void
  read(reader: Reader, zxid: bigint): T
  readonly isRepeatable?: boolean
  readonly recovery?: Recovery<T> | undefined
}

export class Calls {
  readonly session: Session
  readonly chroot: Chroot

  constructor(session: Session, chroot: Chroot) {
    this.session = session
    this.chroot = chroot
  }

  call<T>(call: CallSpec<T>, options: CallOptions, recoveries = 0): Promise<T> {
    const own = call.path === undefined ? '' : this.chroot.toServer(call.path)
    const spec = new Sent(this, call, own, recoveries)
    return this.session.submit(spec, options.signal, options.timeout)
  }

  /** Whether a znode exists, by its path on the server, whatever the chroot. */
  isThere(own: ZnodePath, options: CallOptions): Promise<boolean> {
    const spec: RequestSpec<boolean> = {
      type: opCode.exists,
      operation: 'exists',
      path: own,
      isRepeatable: true,
      write(writer) {
        writer.ustring(own)
        writer.boolean(false)
      },
      read: () => true,
      // Refused to look: then it is there.
      onError: (err) => ({ value: err !== keeperCodes.NO_NODE.number }),
    }
    return this.session.submit(spec, options.signal, options.timeout)
  }

  /** A read of one znode, with a one-shot watch of `kind` where the options ask for it. */
  read<T extends object | undefined>(
    operation: string,
    type: number,
    path: ZnodePath,
    options: ReadOptions,
    kind: OneShotKind,
    read: (reader: Reader) => T,
    onMissing?: () => T,
  ): Promise<T> {
    const own = this.chroot.toServer(path)
    const spec = new Read(
      operation,
      type,
      path,
      own,
      kind,
      options.watch ?? false,
      this.session.watches,
      read,
      onMissing,
    )
    return this.session.submit(spec, options.signal, options.timeout)
  }
}

/** A request of `call`. A class, as `Read`: what it needs is kept in fields, with no functions made for each. */
class Sent<T> implements RequestSpec<T> {
  readonly operation: string
  readonly type: number
  readonly path: string | undefined
  readonly isRepeatable: boolean
  readonly #calls: Calls
  readonly #call: CallSpec<T>
  readonly #own: string
  readonly #recoveries: number

  constructor(calls: Calls, call: CallSpec<T>, own: string, recoveries: number) {
    this.operation = call.operation
    this.type = call.type
    this.path = call.path
    this.isRepeatable = call.isRepeatable === true
    this.#calls = calls
    this.#call = call
    this.#own = own
    this.#recoveries = recoveries
  }

  write(writer: Writer): void {
    this.#call.write(writer, this.#own)
  }

  read(reader: Reader, zxid: bigint): T {
    return this.#call.read(reader, zxid)
  }

  get isRecoverable(): boolean {
    return this.#call.recovery !== undefined && this.#recoveries < recoveriesMax
  }

  recover(lost: Lost): Promise<T> {
    const { recovery } = this.#call
    if (recovery === undefined) return Promise.reject(lost.error)
    // What is sent again is bound by the call that waits for it, which looks before it sends.
    const resend = (): Promise<T> => this.#calls.call(this.#call, {}, this.#recoveries + 1)
    return recovered(lost, () => recovery.look(lost), resend, recovery.acceptsEqual)
  }
}

/** A read of one znode that may leave a one-shot watch. */
class Read<T extends object | undefined> implements RequestSpec<T> {
  readonly operation: string
  readonly type: number
  readonly path: ZnodePath
  readonly isRepeatable = true
  readonly #own: string
  readonly #kind: OneShotKind
  readonly #watch: boolean
  readonly #watches: WatchRegistry
  readonly #read: (reader: Reader) => T
  readonly #onMissing: (() => T) | undefined

  constructor(
    operation: string,
    type: number,
    path: ZnodePath,
    own: string,
    kind: OneShotKind,
    watch: boolean,
    watches: WatchRegistry,
    read: (reader: Reader) => T,
    onMissing: (() => T) | undefined,
  ) {
    this.operation = operation
    this.type = type
    this.path = path
    this.#own = own
    this.#kind = kind
    this.#watch = watch
    this.#watches = watches
    this.#read = read
    this.#onMissing = onMissing
  }

  write(writer: Writer): void {
    writer.ustring(this.#own)
    // A persistent watch at the path hears the same; servers before 3.9 would turn it into a one-shot.
    writer.boolean(this.#watch && (this.#kind === 'children' || !this.#watches.isPersistent(this.#own)))
  }

  read(reader: Reader): T {
    return this.#watched(this.#read(reader), this.#kind)
  }

  onError(err: number): { readonly value: T } | undefined {
    if (this.#onMissing === undefined || err !== keeperCodes.NO_NODE.number) return undefined
    return { value: this.#watched(this.#onMissing(), 'exists') }
  }

  #watched(value: T, as: OneShotKind): T {
    return this.#watch ? { ...value, changed: this.#watches.changed(as, this.#own, this.path) } : value
  }
}
