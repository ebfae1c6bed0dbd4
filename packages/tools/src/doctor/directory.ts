/** Findings about a data directory, from the facts of its files. */
import { formatHex } from '@lightkeeper/protocol'
import type { ExaminedDirectory, ExaminedSnapshot } from '@lightkeeper/server'
import { bytesText, type Finding, someOf, spanText } from './finding.ts'
import { followHistory, type Place, remedyOf } from './history.ts'
import { flappingIn } from './sessions.ts'

/** Facts that the files do not contain. */
export interface Surroundings extends Place {
  /** The time of this machine, milliseconds since 1970. */
  readonly now: number
  /** The room of the file system, bytes; undefined where it is not known. */
  readonly space?: { readonly free: number; readonly total: number } | undefined
}

/** Apache keeps everything unless it is told to purge; more snapshots than this are a sign of that. */
const snapshotsMany = 10
const clockStepMs = 1000
const clockAheadMs = 60_000
const freeShareMin = 0.1

export function findingsInDirectory(facts: ExaminedDirectory, around: Surroundings): Finding[] {
  const { findings, isWhole } = followHistory(facts, around)
  const all = [
    ...findings,
    ...snapshotFindings(facts, around, isWhole),
    ...epochFindings(facts),
    ...placeFindings(facts, around),
    ...clockFindings(facts, around),
    ...flappingIn(facts.sessionHours, facts.logDirectory),
  ]
  const { start } = facts
  if (start.kind === 'refuses') {
    // A start looks at more than the facts of the files; whatever it refuses is said.
    if (!all.some(({ severity }) => severity === 'critical')) {
      all.push({
        name: 'cannot-start',
        severity: 'critical',
        what: 'Our server would not start on this directory.',
        where: around.directory,
        evidence: [start.reason],
        next: `Look at the place that it names: lightkeeper inspect ${around.directory}`,
      })
    }
    return all
  }
  if (start.digestMismatches > 0) {
    all.push({
      name: 'digest-mismatch',
      severity: 'critical',
      what: 'The tree does not have the digest that the log says: it differs from the one that clients saw.',
      where: facts.logDirectory,
      evidence: [`${start.digestMismatches} transactions behind which the digests differ`],
      next: `Compare the znodes with another member or a backup: lightkeeper diff / --to-server HOST:PORT`,
    })
  }
  if (start.orphans.length > 0) {
    all.push({
      name: 'orphaned-ephemerals',
      severity: 'warning',
      what: 'There are ephemerals whose session does not exist any more.',
      where: start.orphans[0] ?? '',
      evidence: [someOf(start.orphans)],
      next: 'Our server removes them when it starts; with another server delete them by any client.',
    })
  }
  return all
}

function* snapshotFindings(facts: ExaminedDirectory, { directory }: Place, isWhole: boolean): Generator<Finding> {
  const { snapshots } = facts
  const broken = snapshots.filter(({ problem }) => problem !== undefined)
  const evidence = broken.map(({ path, problem }) => `${path}: ${problem}`)
  const [first] = broken
  if (first !== undefined && broken.length === snapshots.length) {
    yield {
      name: 'no-usable-snapshot',
      severity: isWhole ? 'warning' : 'critical',
      what: isWhole
        ? 'No snapshot can be read. The logs reach back to the first transaction, so our server starts; Apache ZooKeeper does not.'
        : 'No snapshot can be read, and the logs do not hold everything.',
      where: facts.snapshotDirectory,
      evidence: evidence.slice(0, 5),
      next: isWhole
        ? `Start our server once, which writes a new snapshot, or make a backup: lightkeeper backup ${directory} TARGET`
        : remedyOf(facts, directory),
    }
  } else if (first !== undefined) {
    const isNewest = broken.includes(snapshots.at(-1) as ExaminedSnapshot)
    yield {
      name: 'damaged-snapshot',
      severity: 'warning',
      what: isNewest
        ? 'The newest snapshot cannot be read; an older one and the logs take its place.'
        : 'An older snapshot cannot be read; a newer one can.',
      where: first.path,
      evidence: evidence.slice(0, 5),
      next: `Make a backup, then remove the file: lightkeeper backup ${directory} TARGET`,
    }
  }
  if (snapshots.length > snapshotsMany) {
    const bytes = [...snapshots, ...facts.logs].reduce((sum, { size }) => sum + size, 0)
    yield {
      name: 'old-files',
      severity: 'warning',
      what: 'Old snapshots and logs are not removed: the disk will fill.',
      where: facts.snapshotDirectory,
      evidence: [`${snapshots.length} snapshots and ${facts.logs.length} logs, ${bytesText(bytes)}`],
      next: 'Set autopurge.purgeInterval=1 and autopurge.snapRetainCount=3 in zoo.cfg, and restart the server.',
    }
  }
}

function* epochFindings({ epochs, start, snapshotDirectory }: ExaminedDirectory): Generator<Finding> {
  if (epochs === undefined) return
  const next = 'Empty the directory, but for myid beside it, and start the server: it gets everything from the others.'
  if (epochs.problem !== undefined) {
    yield {
      name: 'bad-epoch',
      severity: 'critical',
      what: 'The files of the epochs cannot be: a member of an ensemble does not start with them.',
      where: snapshotDirectory,
      evidence: [epochs.problem],
      next,
    }
  } else if (start.kind === 'starts' && start.lastZxid >> 32n > BigInt(epochs.accepted)) {
    yield {
      name: 'epoch-not-accepted',
      severity: 'warning',
      what: 'The last transaction is of an epoch that this member never accepted: it has no vote until it has everything from a leader.',
      where: snapshotDirectory,
      evidence: [`the last transaction is ${formatHex(start.lastZxid)}, and acceptedEpoch says ${epochs.accepted}`],
      next: 'Start it; if it was put together from files of several servers, empty it before.',
    }
  }
}

function* placeFindings(facts: ExaminedDirectory, { directory, space }: Surroundings): Generator<Finding> {
  const [misplaced] = facts.misplaced
  if (misplaced !== undefined) {
    yield {
      name: 'misplaced-files',
      severity: 'critical',
      what: 'Logs or snapshots lie beside version-2 instead of in it: no server reads them.',
      where: misplaced,
      evidence: [someOf(facts.misplaced)],
      next: `Find out which of the two places is current, then move them: mv ${misplaced} ${facts.snapshotDirectory}/`,
    }
  }
  const aside = facts.others.filter((name) => /^(damaged|replaced)\./.test(name))
  if (aside.length > 0) {
    yield {
      name: 'set-aside-files',
      severity: 'note',
      what: 'There are files that an earlier start or restore has put aside.',
      where: directory,
      evidence: [someOf(aside)],
      next: `Remove them when nobody needs them any more; to see what they hold: lightkeeper inspect ${facts.logDirectory}/${aside[0]}`,
    }
  }
  if (space !== undefined && space.total > 0 && space.free < space.total * freeShareMin) {
    yield {
      name: 'disk-nearly-full',
      severity: 'warning',
      what: 'The disk is nearly full. A server whose log cannot grow stops accepting writes.',
      where: directory,
      evidence: [`${bytesText(space.free)} of ${bytesText(space.total)} are free`],
      next: `Find what is large: du -sh ${directory}/*`,
    }
  }
}

function* clockFindings(
  { clockStep, lastTime, logDirectory }: ExaminedDirectory,
  { now }: Surroundings,
): Generator<Finding> {
  if (clockStep !== undefined && clockStep.backMs > clockStepMs) {
    yield {
      name: 'clock-went-back',
      severity: 'warning',
      what: "The server's clock went back while it ran: times of znodes are wrong, and TTLs end late.",
      where: clockStep.path,
      evidence: [
        `transaction ${formatHex(clockStep.zxid)} is ${spanText(clockStep.backMs)} earlier than one before it`,
      ],
      next: 'Let a time service slew the clock instead of setting it: chronyc tracking',
    }
  }
  if (lastTime !== undefined && lastTime > now + clockAheadMs) {
    yield {
      name: 'clock-ahead',
      severity: 'warning',
      what: 'The last transaction is later than the clock of this machine.',
      where: logDirectory,
      evidence: [
        `the transaction is of ${new Date(lastTime).toISOString()}, this machine says ${new Date(now).toISOString()}`,
      ],
      next: 'Compare the clocks of both machines: chronyc tracking',
    }
  }
}
