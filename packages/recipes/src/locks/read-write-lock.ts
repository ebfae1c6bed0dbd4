/** Many readers or one writer, in the order of their requests. */
import type { Client, ZnodePath } from '@lightkeeper/client'
import { checkPlaceOrRoot } from '../arguments/places.ts'
import { LineLock, type Lockable, type LockOptions, lockOptions } from './lock.ts'

/** Two locks over one line: many may read together, one writes alone. */
export interface ReadWriteLock {
  /** The znode of the lock; contenders of both sides are its children. */
  readonly path: ZnodePath
  /** Any number of clients hold it at a time. Waits for every writer that asked before. */
  readonly read: Lockable
  /** One client holds it. Waits for every client that asked before. */
  readonly write: Lockable
}

/**
 * A lock with two sides, in the layout of Curator's `InterProcessReadWriteLock` or of kazoo's `ReadLock` and `WriteLock`. A client
 * that holds one side and asks for the other waits for itself. Sends nothing before `acquire`.
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
