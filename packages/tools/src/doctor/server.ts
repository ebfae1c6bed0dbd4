/** Findings about one server, from what it says about itself. */
import { formatHex } from '@lightkeeper/protocol'
import { type Finding, someOf, spanText } from './finding.ts'
import { flappingSince } from './reconnects.ts'
import { askedWords, type ServerFacts } from './server-facts.ts'

const syncAverageMsMax = 20
const syncMsMax = 1000
/** Fewer syncs say nothing about a disk. */
const syncsMin = 10
const latencyAverageMsMax = 100
const waitingMax = 500
const nearShare = 0.8
const watchesOfSessionMany = 50_000
const watchesMany = 1_000_000
/** To watch what does not exist yet is usual, for a few paths. */
const missingMany = 100
const clockMsMax = 5_000

/** Releases with a defect that loses data or stops servers, and what mends it. */
const badReleases: ReadonlyMap<string, readonly [what: string, next: string]> = new Map([
  [
    '3.9.3',
    [
      'Apache ZooKeeper 3.9.3 may lose transactions when a member follows a new leader (ZOOKEEPER-4925).',
      'Upgrade to 3.9.4 or later.',
    ],
  ],
])

/** `exists` says whether a path exists; undefined where the tree was not read. */
export function* findingsInServer(facts: ServerFacts, exists?: (path: string) => boolean): Generator<Finding> {
  const { address: where, failure, missing } = facts
  if (failure !== undefined) {
    yield {
      name: 'unreachable',
      severity: 'critical',
      what: 'The server cannot be reached.',
      where,
      evidence: [failure],
      next: 'Is it running, and does nothing block the port? On its machine: lightkeeper doctor DATA_DIR',
    }
    return
  }
  if (facts.isNotServing) {
    yield {
      name: 'not-serving',
      severity: 'critical',
      what: 'The server runs and serves no clients: it has no majority of members, or is reading its data.',
      where,
      evidence: ['it answers "not currently serving requests"'],
      next: 'Look at the other members, and at its log: lightkeeper doctor -s ALL,MEMBERS',
    }
    return
  }
  yield* stateFindings(facts)
  yield* speedFindings(facts)
  yield* limitFindings(facts)
  yield* watchFindings(facts, exists)
  const { figures } = facts
  const uptimeMs = figures.get('uptime')
  if (uptimeMs !== undefined) {
    yield* flappingSince(
      {
        uptimeMs,
        sessions: figures.get('global_sessions') ?? 0,
        expired: figures.get('stale_sessions_expired') ?? 0,
        revalidated: figures.get('connection_revalidate_count') ?? 0,
      },
      where,
    )
  }
  if (missing.length > 0) {
    yield {
      name: 'words-refused',
      severity: 'note',
      what: 'The server does not answer everything, so this diagnosis does not see all of it.',
      where,
      evidence: [`no answer to ${missing.join(', ')}, neither on the client port nor on an admin page`],
      next: `Allow the words in zoo.cfg, and restart: 4lw.commands.whitelist=${askedWords.join(',')}`,
    }
  }
}

function* stateFindings({ address: where, logFailure, mode, version, clockAheadMs }: ServerFacts): Generator<Finding> {
  if (logFailure !== undefined) {
    yield {
      name: 'log-failed',
      severity: 'critical',
      what: 'The log of the server has failed: it acknowledges no writes until it is restarted.',
      where,
      evidence: [`ruok: ${logFailure}`],
      next: 'Look at its disk (df, dmesg), mend it, and restart the server.',
    }
  } else if (mode === 'read-only') {
    yield {
      name: 'not-serving',
      severity: 'critical',
      what: 'The server has no majority of members and serves reads only.',
      where,
      evidence: ['srvr: Mode: read-only'],
      next: 'Bring the other members back: lightkeeper doctor -s ALL,MEMBERS',
    }
  }
  const bad = version === undefined ? undefined : badReleases.get(version)
  if (bad !== undefined) {
    yield { name: 'known-bug', severity: 'warning', what: bad[0], where, evidence: [`srvr: ${version}`], next: bad[1] }
  }
  if (clockAheadMs !== undefined && Math.abs(clockAheadMs) > clockMsMax) {
    yield {
      name: 'clock-differs',
      severity: 'warning',
      what: 'The clock of the server differs from the clock of this machine. Times of znodes and TTLs are by its clock.',
      where,
      evidence: [`it is ${spanText(Math.abs(clockAheadMs))} ${clockAheadMs > 0 ? 'ahead' : 'behind'}`],
      next: 'Compare both with a time service: chronyc tracking',
    }
  }
}

function* speedFindings({ address: where, figures }: ServerFacts): Generator<Finding> {
  const figure = (name: string): number => figures.get(name) ?? 0
  const [average, most] = [figure('avg_fsynctime'), figure('max_fsynctime')]
  const exceeded = figure('fsync_threshold_exceed_count')
  const isSlow = figure('cnt_fsynctime') >= syncsMin && (average > syncAverageMsMax || most > syncMsMax)
  if (isSlow || exceeded > 0) {
    yield {
      name: 'slow-disk',
      severity: 'warning',
      what: 'The disk of the log is slow. Every write waits for it.',
      where,
      evidence: [
        `a sync takes ${spanText(average)} on average and took ${spanText(most)} at most (${figure('cnt_fsynctime')} syncs)`,
        ...(exceeded > 0 ? [`${exceeded} syncs took longer than fsync.warningthresholdms`] : []),
      ],
      next: 'Give the log a disk of its own that syncs fast (dataLogDir); to see it now: iostat -x 1',
    }
  }
  const latency = figure('avg_latency')
  if (latency > latencyAverageMsMax) {
    yield {
      name: 'slow-requests',
      severity: 'warning',
      what: 'Requests take long.',
      where,
      evidence: [`${spanText(latency)} on average, ${spanText(figure('max_latency'))} at most`],
      next: `See whether reads or writes are slow: lightkeeper bench -s ${where}`,
    }
  }
  const waiting = figure('outstanding_requests')
  if (waiting > waitingMax) {
    yield {
      name: 'requests-wait',
      severity: 'warning',
      what: 'Requests wait in the server: it gets more than it can do.',
      where,
      evidence: [`${waiting} are outstanding`],
      next: `See what each session has under way and did last: lightkeeper sessions -s ${where}`,
    }
  }
}

function* limitFindings({ address: where, figures, settings, connections }: ServerFacts): Generator<Finding> {
  const [open, most] = [figures.get('open_file_descriptor_count'), figures.get('max_file_descriptor_count')]
  if (open !== undefined && most !== undefined && most > 0 && open > most * nearShare) {
    yield {
      name: 'descriptors-nearly-used',
      severity: 'warning',
      what: 'The server has nearly as many files and connections open as the system lets it.',
      where,
      evidence: [`${open} of ${most} file descriptors`],
      next: `Raise the limit of the service (LimitNOFILE=, ulimit -n), and see who connects: lightkeeper sessions -s ${where}`,
    }
  }
  const limit = Number(settings.get('maxClientCnxns') ?? 0)
  if (limit > 0 && connections !== undefined) {
    const byHost = new Map<string, number>()
    for (const { address } of connections) {
      const host = hostOf(address)
      byHost.set(host, (byHost.get(host) ?? 0) + 1)
    }
    const near = [...byHost].filter(([, count]) => count >= limit * nearShare).sort(([, a], [, b]) => b - a)
    if (near.length > 0) {
      yield {
        name: 'connections-near-limit',
        severity: 'warning',
        what: 'A client address has nearly as many connections as one may have. More are refused.',
        where,
        evidence: near.slice(0, 3).map(([host, count]) => `${host}: ${count} of ${limit} (maxClientCnxns)`),
        next: `Let programs share one client, or raise maxClientCnxns where many are behind one address; to see them: lightkeeper sessions -s ${where}`,
      }
    }
  }
}

function* watchFindings(facts: ServerFacts, exists: ((path: string) => boolean) | undefined): Generator<Finding> {
  const { address: where, watches = new Map<bigint, readonly string[]>(), figures, connections = [] } = facts
  const addressOf = new Map(connections.map(({ session, address }) => [session, address]))
  const who = (session: bigint): string =>
    `session ${formatHex(session)} of ${addressOf.get(session) ?? 'an unknown address'}`
  const total = figures.get('watch_count') ?? 0
  const large = [...watches].filter(([, paths]) => paths.length >= watchesOfSessionMany)
  if (total > watchesMany || large.length > 0) {
    yield {
      name: 'many-watches',
      severity: 'warning',
      what: 'There are very many watches: perhaps a client adds watches and never removes them.',
      where,
      evidence: [
        ...(total > 0 ? [`${total} watches`] : []),
        ...large.slice(0, 3).map(([session, paths]) => `${who(session)}: ${paths.length}`),
      ],
      next: `Ask again in some minutes; if the number only grows, look at that program: lightkeeper sessions -s ${where} has its address`,
    }
  }
  if (exists === undefined) return
  const leaking = [...watches].flatMap(([session, paths]) => {
    const gone = paths.filter((path) => !exists(path))
    return gone.length >= missingMany ? [{ session, gone, count: paths.length }] : []
  })
  if (leaking.length > 0) {
    yield {
      name: 'watches-of-missing',
      severity: 'warning',
      what: 'A client watches many znodes that do not exist: it leaves watches behind (a watch leak).',
      where,
      evidence: leaking
        .slice(0, 3)
        .map(
          ({ session, gone, count }) =>
            `${who(session)}: ${gone.length} of ${count}, such as ${someOf(gone, gone.length, 2)}`,
        ),
      next: 'Look for code that asks "exists" with a watch for names that never come again, and let it remove the watch.',
    }
  }
}

/** The host of `host:port`. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'))
}
