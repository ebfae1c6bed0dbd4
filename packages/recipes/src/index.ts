/** What people use ZooKeeper for, on nothing but the public face of the client. */
export { type Barrier, barrier } from './barrier/barrier.ts'
export { type DoubleBarrier, type DoubleBarrierOptions, doubleBarrier, type Inside } from './barrier/double-barrier.ts'
export { type Cache, type CacheOptions, cache } from './cache/cache.ts'
export type { CacheChange, CacheEntry, Freshness } from './cache/view.ts'
export type { WaitOptions } from './common/limit.ts'
export {
  type Configuration,
  type ConfigurationChange,
  type ConfigurationOptions,
  type ConfigurationSource,
  type ConfigurationStore,
  configuration,
} from './configuration/configuration.ts'
export { type Counted, type Counter, type CounterOptions, counter } from './counter/counter.ts'
export type { CounterFormat, CounterFormats } from './counter/format.ts'
export { type Assignment, assign } from './partitioner/assign.ts'
export { type Partitioner, type PartitionerOptions, partitioner } from './partitioner/partitioner.ts'
export {
  type Consumer,
  type DelayQueue,
  delayQueue,
  type LayoutOption,
  type PriorityQueue,
  priorityQueue,
  type Queue,
  type QueueItem,
  type QueueOptions,
  queue,
} from './queue/queue.ts'
export { type SharedValue, type SharedValueOptions, sharedValue } from './shared-value/shared-value.ts'
