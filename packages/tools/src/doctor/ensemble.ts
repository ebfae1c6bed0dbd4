/** Findings about several servers that one connect string names. */
import { formatHex } from '@lightkeeper/protocol'
import type { Finding } from './finding.ts'
import type { ServerFacts } from './server-facts.ts'

/** Members are asked one after the other, so that they need not be at the same transaction. */
const lagMax = 10_000n
const clockMsMax = 1_000

/** Settings in which members should not differ. */
const sharedSettings = [
  'tickTime',
  'initLimit',
  'syncLimit',
  'minSessionTimeout',
  'maxSessionTimeout',
  'maxClientCnxns',
  'electionAlg',
] as const

export function* findingsInEnsemble(all: readonly ServerFacts[]): Generator<Finding> {
  const serving = all.filter(({ failure, isNotServing }) => failure === undefined && !isNotServing)
  const where = all.map(({ address }) => address).join(',')
  yield* leaderFindings(all, serving, where)
  if (serving.length < 2) return
  yield* lagFindings(serving)
  yield* unequalFindings(serving, where)
  const clocks = serving.flatMap(({ address, clockAheadMs }) =>
    clockAheadMs === undefined ? [] : [{ address, clockAheadMs }],
  )
  const ordered = clocks.sort((a, b) => a.clockAheadMs - b.clockAheadMs)
  const [slowest, fastest] = [ordered[0], ordered.at(-1)]
  if (slowest !== undefined && fastest !== undefined && fastest.clockAheadMs - slowest.clockAheadMs > clockMsMax) {
    yield {
      name: 'clock-differs',
      severity: 'warning',
      what: 'The clocks of the members differ. Times of znodes jump when another member leads.',
      where: fastest.address,
      evidence: [`it is ${Math.round(fastest.clockAheadMs - slowest.clockAheadMs)} ms ahead of ${slowest.address}`],
      next: 'Let a time service run on every member: chronyc tracking',
    }
  }
}

function* leaderFindings(
  all: readonly ServerFacts[],
  serving: readonly ServerFacts[],
  where: string,
): Generator<Finding> {
  const having = (mode: ServerFacts['mode']): ServerFacts[] => serving.filter((each) => each.mode === mode)
  const leaders = having('leader')
  const alone = having('standalone')
  const lines = (facts: readonly ServerFacts[]): string[] => facts.map(({ address, mode }) => `${address}: ${mode}`)
  if (all.length > 1 && alone.length > 0) {
    yield {
      name: 'separate-servers',
      severity: 'critical',
      what: 'The servers do not belong together: at least one stands alone, with data of its own. Clients see one or the other.',
      where,
      evidence: lines(serving),
      next: 'Give each the same server.N lines in zoo.cfg, and a myid; decide first whose data is right: lightkeeper diff / --to-server OTHER',
    }
  }
  if (leaders.length > 1) {
    yield {
      name: 'several-leaders',
      severity: 'critical',
      what: 'More than one server says that it leads: they are two ensembles, or one of them was cut off a moment ago.',
      where,
      evidence: lines(leaders),
      next: `Ask again; if it stays, compare their server.N lines: lightkeeper doctor -s ${where}`,
    }
  }
  const isLost = all.length > serving.length && leaders.length === 0 && alone.length === 0
  if (isLost && serving.every(({ mode }) => mode === 'read-only' || mode === undefined)) {
    yield {
      name: 'no-leader',
      severity: 'critical',
      what: 'No server leads: the ensemble has no majority and serves no writes.',
      where,
      evidence: all.map(
        ({ address, failure, isNotServing }) =>
          `${address}: ${failure ?? (isNotServing ? 'not serving' : 'serves reads only')}`,
      ),
      next: 'Start the members that are missing; on the machine of one that does not start: lightkeeper doctor DATA_DIR',
    }
  }
  for (const { address, figures } of leaders) {
    const [followers, size] = [figures.get('synced_followers'), figures.get('quorum_size')]
    if (followers === undefined || size === undefined || size < 2) continue
    // A majority is more than half.
    const spare = followers + 1 - (Math.floor(size / 2) + 1)
    if (spare > 0) continue
    yield {
      name: 'no-spare-member',
      severity: 'warning',
      what: 'No further member may fail: then there is no majority, and the ensemble stops.',
      where: address,
      evidence: [`${followers} of ${size - 1} followers are in step with the leader`],
      next:
        size % 2 === 0 && followers === size - 1
          ? 'An even number of members bears no more failures than one less: add a member.'
          : `Bring the missing members back: lightkeeper doctor -s ALL,MEMBERS`,
    }
  }
}

function* lagFindings(serving: readonly ServerFacts[]): Generator<Finding> {
  const newest = serving.reduce((a, b) => ((a.lastZxid ?? 0n) >= (b.lastZxid ?? 0n) ? a : b))
  if (serving.some(({ mode }) => mode === 'standalone')) return
  for (const { address, lastZxid } of serving) {
    if (lastZxid === undefined || newest.lastZxid === undefined) continue
    if (newest.lastZxid - lastZxid <= lagMax) continue
    yield {
      name: 'member-behind',
      severity: 'warning',
      what: 'A member is far behind the others: its clients read old data.',
      where: address,
      evidence: [
        `its last transaction is ${formatHex(lastZxid)}, that of ${newest.address} is ${formatHex(newest.lastZxid)}`,
      ],
      next: `Look at its disk and network: lightkeeper doctor -s ${address}`,
    }
  }
}

function* unequalFindings(serving: readonly ServerFacts[], where: string): Generator<Finding> {
  const versions = new Map(
    serving.flatMap(({ address, version }) => (version === undefined ? [] : [[address, version]])),
  )
  if (new Set(versions.values()).size > 1) {
    yield {
      name: 'versions-differ',
      severity: 'warning',
      what: 'The members run different versions. That is right during an upgrade only.',
      where,
      evidence: [...versions].map(([address, version]) => `${address}: ${version}`),
      next: 'Finish the upgrade.',
    }
  }
  for (const key of sharedSettings) {
    const values = new Map(
      serving.flatMap(({ address, settings }) => (settings.has(key) ? [[address, settings.get(key) ?? '']] : [])),
    )
    if (new Set(values.values()).size < 2) continue
    yield {
      name: 'settings-differ',
      severity: 'warning',
      what: `The members have different values of ${key}: what clients get depends on the member.`,
      where,
      evidence: [...values].map(([address, value]) => `${address}: ${key}=${value}`),
      next: `Give each the same ${key} in zoo.cfg, and restart one after the other.`,
    }
  }
  const seen = new Map<bigint, { readonly address: string; readonly digest: string }>()
  for (const { address, digests } of serving) {
    for (const [zxid, digest] of digests) {
      const other = seen.get(zxid)
      if (other === undefined) seen.set(zxid, { address, digest })
      else if (other.digest !== digest) {
        yield {
          name: 'members-differ',
          severity: 'critical',
          what: 'Two members have different trees: clients read one or the other.',
          where: address,
          evidence: [
            `behind transaction ${formatHex(zxid)} its digest is ${digest}, that of ${other.address} is ${other.digest}`,
          ],
          next: `See where they differ: lightkeeper diff / -s ${address} --to-server ${other.address}`,
        }
        break
      }
    }
  }
}
