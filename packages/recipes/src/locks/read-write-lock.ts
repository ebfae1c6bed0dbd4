/** Many readers or one writer, in the order of asking. */
import type { Client, ZnodePath } from '@lightkeeper/client'
import { checkPlaceOrRoot } from '../arguments/checks.ts'
import { LineLock, type Lockable, type LockOptions, lockOptions } from './lock.ts'

export interface ReadWriteLock {
  readonly path: ZnodePath
  /** Had by any number at a time, while no writer has asked before them. */
  readonly read: Lockable
  /** Had by one, when everybody who asked before it has left. */
  readonly write: Lockable
}

/**
 * A lock with two sides, in the layout of Curator's `InterProcessReadWriteLock` or of kazoo's `ReadLock` and `WriteLock`. To have
 * the one and ask for the other is to wait for oneself.
 */
export function readWriteLock(zk: Client, path: ZnodePath, options: LockOptions = {}): ReadWriteLock {
  checkPlaceOrRoot(zk, path, 'readWriteLock')
  const own = lockOptions(options, 'readWriteLock')
  const [read, write] =
    own.names === 'kazoo' ? (['__rlock__', '__lock__'] as const) : (['__READ__', '__WRIT__'] as const)
  return {
    path,
    read: new LineLock(zk, path, read, own, 'read lock'),
    write: new LineLock(zk, path, write, own, 'write lock'),
  }
}
