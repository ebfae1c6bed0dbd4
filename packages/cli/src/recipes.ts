/** `lightkeeper/recipes`. */
export { type Held, type Lockable, type LockOptions, lock, type Participant } from '@lightkeeper/recipes'
