/** `lightkeeper tree`: the tree as it was, from a data directory or a running server of ours. */
import { type PastZnode, treeAt } from '@lightkeeper/tools'
import type { Run } from '../command.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import { aclText, kindText, openPast, timeText, valueText, zxidAt } from '../past.ts'
import type { tree } from '../table/past.ts'

export const run: Run<typeof tree> = async ({ values, args, connecting }) => {
  const { path } = args
  const directory = await openPast(values, connecting)
  const at = values.at === undefined ? undefined : await zxidAt(values.at, directory)
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
