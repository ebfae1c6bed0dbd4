/** `lightkeeper diff`: what differs between two subtrees, two clusters, or two moments. */
import type { Client, ZnodePath } from '@lightkeeper/client'
import {
  compareTrees,
  differencesBetween,
  type PastDifference,
  readWhole,
  type TreeDifference,
  typeText,
  valueDiff,
} from '@lightkeeper/tools'
import { type Connecting, type Run, UsageError } from '../command.ts'
import { connectBy, connectionOf } from '../connect.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import { aclText, diffLines, kindText, openPast, valueText, zxidAt } from '../past.ts'
import type { diff } from '../table/past.ts'

export const run: Run<typeof diff> = async ({ values, args, connecting }) => {
  const isPast = values.from !== undefined || values.to !== undefined || values['data-dir'] !== undefined
  const lines = isPast ? await pastLines(values, args.path, connecting) : await liveLines(values, args.path, connecting)
  for (let at = 0; at < lines.length; at += 1000) process.stdout.write(lines.slice(at, at + 1000).join(''))
  return values['exit-code'] && lines.length > 0 ? 1 : 0
}

type Values = Parameters<typeof run>[0]['values']

async function pastLines(values: Values, paths: readonly ZnodePath[], connecting: Connecting): Promise<string[]> {
  if (values.from === undefined) throw new UsageError('--from is missing: the earlier of two moments')
  if (paths.length > 1) throw new UsageError(`takes one path with --from, and got ${paths.join(' ')}`)
  const directory = await openPast(values, connecting)
  const from = await zxidAt(values.from, directory)
  const to = values.to === undefined ? await directory.lastZxid() : await zxidAt(values.to, directory)
  if (from > to) throw new UsageError(`--from ${hexOf(from)} is later than --to ${hexOf(to)}`)
  const found = await differencesBetween(directory, paths[0] ?? '/', from, to)
  return found.map(values.json ? (each) => jsonLine(pastFacts(each)) : pastText)
}

async function liveLines(values: Values, paths: readonly ZnodePath[], connecting: Connecting): Promise<string[]> {
  const { 'to-server': server, 'to-profile': profile } = values
  const isOther = server !== undefined || profile !== undefined
  const [a, b = isOther ? a : undefined, ...more] = paths
  if (a === undefined || b === undefined || more.length > 0) {
    throw new UsageError('needs two paths, or one path and --to-server')
  }
  // A profile says everything about its servers; servers alone are reached as the first ones are.
  const second = profile === undefined ? { ...connecting, server } : { profile, server }
  const found = await compare(connecting, isOther ? second : undefined, values['no-acl'], a, b)
  const places = { a, b }
  return found.map(values.json ? (each) => jsonLine(each) : (each) => textOf(each, places))
}

async function compare(
  first: Connecting,
  second: Connecting | undefined,
  withoutAcl: boolean,
  a: ZnodePath,
  b: ZnodePath,
): Promise<TreeDifference[]> {
  const here = await connectionOf(first)
  const there = second === undefined ? here : await connectionOf(second)
  await using from = await connectBy(here)
  await using to = second === undefined ? undefined : await connectBy(there)
  const read = async (zk: Client, path: ZnodePath) => {
    const { nodes } = await readWhole(zk, path)
    if (nodes.size === 0) throw new Error(`${path} does not exist on ${(zk === from ? here : there).target}`)
    return withoutAcl ? new Map([...nodes].map(([each, znode]) => [each, { ...znode, acl: [] }])) : nodes
  }
  return compareTrees(await read(from, a), await read(to ?? from, b))
}

type Places = Readonly<Record<'a' | 'b', ZnodePath>>

function textOf(difference: TreeDifference, { a, b }: Places): string {
  const below = (root: ZnodePath): string => (root === '/' && difference.path !== '' ? '' : root) + difference.path
  if (difference.kind !== 'both') {
    const { znode } = difference
    const [sign, path] = difference.kind === 'only in a' ? ['-', below(a)] : ['+', below(b)]
    return `${printable(`${sign} ${path} ${typeText(znode.type)} ${valueText(znode.data)}`)}\n`
  }
  const { data, type, acl } = difference
  const lines = [
    `= ${below(a)}${below(a) === below(b) ? '' : ` and ${below(b)}`}`,
    type === undefined ? '' : `  type ${typeText(type[0])} → ${typeText(type[1])}`,
    acl === undefined ? '' : `  acl ${aclText(acl[0])} → ${aclText(acl[1])}`,
    ...(data === undefined ? [] : diffLines(data).map((line) => `  ${line}`)),
  ]
  return lines
    .filter((line) => line !== '')
    .map((line) => `${printable(line)}\n`)
    .join('')
}

const signs = { created: '+', deleted: '-', changed: '=', replaced: '=' } as const

function pastText({ path, kind, before, after }: PastDifference): string {
  const known = after ?? before
  if (kind === 'created' || kind === 'deleted') {
    return `${printable(`${signs[kind]} ${path} ${known === undefined ? '' : kindText(known)} ${valueText(known?.data)}`)}\n`
  }
  const acls = before !== undefined && after !== undefined && before.aversion !== after.aversion
  const isWritten = before?.mzxid !== after?.mzxid
  const lines = [
    `${signs[kind]} ${path}${kind === 'replaced' ? ' (deleted and made again)' : ''} mzxid=${hexOf(after?.mzxid ?? 0n)}`,
    acls ? `  acl ${aclText(before.acl)} → ${aclText(after.acl)}` : '',
    ...(isWritten ? diffLines(valueDiff(before?.data, after?.data)).map((line) => `  ${line}`) : []),
  ]
  return lines
    .filter((line) => line !== '')
    .map((line) => `${printable(line)}\n`)
    .join('')
}

function pastFacts(difference: PastDifference): object {
  const { before, after } = difference
  const hasBoth = before !== undefined && after !== undefined
  return hasBoth ? { ...difference, diff: valueDiff(before.data, after.data) } : difference
}
