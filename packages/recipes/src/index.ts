/** What people use ZooKeeper for, on nothing but the public face of the client. */
export { type Discovery, type DiscoveryOptions, discovery } from './discovery/discovery.ts'
export type { Format, FormatName } from './discovery/format.ts'
export type { Registering, ServiceInstance } from './discovery/instance.ts'
export type { OutlierOptions } from './discovery/outliers.ts'
export type { InstanceChange, RegisterOptions, Registration } from './discovery/registration.ts'
export type { Acquired, Freshness, ResolveOptions, Resolver } from './discovery/resolver.ts'
export {
  type Balancer,
  consistentHash,
  leastOutstanding,
  random,
  roundRobin,
  type Strategy,
  type StrategyContext,
  sticky,
  weighted,
  zoneFirst,
} from './discovery/strategies.ts'
export { type Group, group, type JoinOptions, type Member } from './group/group.ts'
export type { Held } from './locks/held.ts'
export { type Lockable, type LockOptions, lock } from './locks/lock.ts'
export { type HeldAll, type MultiLock, multiLock } from './locks/multi-lock.ts'
export type { Participant } from './locks/participants.ts'
export { type ReadWriteLock, readWriteLock } from './locks/read-write-lock.ts'
export { type SemaphoreOptions, semaphore } from './locks/semaphore.ts'
export {
  type PersistentNode,
  type PersistentNodeOptions,
  type PersistentNodeState,
  persistentNode,
} from './persistent-node/persistent-node.ts'
