/** What people build on ZooKeeper; uses only the public API of the client. */

export { type Barrier, barrier } from './barrier/barrier.ts'
export { type DoubleBarrier, type DoubleBarrierOptions, doubleBarrier, type Inside } from './barrier/double-barrier.ts'
export { type Cache, type CacheOptions, cache } from './cache/cache.ts'
export type { CacheChange, CacheEntry } from './cache/view.ts'
export { type EndCode, EndedError } from './common/ended.ts'
export type { Freshness } from './common/freshness.ts'
export type { LeaveOptions, LeftBehind } from './common/leaving.ts'
export type { WaitOptions } from './common/limit.ts'
export type { ConfigurationChange } from './configuration/changes.ts'
export { type ConfigurationOptions, configuration } from './configuration/configuration.ts'
export type { Configuration, ConfigurationSource, ConfigurationStore } from './configuration/live.ts'
export { type Counted, type Counter, type CounterOptions, counter } from './counter/counter.ts'
export type { CounterFormat, CounterFormats } from './counter/format.ts'
export { type Discovery, type DiscoveryOptions, discovery } from './discovery/discovery.ts'
export type { Format } from './discovery/format.ts'
export type { FormatName } from './discovery/formats.ts'
export type { InstanceChange, Registering, ServiceInstance } from './discovery/instance.ts'
export type { OutlierOptions } from './discovery/outliers.ts'
export type { RegisterOptions, Registration } from './discovery/registration.ts'
export type { Acquired, ResolveOptions, Resolver } from './discovery/resolver.ts'
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
export type { CandidateOptions, Election } from './election/candidacy.ts'
export { type ElectionOptions, election } from './election/election.ts'
export { masterElection } from './election/master.ts'
export type { Leader } from './election/observe.ts'
export type { Term } from './election/term.ts'
export { type Group, type GroupOptions, group, type JoinOptions } from './group/group.ts'
export type { GroupLayout, Member } from './group/layout.ts'
export type { Held } from './locks/held.ts'
export { type Lockable, type LockOptions, lock } from './locks/lock.ts'
export { type HeldAll, type MultiLock, multiLock } from './locks/multi-lock.ts'
export type { Participant } from './locks/participants.ts'
export { type ReadWriteLock, readWriteLock } from './locks/read-write-lock.ts'
export { type SemaphoreOptions, semaphore } from './locks/semaphore.ts'
export { type Assignment, assign } from './partitioner/assign.ts'
export { type Partitioner, type PartitionerOptions, partitioner } from './partitioner/partitioner.ts'
export {
  type PersistentNode,
  type PersistentNodeOptions,
  type PersistentNodeState,
  persistentNode,
} from './persistent-node/persistent-node.ts'
export type { QueueItem } from './queue/claimed.ts'
export {
  type Consumer,
  type DelayQueue,
  delayQueue,
  type LayoutOption,
  type PriorityQueue,
  priorityQueue,
  type Queue,
  queue,
} from './queue/queue.ts'
export type { QueueOptions } from './queue/site.ts'
export { type SharedValue, type SharedValueOptions, sharedValue } from './shared-value/shared-value.ts'
