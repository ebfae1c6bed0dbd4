/** `lightkeeper tree`: the tree of a data directory, as it was. */
import { type PastZnode, treeAt } from '@lightkeeper/tools'
import { checkPath, parse } from '../arguments.ts'
import { type Command, UsageError } from '../command.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import {
  aclText,
  kindText,
  momentArguments,
  openPast,
  pastOptions,
  pastUsage,
  timeText,
  valueText,
  zxidAt,
} from '../past.ts'

const usage = `usage: lightkeeper tree [PATH] [--at ZXID|TIME] --data-dir D [options]

Prints PATH (default: /) and what is below it as it was after the transaction ZXID, or after the last one of TIME, from the
snapshots and logs of a data directory. Without --at, as it is behind the last transaction in the logs.

${pastUsage}  --at ZXID|TIME        0x1a, 2026-11-28T19:00:00Z, or milliseconds since 1970
  --acl                 with the ACLs
  --json                a JSON object a znode, with data (base64), ACL and all of its numbers
Exit code: 0 done, 1 when it fails or PATH did not exist then, 2 for wrong usage.
`

export const treeCommand: Command = {
  name: 'tree',
  summary: 'print the tree of a data directory as it was at a zxid or time',
  usage,
  async run(args) {
    const { values, positionals } = parse('tree', args, {
      ...pastOptions,
      at: { type: 'string' },
      acl: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    })
    const [given = '/', ...more] = positionals
    if (more.length > 0) throw new UsageError(`wants one path, got ${positionals.join(' ')}`)
    const path = checkPath('PATH', given)
    const { at: moment } = momentArguments({ at: values.at })
    const directory = await openPast(values)
    const at = moment === undefined ? undefined : await zxidAt(moment, directory)
    const { nodes, zxid } = await treeAt(directory, path, at)
    if (nodes.size === 0) throw new Error(`${path} did not exist after ${hexOf(zxid)}`)
    process.stderr.write(values.json ? '' : `as after ${hexOf(zxid)}: ${nodes.size} znodes\n`)
    let lines: string[] = []
    for (const [each, node] of nodes) {
      lines.push(values.json ? jsonLine({ path: each, ...node }) : lineOf(path, each, node, values.acl))
      if (lines.length < 1000) continue
      process.stdout.write(lines.join(''))
      lines = []
    }
    process.stdout.write(lines.join(''))
    return 0
  },
}

function lineOf(root: string, path: string, node: PastZnode, withAcl: boolean): string {
  const depth = path === root ? 0 : path.slice(root === '/' ? 0 : root.length).split('/').length - 1
  const name = depth === 0 ? path : path.slice(path.lastIndexOf('/') + 1)
  const kind = kindText(node)
  const words = [
    name,
    kind === 'persistent' ? '' : kind,
    `version=${node.version}`,
    `mzxid=${hexOf(node.mzxid)}`,
    timeText(node.mtime),
    withAcl ? `acl=${aclText(node.acl)}` : '',
    node.data?.length === 0 ? '' : valueText(node.data),
  ]
  return `${'  '.repeat(depth)}${printable(words.filter((word) => word !== '').join(' '))}\n`
}
