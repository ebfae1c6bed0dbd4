/** `setquota`, `listquota`, `delquota`: the znodes below /zookeeper/quota that a server reads. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { isWithin, joinPath, parentPath } from '@lightkeeper/protocol'
import { parseQuota, type QuotaValues, quotaPaths, quotaRoot, quotaText } from '@lightkeeper/tools'
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
    throw new UsageError('wants a limit: --count, --bytes, --count-hard or --bytes-hard')
  if (path === '/' || isWithin(path, quotaRoot)) throw new UsageError(`${path} cannot have a quota`)
  const zk = await connect()
  if ((await zk.exists(path, { signal })) === undefined)
    throw new KeeperError('NO_NODE', { path, operation: 'setquota' })
  await checkPlace(zk, path)
  const { place, limits, usage } = quotaPaths(path)
  const before = await zk.find(limits, { signal })
  const after = before === undefined ? given : { ...quotaIn(before.data), ...given }
  const data = quotaText(after)
  if (before === undefined) {
    await zk.ensure(place, { signal })
    await zk.create(limits, data, { signal })
    await zk.create(usage, quotaText({ count: 0n, bytes: 0n }), { idempotent: true, signal })
  } else await zk.set(limits, data, { version: before.stat.version, signal })
  const used = quotaIn((await zk.get(usage, { signal })).data)
  for (const note of exceeded(after, used)) out.note(note)
  if (out.isJson) out.result(numbersIn({ path, limits: after, usage: used }), '')
  return undefined
}

/** A server counts a change for one quota alone, so none may be above or below another. */
async function checkPlace(zk: Client, path: ZnodePath): Promise<void> {
  if ((await zk.exists(quotaRoot)) === undefined) {
    throw new Error(`there is no ${quotaRoot}: a connection with a chroot does not reach the quotas of a server`)
  }
  for (let above = parentPath(path); above !== '/'; above = parentPath(above)) {
    if ((await zk.exists(quotaPaths(above).limits)) !== undefined)
      throw new Error(`${path} lies below ${above}, which has a quota`)
  }
  const found = await quotaBelow(zk, quotaPaths(path).place)
  if (found !== undefined) throw new Error(`${found.slice(quotaRoot.length)} below ${path} has a quota`)
}

/** The place of a quota below `place`. */
async function quotaBelow(zk: Client, place: ZnodePath): Promise<ZnodePath | undefined> {
  for (const name of await childrenOf(zk, place)) {
    if (name === 'zookeeper_limits' || name === 'zookeeper_stats') continue
    const each = joinPath(place, name)
    if ((await childrenOf(zk, each)).includes('zookeeper_limits')) return each
    const below = await quotaBelow(zk, each)
    if (below !== undefined) return below
  }
  return undefined
}

async function childrenOf(zk: Client, path: ZnodePath): Promise<readonly string[]> {
  try {
    return (await zk.children(path)).children
  } catch (error) {
    if (KeeperError.is(error, 'NO_NODE')) return []
    throw error
  }
}

function quotaIn(data: Uint8Array): QuotaValues {
  return parseQuota(new TextDecoder().decode(data))
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
  const zk = await connect()
  const { limits, usage } = quotaPaths(path)
  const [limit, used] = await Promise.all([zk.find(limits, { signal }), zk.find(usage, { signal })])
  if (limit === undefined) throw new Error(`${path} has no quota`)
  const lines = [`Output quota for ${path} ${textIn(limit.data)}`]
  if (used !== undefined) lines.push(`Output stat for ${path} ${textIn(used.data)}`)
  const facts = { path, limits: quotaIn(limit.data), ...(used !== undefined && { usage: quotaIn(used.data) }) }
  out.result(numbersIn(facts), lines.map(printable).join('\n'))
  return undefined
}

function textIn(data: Uint8Array): string {
  return quotaText(quotaIn(data))
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
  const { place, limits, usage } = quotaPaths(path)
  const found = await zk.find(limits, { signal })
  if (found === undefined) throw new Error(`${path} has no quota`)
  const named = entries.filter(([option]) => values[option])
  if (named.length === 0) {
    for (const each of [limits, usage]) await zk.delete(each, { idempotent: true, signal })
    await trim(zk, place)
    if (out.isJson) out.result({ path, limits: null }, '')
    return undefined
  }
  const left: { -readonly [K in keyof QuotaValues]: bigint } = { ...quotaIn(found.data) }
  for (const [, key] of named) left[key] = -1n
  await zk.set(limits, quotaText(left), { version: found.stat.version, signal })
  if (out.isJson) out.result(numbersIn({ path, limits: left }), '')
  return undefined
}

/** Places that contain no quota any more. */
async function trim(zk: Client, place: ZnodePath): Promise<void> {
  for (let each = place; each !== quotaRoot; each = parentPath(each)) {
    try {
      await zk.delete(each, { idempotent: true })
    } catch (error) {
      if (KeeperError.is(error, 'NOT_EMPTY')) return
      throw error
    }
  }
}
