/** `lightkeeper diff`: what differs between two subtrees, two clusters, or two moments of a data directory. */
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
import { checkPath, connecting, connectingUsage, connectTo, parse } from '../arguments.ts'
import { type Command, UsageError } from '../command.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import {
  aclText,
  diffLines,
  kindText,
  momentArguments,
  openPast,
  pastOptions,
  pastUsage,
  valueText,
  zxidAt,
} from '../past.ts'

const usage = `usage: lightkeeper diff PATH_A PATH_B [options]
       lightkeeper diff PATH_A [PATH_B] --to-server HOSTS [options]
       lightkeeper diff [PATH] --from ZXID|TIME [--to ZXID|TIME] --data-dir D [options]

Compares the subtree PATH_A with PATH_B, which may be on another cluster (PATH_B is PATH_A then, unless given): znodes that only one
has, data (by member where it is JSON, by line where it is text), types and ACLs. Each side is read as it is at one zxid. With
--data-dir it compares a subtree (default: all) as it was after two transactions.

  --to-server HOSTS     where PATH_B is; -s says where PATH_A is
  --no-acl              leave ACLs out
  --exit-code           end with 1 where anything differs
  --from, --to          the two moments; --to is the last transaction unless given
${pastUsage}${connectingUsage('a JSON object a difference')}
Exit code: 0 done, 1 when it fails (or, with --exit-code, where anything differs), 2 for wrong usage.
`

export const diffCommand: Command = {
  name: 'diff',
  summary: 'print what differs between two subtrees, clusters, or moments of a data directory',
  usage,
  async run(args) {
    const { values, positionals } = parse('diff', args, {
      ...connecting,
      ...pastOptions,
      'to-server': { type: 'string' },
      'no-acl': { type: 'boolean', default: false },
      'exit-code': { type: 'boolean', default: false },
      from: { type: 'string' },
      to: { type: 'string' },
    })
    const paths = positionals.map((path) => checkPath('PATH', path))
    const { json } = values
    const isPast = values.from !== undefined || values.to !== undefined || values['data-dir'] !== undefined
    let lines: string[]
    if (isPast) {
      if (values.from === undefined) throw new UsageError('wants --from, the earlier of two moments')
      if (paths.length > 1) throw new UsageError(`wants one path, got ${paths.join(' ')}`)
      const moments = momentArguments({ from: values.from, to: values.to })
      const directory = await openPast(values)
      const from = await zxidAt(moments.from ?? 0n, directory)
      const to = moments.to === undefined ? await directory.lastZxid() : await zxidAt(moments.to, directory)
      if (from > to) throw new UsageError(`--from ${hexOf(from)} is later than --to ${hexOf(to)}`)
      const found = await differencesBetween(directory, paths[0] ?? '/', from, to)
      lines = found.map(json ? (each) => jsonLine(pastFacts(each)) : pastText)
    } else {
      const [a, b = values['to-server'] === undefined ? undefined : a, ...more] = paths
      if (a === undefined || b === undefined || more.length > 0) {
        throw new UsageError('wants two paths, or one and --to-server')
      }
      const found = await compare(values, a, b)
      const places = { a, b }
      lines = found.map(json ? (each) => jsonLine(each) : (each) => textOf(each, places))
    }
    for (let at = 0; at < lines.length; at += 1000) process.stdout.write(lines.slice(at, at + 1000).join(''))
    return values['exit-code'] && lines.length > 0 ? 1 : 0
  },
}

interface Values {
  readonly server: string
  readonly 'session-timeout': string
  readonly 'connect-timeout': string
  readonly 'to-server'?: string | undefined
  readonly 'no-acl': boolean
}

async function compare(values: Values, a: ZnodePath, b: ZnodePath): Promise<TreeDifference[]> {
  const { 'to-server': other, 'no-acl': withoutAcl } = values
  await using from = await connectTo(values)
  await using to = other === undefined ? undefined : await connectTo({ ...values, server: other })
  const read = async (zk: Client, path: ZnodePath) => {
    const { nodes } = await readWhole(zk, path)
    if (nodes.size === 0) throw new Error(`${path} does not exist on ${zk === from ? values.server : other}`)
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
