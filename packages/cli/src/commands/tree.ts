/** `lightkeeper tree`: a subtree as it is now, or as it was, from a data directory or a running server of ours. */
import { type PastZnode, treeAt, walkSubtree } from '@lightkeeper/tools'
import { type Run, UsageError } from '../command.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import { aclText, kindText, openPast, timeText, valueText, zxidAt } from '../past.ts'
import { runOf, type ShellCall, type Verb } from '../shell/verb.ts'
import { Denials } from '../shell/verbs/denials.ts'
import type { tree } from '../table/past.ts'

export const run: Run<typeof tree> = (call) => {
  const { at, 'data-dir': dataDir, 'log-dir': logDir } = call.values
  const { shell } = call as unknown as Partial<ShellCall>
  // An admin port of the environment or of a shell says where the past is, and not that it is meant.
  const isPlaceNamed = dataDir !== undefined || (shell === undefined && call.connecting['admin'] !== undefined)
  if (at !== undefined || isPlaceNamed) return past(call)
  if (logDir !== undefined) throw new UsageError('--log-dir needs --data-dir too')
  return runLive(call)
}

const past: Run<typeof tree> = async (call) => {
  const { values, args, connecting } = call
  const { path = (call as unknown as Partial<ShellCall>).shell?.here ?? '/' } = args
  const directory = await openPast(values, connecting)
  const at = values.at === undefined ? undefined : await zxidAt(values.at, directory)
  const { nodes, zxid } = await treeAt(directory, path, at)
  if (nodes.size === 0) throw new Error(`${path} did not exist after ${hexOf(zxid)}`)
  process.stderr.write(values.json ? '' : `as after ${hexOf(zxid)}: ${nodes.size} znodes\n`)
  let lines: string[] = []
  for (const [each, node] of nodes) {
    const depth = depthOf(path, each)
    if (depth > (values.depth ?? depth)) continue
    lines.push(values.json ? jsonLine({ path: each, ...node }) : `${lineOf(each, depth, node, values.acl)}\n`)
    if (lines.length < 1000) continue
    process.stdout.write(lines.join(''))
    lines = []
  }
  process.stdout.write(lines.join(''))
  return 0
}

const live: Verb<typeof tree> = async ({ values, args, here, out, signal, connect }) => {
  const { acl: withAcl, depth: depthMax } = values
  const zk = await connect()
  const denials = new Denials()
  const options = { signal, withData: true, withAcl, ...(depthMax !== undefined && { depthMax }) }
  const walk = walkSubtree(zk, args.path ?? here, options)
  for await (const { path, depth, stat, data, acl } of denials.readable(walk)) {
    const { czxid, mzxid, created, modified, version, aversion, ephemeralOwner } = stat
    const numbers = { czxid, mzxid, ctime: created.getTime(), mtime: modified.getTime(), version, aversion }
    const node = { data, acl, ...numbers, ephemeralOwner }
    const { acl: _, ...withoutAcl } = node
    out.result({ path, ...(withAcl ? node : withoutAcl) }, () => lineOf(path, depth, node, withAcl))
  }
  return denials.report(out)
}

const runLive = runOf(live)

function depthOf(root: string, path: string): number {
  return path === root ? 0 : path.slice(root === '/' ? 0 : root.length).split('/').length - 1
}

function lineOf(path: string, depth: number, node: PastZnode, withAcl: boolean): string {
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
  return `${'  '.repeat(depth)}${printable(words.filter((word) => word !== '').join(' '))}`
}
