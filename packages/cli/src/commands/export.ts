/** `lightkeeper export`: a subtree as lines of JSON. */

import { once } from 'node:events'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
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
import { type Call, type Connecting, type Run, UsageError } from '../command.ts'
import { connectBy, connectionOf, pathOnServer } from '../connect.ts'
import type { Moment } from '../kinds.ts'
import { hexOf, jsonLine } from '../output.ts'
import { openPast, zxidAt } from '../past.ts'
import { progress } from '../progress.ts'
import { untilAborted } from '../shell/verb.ts'
import { Signals } from '../signals.ts'
import type { exported } from '../table/transfer.ts'

export const run: Run<typeof exported> = async (call) => {
  const { values, args } = call
  const { path } = args
  const { output, json } = values
  // Lines that are printed end where the reader or a signal ends them; a file is taken away.
  using signals = output === undefined ? undefined : new Signals()
  const signal = signals?.signal ?? new AbortController().signal
  const target = await Target.open(output)
  let tree: ExportedTree
  try {
    tree = await read(call, signal)
    if (tree.nodes.size === 0) throw new Error(`${path} does not exist`)
    await target.write(exportLines(tree))
  } catch (error) {
    await target.discard()
    if (!signal.aborted) throw error
    throw new Error(`${(error as Error).message}; ${output} was not written`, { cause: error })
  }
  const { nodes, zxid } = tree
  if (output !== undefined) {
    const facts = { file: output, path, zxid, znodes: nodes.size }
    process.stdout.write(json ? jsonLine(facts) : `${output}: ${nodes.size} znodes, everything up to ${hexOf(zxid)}\n`)
  }
  return 0
}

function read({ values, args, connecting }: Call<typeof exported>, signal: AbortSignal): Promise<ExportedTree> {
  const isPast = values['data-dir'] !== undefined || values.at !== undefined
  // The past is read without a pause for a signal, so that ends the wait for it.
  if (isPast) return untilAborted(fromPast(values, args.path, connecting), signal)
  return fromServer(connecting, args.path, signal)
}

async function fromServer(connecting: Connecting, path: ZnodePath, signal: AbortSignal): Promise<ExportedTree> {
  const connection = await connectionOf(connecting)
  await using zk = await connectBy(connection, { signal })
  using bar = progress('export', 'znodes read')
  const { nodes, zxid } = await readWhole(zk, path, { signal, onProgress: (done, total) => bar.update(done, total) })
  const below = [...withoutSystem(await pathOnServer(connection, path), nodes)].map(
    ([each, znode]): [string, ExportedZnode] => {
      const { data, type, acl, stat } = znode
      return [each, { data, type, acl, ...(type === 'ephemeral' && { owner: stat.ephemeralOwner }) }]
    },
  )
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

/** Where the lines go. A file has its name when it is complete. */
class Target {
  readonly #file: string | undefined
  readonly #handle: FileHandle | undefined

  private constructor(file: string | undefined, handle: FileHandle | undefined) {
    this.#file = file
    this.#handle = handle
  }

  /** Standard output without a file. @throws UsageError where the file cannot be written. */
  static async open(file: string | undefined): Promise<Target> {
    if (file === undefined) return new Target(undefined, undefined)
    try {
      return new Target(file, await open(partialOf(file), 'w'))
    } catch (error) {
      throw new UsageError(`--output must be a file that can be written, not "${file}": ${(error as Error).message}`)
    }
  }

  async write(lines: Iterable<string>): Promise<void> {
    let text = ''
    for (const line of lines) {
      text += `${line}\n`
      if (text.length <= pieceLength) continue
      await this.#put(text)
      text = ''
    }
    await this.#put(text)
    if (this.#file === undefined || this.#handle === undefined) return
    await this.#handle.close()
    await rename(partialOf(this.#file), this.#file)
  }

  async #put(text: string): Promise<void> {
    if (this.#handle !== undefined) await this.#handle.appendFile(text)
    else if (!process.stdout.write(text)) await once(process.stdout, 'drain')
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await this.#handle?.close().catch(() => {})
    if (this.#file !== undefined) await rm(partialOf(this.#file), { force: true })
  }
}

/** Characters. */
const pieceLength = 64 * 1024

const partialOf = (file: string): string => `${file}.partial`
