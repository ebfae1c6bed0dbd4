/** `lightkeeper export`: a subtree as lines of JSON. */

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rename } from 'node:fs/promises'
import type { Client, ZnodePath } from '@lightkeeper/client'
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
import type { Connecting, Run } from '../command.ts'
import type { Moment } from '../kinds.ts'
import { hexOf, jsonLine } from '../output.ts'
import { openPast, zxidAt } from '../past.ts'
import { progress } from '../progress.ts'
import type { exported } from '../table/transfer.ts'

export const run: Run<typeof exported> = async ({ values, args, connect, connecting }) => {
  const { path } = args
  const { output, json } = values
  const isPast = values['data-dir'] !== undefined || values.at !== undefined
  const tree = isPast ? await fromPast(values, path, connecting) : await fromServer(connect, path)
  if (tree.nodes.size === 0) throw new Error(`${path} does not exist`)
  await write(output, exportLines(tree))
  const { nodes, zxid } = tree
  if (output !== undefined) {
    const facts = { file: output, path, zxid, znodes: nodes.size }
    process.stdout.write(json ? jsonLine(facts) : `${output}: ${nodes.size} znodes, everything up to ${hexOf(zxid)}\n`)
  }
  return 0
}

async function fromServer(connect: () => Promise<Client>, path: ZnodePath): Promise<ExportedTree> {
  await using zk = await connect()
  using bar = progress('export', 'znodes read')
  const { nodes, zxid } = await readWhole(zk, path, { onProgress: (done, total) => bar.update(done, total) })
  const below = [...withoutSystem(path, nodes)].map(([each, znode]): [string, ExportedZnode] => {
    const { data, type, acl, stat } = znode
    return [each, { data, type, acl, ...(type === 'ephemeral' && { owner: stat.ephemeralOwner }) }]
  })
  return { root: path, zxid, nodes: new Map(below) }
}

type PastValues = Parameters<typeof openPast>[0] & { readonly at?: Moment | undefined }

async function fromPast(values: PastValues, path: ZnodePath, connecting: Connecting): Promise<ExportedTree> {
  const directory = await openPast(values, connecting)
  const at = values.at === undefined ? undefined : await zxidAt(values.at, directory)
  const { nodes, zxid } = await treeAt(directory, path, at)
  const below = [...nodes].map(([each, znode]): [string, ExportedZnode] => {
    const name = path === '/' ? (each === '/' ? '' : each) : each.slice(path.length)
    return [name, exportedOf(znode)]
  })
  return { root: path, zxid, nodes: withoutSystem(path, new Map(below)) }
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
