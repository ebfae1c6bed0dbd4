/** `lightkeeper export`: a subtree as lines of JSON. */

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rename } from 'node:fs/promises'
import type { ZnodePath } from '@lightkeeper/client'
import {
  type ExportedTree,
  type ExportedZnode,
  exportLines,
  kindOf,
  type PastZnode,
  readWhole,
  treeAt,
  ttlMsOf,
  withoutSystem,
} from '@lightkeeper/tools'
import { connecting, connectTo, parse, pathArgument } from '../arguments.ts'
import { type Command, UsageError } from '../command.ts'
import { hexOf } from '../output.ts'
import { momentArguments, openPast, pastOptions, pastUsage, zxidAt } from '../past.ts'

const usage = `usage: lightkeeper export PATH [options]

Writes PATH and everything below it as lines of JSON, as it is at one zxid: data, types, ACLs, and the sessions of ephemerals. What a
server keeps of itself, below /zookeeper, is left out of an export of /. The last line says how many znodes there are.

A server does not tell its clients that a znode is a container or has a time to live; its data directory does.

  -o, --output FILE     (default: standard output); takes the name when all of it is written
  -s, --server HOSTS    host:port,host:port…[/chroot] (default: $LIGHTKEEPER_SERVER, else 127.0.0.1:2181)
  --session-timeout MS  to ask for; the server may grant another (default: 30000)
  --connect-timeout MS  until it gives up finding a server (default: 10000)
${pastUsage}  --at ZXID|TIME        with --data-dir: as it was then
Exit code: 0 done, 1 when it fails, 2 for wrong usage.
`

export const exportCommand: Command = {
  name: 'export',
  summary: 'write a subtree as lines of JSON, from a server or a data directory',
  usage,
  async run(args) {
    const { json: _, ...options } = connecting
    const { values, positionals } = parse('export', args, {
      ...options,
      ...pastOptions,
      at: { type: 'string' },
      output: { type: 'string', short: 'o' },
    })
    const path = pathArgument(positionals)
    if (values.at !== undefined && values['data-dir'] === undefined) throw new UsageError('--at needs --data-dir')
    const tree = values['data-dir'] === undefined ? await fromServer(values, path) : await fromDirectory(values, path)
    if (tree.nodes.size === 0) throw new Error(`${path} does not exist`)
    await write(values.output, exportLines(tree))
    if (values.output !== undefined) {
      process.stdout.write(`${values.output}: ${tree.nodes.size} znodes, everything up to ${hexOf(tree.zxid)}\n`)
    }
    return 0
  },
}

async function fromServer(values: Parameters<typeof connectTo>[0], path: ZnodePath): Promise<ExportedTree> {
  await using zk = await connectTo(values)
  const { nodes, zxid } = await readWhole(zk, path)
  const exported = [...withoutSystem(path, nodes)].map(([below, znode]): [string, ExportedZnode] => {
    const { data, type, acl, stat } = znode
    return [below, { data, type, acl, ...(type === 'ephemeral' && { owner: stat.ephemeralOwner }) }]
  })
  return { root: path, zxid, nodes: new Map(exported) }
}

type PastValues = Parameters<typeof openPast>[0] & { readonly at?: string | undefined }

async function fromDirectory(values: PastValues, path: ZnodePath): Promise<ExportedTree> {
  const { at: moment } = momentArguments({ at: values.at })
  const directory = await openPast(values)
  const at = moment === undefined ? undefined : await zxidAt(moment, directory)
  const { nodes, zxid } = await treeAt(directory, path, at)
  const exported = [...nodes].map(([each, znode]): [string, ExportedZnode] => {
    const below = path === '/' ? (each === '/' ? '' : each) : each.slice(path.length)
    return [below, exportedOf(znode)]
  })
  return { root: path, zxid, nodes: withoutSystem(path, new Map(exported)) }
}

function exportedOf({ data = new Uint8Array(0), acl, ephemeralOwner }: PastZnode): ExportedZnode {
  const kind = kindOf(ephemeralOwner)
  const type = kind === 'ttl' ? { ttl: ttlMsOf(ephemeralOwner) } : kind
  return { data, type, acl, ...(kind === 'ephemeral' && { owner: ephemeralOwner }) }
}

/** The file appears only when it is complete. */
async function write(file: string | undefined, lines: Iterable<string>): Promise<void> {
  const partial = file === undefined ? undefined : `${file}.partial`
  const stream = partial === undefined ? process.stdout : createWriteStream(partial)
  const failed =
    partial === undefined ? undefined : once(stream, 'error').then(([error]) => Promise.reject(error as Error))
  failed?.catch(() => {})
  let text = ''
  const flush = async (): Promise<void> => {
    const isTaken = stream.write(text)
    text = ''
    if (!isTaken) await Promise.race([once(stream, 'drain'), ...(failed === undefined ? [] : [failed])])
  }
  for (const line of lines) {
    text += `${line}\n`
    if (text.length > 64 * 1024) await flush()
  }
  await flush()
  if (partial === undefined || file === undefined) return
  stream.end()
  await Promise.race([once(stream, 'close'), ...(failed === undefined ? [] : [failed])])
  await rename(partial, file)
}
