/**
 * Writes a snapshot while the server goes on serving: a slice of znodes, then whatever else is to be done, then the next slice.
 * It holds everything up to the zxid in its name and some of what came later; replaying the log from there makes it whole.
 */
import type { Acl } from '@lightkeeper/protocol'
import { type Disk, type DiskFile, TextMap } from '@lightkeeper/runtime'
import type { DataTree } from '../tree/data-tree.ts'
import type { Znode } from '../tree/znode.ts'
import { type Compression, compressor, suffixOf } from './compression.ts'
import { snapshotName, temporaryPrefix } from './file-names.ts'
import { SnapshotEncoder } from './snapshot-file.ts'

/** Bytes of a slice, about. */
const sliceBytes = 128 * 1024

export interface SnapshotJob {
  readonly disk: Disk
  readonly directory: string
  readonly compression: Compression
  readonly withDigest: boolean
  /** Znodes written between two turns of everything else, at the most. */
  readonly sliceZnodes: number
  /** Zxid of the last transaction applied to the tree, now. */
  appliedZxid(): bigint
  /** Resolves when other work had its turn. */
  pause(): Promise<void>
}

/** Resolves to the name of the file, which is durable by then. One at a time for a tree. */
export async function writeSnapshot(tree: DataTree, job: SnapshotJob): Promise<{ name: string; zxid: bigint }> {
  const { disk, directory } = job
  const zxid = job.appliedZxid()
  const name = snapshotName(zxid, suffixOf(job.compression))
  const path = `${directory}/${temporaryPrefix}${name}`
  const file = await disk.open(path, { create: true })
  try {
    await file.truncate(0)
    tree.aclsReplaced = new TextMap()
    await writeContent(tree, zxid, job, file)
    await file.sync()
  } catch (error) {
    await file.close().catch(() => {})
    await disk.remove(path).catch(() => {})
    throw error
  } finally {
    tree.aclsReplaced = undefined
  }
  await file.close()
  await disk.rename(path, `${directory}/${name}`)
  await disk.syncDirectory(directory)
  return { name, zxid }
}

async function writeContent(tree: DataTree, zxid: bigint, job: SnapshotJob, file: DiskFile): Promise<void> {
  let position = 0
  const out = compressor(job.compression, async (bytes) => {
    await file.write(position, bytes)
    position += bytes.length
  })
  const encoder = new SnapshotEncoder()
  encoder.begin(tree.sessions, tree.acls.lists())
  const walk = new TreeWalk(tree, zxid)
  for (let isDone = false; !isDone; ) {
    for (let i = 0; i < job.sliceZnodes && encoder.length < sliceBytes; i++) {
      if (!walk.next()) {
        isDone = true
        break
      }
      const node = walk.node as Znode
      encoder.znode(walk.path, node, aclAtStart(tree, walk.path, node))
    }
    // The digest is of now, when the last znode is encoded.
    if (isDone)
      encoder.end(zxid, ...(job.withDigest ? ([job.appliedZxid(), tree.digest.value] as const) : ([0n, 0n] as const)))
    await out.write(encoder.take())
    if (!isDone) await job.pause()
  }
  await out.end()
}

function aclAtStart(tree: DataTree, path: string, node: Znode): readonly Acl[] {
  return tree.aclsReplaced?.get(path) ?? node.acl
}

/** Parents in front of their children, at any depth, over a tree that changes between two steps. */
class TreeWalk {
  path = ''
  node: Znode | undefined
  readonly #tree: DataTree
  readonly #zxid: bigint
  readonly #stack: { readonly base: string; readonly names: Iterator<string> }[] = []
  #isBegun = false

  constructor(tree: DataTree, zxid: bigint) {
    this.#tree = tree
    this.#zxid = zxid
  }

  /** False at the end; else `path` and `node` are the next ones. */
  next(): boolean {
    if (!this.#isBegun) {
      this.#isBegun = true
      this.#enter('/', this.#tree.get('/') as Znode)
      return true
    }
    for (;;) {
      const level = this.#stack.at(-1)
      if (level === undefined) return false
      // A live iterator: what is added meanwhile comes at the end, what is removed does not come.
      const step = level.names.next()
      if (step.done) {
        this.#stack.pop()
        continue
      }
      const path = `${level.base}/${step.value}`
      const node = this.#tree.get(path)
      // What was created since is in the log; its ACL list may not be in this snapshot's table.
      if (node === undefined || node.czxid > this.#zxid) continue
      this.#enter(path, node)
      return true
    }
  }

  #enter(path: string, node: Znode): void {
    this.path = path
    this.node = node
    if (node.children !== undefined) {
      this.#stack.push({ base: path === '/' ? '' : path, names: node.children.keys() })
    }
  }
}
