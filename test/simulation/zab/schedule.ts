/** One schedule: servers, proposals and faults by chance, then the end of all faults, after which everything has to come together. */
import type { DiskBugs } from './disk.ts'
import { Ensemble, modelTimes } from './ensemble.ts'

export interface SchedulePlan {
  /** 3, 4 or 5; by chance where it is left out. */
  readonly voters?: number
  /** Group and weight of each voter, for up to five; without it all count the same. */
  readonly shares?: readonly (readonly [group: number, weight: number])[]
  readonly diskBugs?: DiskBugs
  /** Gets what happens. */
  readonly trace?: string[]
  /** Every so often, on average, a server makes a snapshot and purges its log, so that others need an image. */
  readonly purgeMs?: number
  /** Checks only safety, not whether the servers reach the same state again. */
  readonly isSafetyOnly?: boolean
  /** Clients ask all servers for syncs. By default in one of eight schedules. */
  readonly syncs?: boolean
  /** How long faults last, in milliseconds of the model. */
  readonly faultMs?: number
}

export interface ScheduleReport {
  readonly events: number
  readonly committed: number
  readonly elections: number
}

/** @throws ZabViolation */
export function runSchedule(seed: number, plan: SchedulePlan = {}): ScheduleReport {
  const first = (Math.imul(seed, 0x9e37_79b1) >>> 8) % 8
  const voters = plan.voters ?? (first < 4 ? 3 : first < 7 ? 5 : 4)
  const ensemble = new Ensemble(seed, {
    voters,
    observers: seed % 4 === 0 ? 1 : 0,
    refusesCuts: seed % 8 === 5,
    ...plan,
  })
  const { random, events, hosts, network } = ensemble
  ensemble.trace = plan.trace
  const end = plan.faultMs ?? 4000 + random.below(6000)
  const heals: (() => void)[] = []
  for (const host of hosts) events.after(random.below(50), () => host.start())

  const crash = (sid: number): void => {
    const host = ensemble.host(sid)
    if (!host.isAlive) return
    host.crash()
    events.after(random.below(1500), () => {
      if (!host.isAlive) {
        ensemble.failingDisks.delete(sid)
        host.start()
      }
    })
  }
  const anySid = (): number => 1 + random.below(hosts.length)
  /** The server that leads or is about to, more often than others. */
  const interesting = (): number => {
    const candidate = hosts.find(({ peer }) => peer?.leader !== undefined)
    return candidate !== undefined && random.oneIn(2) ? candidate.sid : anySid()
  }
  const cut = (from: number, to: number): void => {
    if (from === to) return
    const heal = network.cut(from, to)
    heals.push(heal)
    events.after(200 + random.below(4000), heal)
  }
  const faults: readonly (() => void)[] = [
    () => crash(interesting()),
    () => crash(interesting()),
    () => {
      for (const host of hosts) if (!random.oneIn(4)) crash(host.sid)
    },
    () => cut(interesting(), anySid()),
    () => {
      const [a, b] = [interesting(), anySid()]
      cut(a, b)
      cut(b, a)
    },
    () => {
      const sid = interesting()
      for (const host of hosts) {
        cut(sid, host.sid)
        if (random.oneIn(2)) cut(host.sid, sid)
      }
    },
    () => {
      if (network.links.length > 0) network.breakLink(random.pick(network.links))
    },
    () => void ensemble.slowDisks.add(interesting()),
    () => ensemble.slowDisks.clear(),
    () => {
      const sid = interesting()
      ensemble.failingDisks.add(sid)
      events.after(300 + random.below(700), () => crash(sid))
    },
    () => {
      const host = ensemble.host(anySid())
      if (host.isAlive) host.snapshot(random.oneIn(2))
    },
    () => {
      const host = ensemble.host(anySid())
      if (host.isAlive) host.snapshot(true)
    },
  ]
  const pace = 100 + random.below(900)
  const nextFault = (): void => {
    if (events.now >= end) return
    random.pick(faults)()
    events.after(random.below(pace * 2), nextFault)
  }
  events.after(random.below(1000), nextFault)

  const { purgeMs } = plan
  const nextPurge = (): void => {
    if (purgeMs === undefined || events.now >= end) return
    const host = ensemble.host(anySid())
    if (host.isAlive) host.snapshot(true)
    events.after(random.below(purgeMs * 2), nextPurge)
  }
  nextPurge()

  const load = 10 + random.below(200)
  const syncs = plan.syncs ?? seed % 8 === 7
  /** Then nobody writes to it: behind a write that is not committed no sync is answered. */
  const isCutOff = (sid: number): boolean =>
    hosts.some((other) => network.isCut(sid, other.sid) || network.isCut(other.sid, sid))
  const nextProposal = (): void => {
    if (events.now >= end) return
    for (const host of hosts) if (host.role === 'leading' && !(syncs && isCutOff(host.sid))) ensemble.propose(host)
    events.after(random.below(load * 2), nextProposal)
  }
  events.after(300, nextProposal)

  const nextSync = (): void => {
    if (events.now >= end) return
    for (const host of hosts) host.sync()
    events.after(random.below(load * 2), nextSync)
  }
  if (syncs) events.after(300, nextSync)

  const crashOdds = random.pick([0, 0, 30, 100])
  if (crashOdds > 0) {
    ensemble.onDelivered = (sid) => {
      if (events.now < end && random.oneIn(crashOdds)) crash(sid)
    }
  }

  ensemble.runUntil(() => events.now >= end, end + 1000)
  ensemble.onDelivered = undefined
  for (const heal of heals) heal()
  ensemble.slowDisks.clear()
  ensemble.failingDisks.clear()
  for (const host of hosts) {
    if (host.peer?.state === 'failed') host.crash()
    if (!host.isAlive) host.start()
  }
  if (plan.isSafetyOnly !== true) endWell(ensemble)
  return { events: events.count, committed: ensemble.checker.committed.length, elections: ensemble.leader?.epoch ?? 0 }
}

/** Without faults all servers serve again soon, and new writes reach every server. */
export function endWell(ensemble: Ensemble): void {
  const { checker, hosts } = ensemble
  const limit = 3 * (modelTimes.initLimit + modelTimes.syncLimit) * modelTimes.tickMs
  if (!ensemble.runUntil(() => ensemble.allServe, limit)) {
    const states = hosts.map(
      ({ sid, peer, role }) => `${sid} ${role ?? peer?.learner?.state ?? peer?.leader?.state ?? peer?.state}`,
    )
    checker.fail('Liveness', `after ${limit} ms without faults: ${states.join(', ')}`)
  }
  const before = checker.committed.length
  // A leader that steps down right behind it takes the first with it, so the next one gets another.
  let proposer = 0
  const isDone = (): boolean =>
    ensemble.allServe &&
    (proposer === ensemble.leader?.epoch || propose()) &&
    checker.committed.length > before &&
    hosts.every(({ tree }) => tree.length === checker.committed.length)
  const propose = (): boolean => {
    proposer = ensemble.leader?.epoch ?? 0
    return ensemble.propose()
  }
  if (ensemble.runUntil(isDone, limit)) return
  const counts = hosts.map(({ sid, tree }) => `${sid} has ${tree.length}`)
  checker.fail('Liveness', `of ${checker.committed.length} committed transactions ${counts.join(', ')}`)
}
