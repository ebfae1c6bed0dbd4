/**
 * Decides which instance gets the next call. A strategy makes one balancer for each resolver. The resolver updates the balancer
 * whenever the instances change, so the balancer can then prepare fast picks.
 */
import type { Random } from '@lightkeeper/client'
import { callable } from '@lightkeeper/client/arguments'
import { text } from '../arguments/values.ts'
import { answerOf } from '../common/call-safely.ts'
import type { ServiceInstance } from './instance.ts'

/** Chooses an instance for each call. */
export interface Balancer {
  /** From now on `pick` chooses among these instances; none has weight 0. */
  update(instances: readonly ServiceInstance[]): void
  /** `key`: the subject of the call, for strategies that use the same instance for the same key. */
  pick(key: string | undefined): ServiceInstance | undefined
}

/** What a strategy gets from its resolver. */
export interface StrategyContext {
  /** Random numbers, for strategies that choose by chance. */
  readonly random: Random
  /** How many calls made with `acquire` are under way to the instance. */
  outstanding(instance: ServiceInstance): number
}

/** Makes a balancer for a resolver. `roundRobin`, `random`, `weighted` and others are strategies. */
export type Strategy = (context: StrategyContext) => Balancer

/** A uniform random number in [0, 1) with 31 bits. */
const fraction = (random: Random): number => random.below(0x8000_0000) / 0x8000_0000

/** A random instance; all have the same chance. */
export const random: Strategy = (context) => {
  let all: readonly ServiceInstance[] = []
  return {
    update(instances) {
      all = instances
    },
    pick: () => (all.length === 0 ? undefined : all[context.random.below(all.length)]),
  }
}

/** A random instance; its chance follows its weight. */
export const weighted: Strategy = (context) => {
  let all: readonly ServiceInstance[] = []
  let sums = new Float64Array(0)
  return {
    update(instances) {
      all = instances
      sums = new Float64Array(instances.length)
      // As parts of the heaviest one: a sum of the weights themselves may be infinite.
      const heaviest = heaviestOf(instances)
      let sum = 0
      for (const [i, { weight }] of instances.entries()) {
        sum += weight / heaviest
        sums[i] = sum
      }
    },
    pick() {
      const total = sums.at(-1)
      return total === undefined ? undefined : all[firstAbove(sums, fraction(context.random) * total)]
    },
  }
}

/** One instance after the other, by id. Ignores weights. */
export const roundRobin: Strategy = () => {
  let all: readonly ServiceInstance[] = []
  let last: string | undefined
  let at = -1
  return {
    update(instances) {
      all = [...instances].sort(byId)
      // Continues after the last one, even if instances came or went.
      at = last === undefined ? -1 : all.findLastIndex(({ id }) => id <= (last as string))
    },
    pick() {
      if (all.length === 0) return undefined
      at = (at + 1) % all.length
      const next = all[at] as ServiceInstance
      last = next.id
      return next
    },
  }
}

/** The same instance until it goes, then another one by weight. */
export const sticky: Strategy = (context) => {
  const others = weighted(context)
  let current: ServiceInstance | undefined
  return {
    update(instances) {
      others.update(instances)
      current = instances.find(({ id }) => id === current?.id)
    },
    pick(key) {
      current ??= others.pick(key)
      return current
    },
  }
}

/** Compares two random instances and takes the one with fewer calls under way for its weight. Counts calls made with `acquire`. */
export const leastOutstanding: Strategy = (context) => {
  const any = weighted(context)
  const load = (instance: ServiceInstance): number => (context.outstanding(instance) + 1) / instance.weight
  return {
    update: (instances) => any.update(instances),
    pick(key) {
      const [one, two] = [any.pick(key), any.pick(key)]
      return one === undefined || two === undefined || load(one) <= load(two) ? one : two
    },
  }
}

/** Points on the ring for an instance of weight 1. A few instances of weight 100 must not make millions of points. */
const pointsOfOne = 100
const pointsMax = 1_000

/**
 * The same instance for the same key, by weight. When instances come or go, only their share of the keys moves. Without a key, a
 * random instance by weight.
 */
export const consistentHash: Strategy = (context) => {
  const keyless = weighted(context)
  let ring: { readonly points: Uint32Array; readonly owners: readonly ServiceInstance[] } | undefined
  let all: readonly ServiceInstance[] = []
  return {
    update(instances) {
      all = instances
      ring = undefined
      keyless.update(instances)
    },
    pick(key) {
      if (key === undefined || all.length === 0) return keyless.pick(key)
      ring ??= ringOf(all)
      const { points, owners } = ring
      const at = firstAbove(points, hash(key))
      return owners[at === points.length ? 0 : at]
    },
  }
}

function ringOf(instances: readonly ServiceInstance[]) {
  const heaviest = heaviestOf(instances)
  const unit = Math.min(pointsOfOne, pointsMax / heaviest)
  const made: { readonly point: number; readonly owner: ServiceInstance }[] = []
  for (const owner of instances) {
    const count = Math.max(1, Math.round(owner.weight * unit))
    for (let i = 0; i < count; i++) made.push({ point: hash(`${owner.id}\n${i}`), owner })
  }
  // Equal points are sorted by id, so that every consumer makes the same ring.
  made.sort((a, b) => a.point - b.point || byId(a.owner, b.owner))
  return { points: Uint32Array.from(made, ({ point }) => point), owners: made.map(({ owner }) => owner) }
}

/** Picks by `strategy` among the instances of `zone`, or among all where the zone has none. */
export function zoneFirst(zone: string, strategy: Strategy): Strategy {
  text(zone, 'zone', 'zoneFirst')
  callable(strategy, 'strategy', 'zoneFirst')
  return (context) => {
    const balancer = answerOf(strategy(context))
    return {
      update(instances) {
        const near = instances.filter((instance) => instance.zone === zone)
        balancer.update(near.length > 0 ? near : instances)
      },
      pick: (key) => balancer.pick(key),
    }
  }
}

function heaviestOf(instances: readonly ServiceInstance[]): number {
  return instances.reduce((most, { weight }) => Math.max(most, weight), 0)
}

function byId(a: ServiceInstance, b: ServiceInstance): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/** Index of the first element above `value` in ascending numbers; the number of elements where there is none. */
function firstAbove(ascending: Float64Array | Uint32Array, value: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] as number) > value) high = middle
    else low = middle + 1
  }
  return low
}

/** 32 bits of a text, well mixed: FNV-1a, then the finish of MurmurHash3. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
