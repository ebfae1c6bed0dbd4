/** What the commands about the past of a data directory share: how they open it, and how they print values. */
import type { Acl } from '@lightkeeper/client'
import { nodeRuntime, stderrLog } from '@lightkeeper/runtime/node'
import {
  type Change,
  kindOf,
  PastDirectory,
  type PastZnode,
  remotePast,
  ttlMsOf,
  type ValueDiff,
  valueDiff,
  type WriteStep,
} from '@lightkeeper/tools'
import { type Connecting, UsageError } from './command.ts'
import { connectionOf } from './connect.ts'
import type { Moment } from './kinds.ts'
import { adminPages } from './live.ts'
import { hexOf, printable, textOf } from './output.ts'

interface PastValues {
  readonly 'data-dir'?: string | undefined
  readonly 'log-dir'?: string | undefined
}

/**
 * The past of a directory, or that of a running server of ours by its admin port.
 * @throws UsageError where the command line names neither; Error where there are no files of a server, or it may not be read.
 */
export async function openPast(values: PastValues, connecting: Connecting): Promise<PastDirectory> {
  const { 'data-dir': dataDir, 'log-dir': logDir } = values
  if (dataDir !== undefined) return PastDirectory.open(nodeRuntime({ log: stderrLog('warn') }).disk, dataDir, logDir)
  const connection = await connectionOf(connecting)
  if (connection.admin === undefined) {
    throw new UsageError(
      'needs --data-dir, the data directory of a server, or --admin, the admin port of a server of ours',
    )
  }
  return remotePast(await adminPages(connection, connection.admin))
}

/** The last transaction at that time. @throws Error where the logs begin later. */
export async function zxidAt(moment: Moment, directory: PastDirectory): Promise<bigint> {
  if (typeof moment === 'bigint') return moment
  const zxid = await directory.zxidAt(moment.getTime())
  if (zxid === 0n) throw new Error(`there is no transaction before ${moment.toISOString()} in the logs`)
  return zxid
}

/** A value with more bytes is cut, and the line says so. */
const shownBytesMax = 200

export function valueText(data: Uint8Array | undefined): string {
  if (data === undefined) return 'unknown'
  const shown = data.subarray(0, shownBytesMax)
  const text = textOf(data)
  const cut = data.length > shownBytesMax ? `… (${data.length} bytes)` : ''
  if (text === undefined) return `hex ${Buffer.from(shown).toString('hex')}${cut}`
  return `"${printable(cut === '' ? text : text.slice(0, shownBytesMax))}"${cut}`
}

/** The kind of a znode in one word: `persistent`, `ttl=60000`. */
export function kindText({ ephemeralOwner }: PastZnode): string {
  const kind = kindOf(ephemeralOwner)
  if (kind === 'ttl') return `ttl=${ttlMsOf(ephemeralOwner)}`
  return kind === 'ephemeral' ? `ephemeral owner=${hexOf(ephemeralOwner)}` : kind
}

/** As `inspect` prints it: digests of passwords do not belong on a screen. */
export function aclText(acl: readonly Acl[]): string {
  const idOf = ({ scheme, id }: Acl['id']): string => (scheme === 'digest' ? `${id.split(':')[0]}:x` : id)
  return acl.map(({ perms, id }) => `${perms}:${id.scheme}:${idOf(id)}`).join(',')
}

/** The lines below a change. */
export function diffLines(diff: ValueDiff): string[] {
  switch (diff.kind) {
    case 'same':
      return ['the data is the same']
    case 'unknown':
      return ['what was there before is not known']
    case 'bytes':
      return [`${diff.before} bytes before, ${diff.after} now; they differ from byte ${diff.firstDifference} on`]
    case 'json':
      return diff.members.map(({ pointer, before, after }) => {
        const where = pointer === '' ? 'all of it' : pointer
        if (before === undefined) return `${where}: new, ${JSON.stringify(after)}`
        if (after === undefined) return `${where}: gone, was ${JSON.stringify(before)}`
        return `${where}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`
      })
    case 'text':
      return diff.lines.map(({ sign, text }) => `${sign} ${text}`)
  }
}

/** One change, as lines for people. `withPath` where the question does not give the path. */
export function changeText(change: Change, withPath: boolean): string {
  const { kind, path, zxid, time, session, before, after } = change
  const head = `${hexOf(zxid)} ${timeText(time)} session=${hexOf(session)} ${kind}${withPath ? ` ${path}` : ''}`
  const lines = [`${head} ${summaryOf(change)}`.trim()]
  if (kind === 'changed') lines.push(...diffLines(valueDiff(before?.data, after?.data)).map((line) => `  ${line}`))
  return lines.map((line) => `${printable(line)}\n`).join('')
}

function summaryOf({ kind, before, after }: Change): string {
  if (kind === 'created' && after !== undefined) {
    return `${kindText(after)} acl=${aclText(after.acl)} ${valueText(after.data)}`
  }
  if (kind === 'changed' && after !== undefined) return `version=${after.version} bytes=${after.data?.length}`
  if (kind === 'acl changed' && after !== undefined) {
    return `aversion=${after.aversion} acl=${aclText(after.acl)}${before === undefined ? '' : ` was ${aclText(before.acl)}`}`
  }
  return before === undefined ? '' : `${kindText(before)} version=${before.version} ${valueText(before.data)}`
}

/** The same change for programs. */
export function changeFacts(change: Change): object {
  const { kind, before, after } = change
  return kind === 'changed' ? { ...change, diff: valueDiff(before?.data, after?.data) } : { ...change }
}

export function timeText(time: number): string {
  // A time in a log may be no valid date.
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? `time=${time}` : date.toISOString()
}

/** One write of a plan, for people. */
export function stepText(step: WriteStep): string {
  switch (step.kind) {
    case 'set':
      return `set ${step.path} to ${valueText(step.data)} if its version is ${step.version}`
    case 'delete':
      return `delete ${step.path} if its version is ${step.version}`
    case 'set acl':
      return `set the ACL of ${step.path} to ${aclText(step.acl)} if its aversion is ${step.aversion}`
    case 'create': {
      const mode = typeof step.mode === 'object' ? `ttl=${step.mode.ttl}` : step.mode
      return `create ${step.path} ${mode} acl=${aclText(step.acl)} ${valueText(step.data)} if it does not exist`
    }
  }
}
