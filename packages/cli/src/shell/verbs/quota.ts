/** `setquota`, `listquota`, `delquota`: the znodes below /zookeeper/quota that a server reads. */
import { isWithin } from '@lightkeeper/protocol'
import {
  deleteQuota,
  type QuotaValues,
  quotaPaths,
  quotaRoot,
  quotaText,
  readQuota,
  writeQuota,
} from '@lightkeeper/tools'
import { UsageError } from '../../command.ts'
import { printable } from '../../output.ts'
import type { listquota as listSpec } from '../../table/shell-read.ts'
import type { delquota as delSpec, setquota as setSpec } from '../../table/shell-write.ts'
import type { Verb } from '../verb.ts'

/** Options and what they are called in the text of a quota. */
const names = {
  count: 'count',
  bytes: 'bytes',
  'count-hard': 'countHardLimit',
  'bytes-hard': 'byteHardLimit',
} as const satisfies Record<string, keyof QuotaValues>
const entries = Object.entries(names) as [keyof typeof names, keyof QuotaValues][]

export const setquota: Verb<typeof setSpec> = async ({ values, args, out, signal, connect }) => {
  const { path } = args
  const given: { -readonly [K in keyof QuotaValues]: bigint } = {}
  for (const [option, key] of entries) {
    const value = values[option]
    if (value === undefined) continue
    if (value === 0 && option.startsWith('count')) throw new UsageError(`--${option} must be more than 0`)
    given[key] = BigInt(value)
  }
  if (Object.keys(given).length === 0)
    throw new UsageError('needs a limit: --count, --bytes, --count-hard or --bytes-hard')
  if (path === '/' || isWithin(path, quotaRoot)) throw new UsageError(`${path} cannot have a quota`)
  const zk = await connect()
  const before = await readQuota(zk, path, signal)
  const after = { ...before?.limits, ...given }
  await writeQuota(zk, path, after, before?.version, signal)
  const usage = (await readQuota(zk, path, signal))?.usage
  for (const note of exceeded(after, usage ?? {})) out.note(note)
  if (out.isJson) out.result(numbersIn({ path, limits: after, usage }), '')
  return undefined
}

function exceeded(limits: QuotaValues, used: QuotaValues): string[] {
  const over = (limit: bigint | undefined, is: bigint | undefined): boolean =>
    limit !== undefined && limit >= 0n && is !== undefined && is > limit
  const notes: string[] = []
  if (over(limits.count, used.count) || over(limits.countHardLimit, used.count)) {
    notes.push(`there are ${used.count} znodes already, more than the limit`)
  }
  if (over(limits.bytes, used.bytes) || over(limits.byteHardLimit, used.bytes)) {
    notes.push(`there are ${used.bytes} bytes already, more than the limit`)
  }
  return notes
}

export const listquota: Verb<typeof listSpec> = async ({ args, out, signal, connect }) => {
  const { path } = args
  const found = await readQuota(await connect(), path, signal)
  if (found === undefined) throw new Error(`${path} has no quota`)
  const { limits, usage } = found
  const lines = [`Output quota for ${path} ${quotaText(limits)}`]
  if (usage !== undefined) lines.push(`Output stat for ${path} ${quotaText(usage)}`)
  const facts = { path, limits, ...(usage !== undefined && { usage }) }
  out.result(numbersIn(facts), lines.map(printable).join('\n'))
  return undefined
}

/** Limits are numbers in JSON, not ids. */
function numbersIn(facts: Readonly<Record<string, unknown>>): object {
  return JSON.parse(
    JSON.stringify(facts, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)),
  ) as object
}

export const delquota: Verb<typeof delSpec> = async ({ values, args, out, signal, connect }) => {
  const { path } = args
  const zk = await connect()
  const found = await readQuota(zk, path, signal)
  if (found === undefined) throw new Error(`${path} has no quota`)
  const named = entries.filter(([option]) => values[option])
  if (named.length === 0) {
    await deleteQuota(zk, path, undefined, signal)
    if (out.isJson) out.result({ path, limits: null }, '')
    return undefined
  }
  const left: { -readonly [K in keyof QuotaValues]: bigint } = { ...found.limits }
  for (const [, key] of named) left[key] = -1n
  await zk.set(quotaPaths(path).limits, quotaText(left), { version: found.version, signal })
  if (out.isJson) out.result(numbersIn({ path, limits: left }), '')
  return undefined
}
