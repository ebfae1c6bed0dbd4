/** What a diagnosis says: findings, each with what shows it and what to do next. */

/**
 * `critical`: data is lost or cannot be served, or members disagree. `warning`: it will go wrong, or something already does.
 * `note`: worth knowing; nothing is wrong.
 */
export type Severity = 'critical' | 'warning' | 'note'

export interface Finding {
  /** A stable name, for programs and for the page that explains it. */
  readonly name: FindingName
  /** How bad it is. */
  readonly severity: Severity
  /** One sentence that says what is the matter. */
  readonly what: string
  /** The file, the server or the znode. */
  readonly where: string
  /** The facts that show it. */
  readonly evidence: readonly string[]
  /** The next command, or the next step. */
  readonly next: string
}

/** Every name; docs/operations/doctor.md explains each. */
export const findingNames = [
  // Files of a directory.
  'zeros-in-log',
  'damaged-record',
  'damage-behind-snapshot',
  'log-cut',
  'log-missing',
  'transactions-missing',
  'history-repeats',
  'acknowledged-missing',
  'ends-before-snapshot',
  'torn-end',
  'log-ends-inside-record',
  'empty-log',
  'torn-header',
  'damaged-snapshot',
  'no-usable-snapshot',
  'misplaced-files',
  'bad-epoch',
  'epoch-not-accepted',
  'cannot-start',
  'digest-mismatch',
  'old-files',
  'set-aside-files',
  'disk-nearly-full',
  'clock-went-back',
  'clock-ahead',
  // The tree.
  'large-znode',
  'many-children',
  'world-writable',
  'open-below-protected',
  'orphaned-ephemerals',
  'unreadable-znodes',
  'not-all-znodes',
  // Sessions and watches.
  'sessions-expire',
  'brief-sessions',
  'clients-reconnect',
  'many-watches',
  'watches-of-missing',
  // One server.
  'unreachable',
  'not-serving',
  'log-failed',
  'words-refused',
  'known-bug',
  'slow-disk',
  'slow-requests',
  'requests-wait',
  'descriptors-nearly-used',
  'connections-near-limit',
  'clock-differs',
  // Several.
  'no-leader',
  'several-leaders',
  'separate-servers',
  'no-spare-member',
  'member-behind',
  'versions-differ',
  'settings-differ',
  'members-differ',
] as const

export type FindingName = (typeof findingNames)[number]

const order: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, note: 2 }

/** The worst first; equal ones stay in their order. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => order[a.severity] - order[b.severity])
}

/** Whether something is wrong: anything but notes. */
export function isWrong(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity !== 'note')
}

/** A number of bytes for people. */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const
  let at = 0
  let value = bytes
  for (; value >= 1024 && at < units.length - 1; at++) value /= 1024
  return `${at === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[at]}`
}

/** A time span for people. */
export function spanText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} minutes`
  return `${Math.round(ms / 3_600_000)} hours`
}

/** The first few of many, and how many there are. */
export function someOf(items: readonly string[], total = items.length, shown = 3): string {
  const named = items.slice(0, shown).join(', ')
  return total > shown ? `${named} and ${total - Math.min(shown, items.length)} more` : named
}
