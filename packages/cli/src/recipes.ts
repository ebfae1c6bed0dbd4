/** `lightkeeper/recipes`. */
export {
  type Held,
  type HeldAll,
  type Lockable,
  type LockOptions,
  lock,
  type MultiLock,
  multiLock,
  type Participant,
  type ReadWriteLock,
  readWriteLock,
  type SemaphoreOptions,
  semaphore,
} from '@lightkeeper/recipes'
