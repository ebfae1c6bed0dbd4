/** The way of every call: from a user's path and options to a request of the session. */
import { type KeeperError, keeperCodes, type Reader, type Writer, type ZnodePath } from '@lightkeeper/protocol'
import type { Chroot } from '../connect-string.ts'
import type { CallOptions, ReadOptions } from '../options.ts'
import type { Session } from '../session/session.ts'
import { checkPath } from '../transaction.ts'
import type { OneShotKind } from '../watch/registry.ts'
import { type Finding, recovered, recoveriesMax } from './recover.ts'
import type { Lost, RequestSpec } from './request.ts'

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
    const { type, operation, path, recovery } = call
    const own = path === undefined ? '' : this.chroot.toServer(path)
    const spec: RequestSpec<T> = {
      type,
      operation,
      path,
      write: (writer) => call.write(writer, own),
      read: call.read,
      isRepeatable: call.isRepeatable === true,
    }
    if (recovery !== undefined && recoveries < recoveriesMax) {
      // What is sent again is bound by the call that waits for it, which looks before it sends.
      const resend = (): Promise<T> => this.call(call, {}, recoveries + 1)
      spec.recover = (lost) => recovered(lost, () => recovery.look(lost), resend, recovery.acceptsEqual)
    }
    return this.session.submit(spec, options.signal, options.timeout)
  }

  /** A read of one znode, with a one-shot watch of `kind` where the options ask for it. */
  read<T extends object>(
    operation: string,
    type: number,
    path: ZnodePath,
    options: ReadOptions,
    kind: OneShotKind,
    read: (reader: Reader, zxid: bigint) => T,
    onMissing?: (zxid: bigint) => T,
  ): Promise<T> {
    try {
      checkPath(path, operation)
    } catch (error) {
      return Promise.reject(error as KeeperError)
    }
    const own = this.chroot.toServer(path)
    const watch = options.watch ?? false
    const { watches } = this.session
    const watched = (value: T, as: OneShotKind): T =>
      watch ? { ...value, changed: watches.changed(as, own, path) } : value
    const spec: RequestSpec<T> = {
      type,
      operation,
      path,
      write(writer) {
        writer.ustring(own)
        // A persistent watch at the path hears the same; servers before 3.9 would turn it into a one-shot.
        writer.boolean(watch && (kind === 'children' || !watches.isPersistent(own)))
      },
      read: (reader, zxid) => watched(read(reader, zxid), kind),
      isRepeatable: true,
    }
    if (onMissing !== undefined) {
      spec.onError = (err, zxid) =>
        err === keeperCodes.NO_NODE.number ? { value: watched(onMissing(zxid), 'exists') } : undefined
    }
    return this.session.submit(spec, options.signal, options.timeout)
  }
}
