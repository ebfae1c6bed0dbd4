/** What people use ZooKeeper for, on nothing but the public face of the client. */
export type { Held } from './locks/held.ts'
export { type Lockable, type LockOptions, lock } from './locks/lock.ts'
export { type HeldAll, type MultiLock, multiLock } from './locks/multi-lock.ts'
export type { Participant } from './locks/participants.ts'
export { type ReadWriteLock, readWriteLock } from './locks/read-write-lock.ts'
export { type SemaphoreOptions, semaphore } from './locks/semaphore.ts'
