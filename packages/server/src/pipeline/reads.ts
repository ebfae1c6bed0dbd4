/** Requests that change no znode: reads, and the watches of the connection (FinalRequestProcessor.java). */
import {
  beginMultiResult,
  endMultiResponse,
  type Id,
  keeperCodes,
  MalformedFrameError,
  opCode,
  permission,
  type Reader,
  readAddWatchRequest,
  readMultiRequest,
  readPathRequest,
  readWatchesRequest,
  type SetWatches2,
  watcherType,
  writeGetACLResponse,
  writeMultiResult,
} from '@lightkeeper/protocol'
import type { Access } from '../auth/access.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { statOf, writeNodeStat, type Znode } from '../tree/znode.ts'
import type { Watches } from '../watch/watches.ts'
import type { Caller } from './caller.ts'
import { ChildLists, longList } from './child-lists.ts'
import { beginReply, endReply, replyHeader } from './replies.ts'

const noNode = keeperCodes.NO_NODE.number
const noAuth = keeperCodes.NO_AUTH.number
const noWatcher = keeperCodes.NO_WATCHER.number

/** Data of this size or more is sent without being copied. */
const sharedFrom = 64 * 1024
const statBytes = 68
/** About the size of a child's name on the wire, bytes. */
const nameBytes = 32
/** Where no znode has more than this, every reply is small. */
const smallBytes = 4096

export interface ReadLimits {
  /** The most bytes of one reply. */
  readonly maxReplyBytes: number
  readonly maxMultiOperations: number
}

export class Reads {
  readonly #tree: DataTree
  readonly #watches: Watches
  readonly #access: Access
  readonly #limits: ReadLimits
  readonly #lists: ChildLists

  constructor(tree: DataTree, watches: Watches, access: Access, limits: ReadLimits) {
    this.#tree = tree
    this.#watches = watches
    this.#access = access
    this.#limits = limits
    this.#lists = new ChildLists(limits)
  }

  /** About how many bytes the reply to a request has; 0 for small ones. Does not move `body`. */
  expectedBytes(type: number, body: Reader): number {
    // A pipelining client pays for this with each read after a write, so a znode that cannot be large is not looked up.
    if (type === opCode.getData) {
      if (this.#tree.largestData <= smallBytes) return this.#tree.largestData
    } else if (type === opCode.getChildren || type === opCode.getChildren2) {
      if (this.#tree.mostChildren <= smallBytes / nameBytes) return this.#tree.mostChildren * nameBytes
    } else if (type !== opCode.multiRead && type !== opCode.getEphemerals) return 0
    return this.#lookUpBytes(type, body)
  }

  #lookUpBytes(type: number, body: Reader): number {
    const { pos } = body
    try {
      switch (type) {
        case opCode.getData:
          return this.#tree.get(body.ustring() ?? '')?.dataLength ?? 0
        case opCode.getChildren:
        case opCode.getChildren2:
          return (this.#tree.get(body.ustring() ?? '')?.numChildren ?? 0) * nameBytes
        case opCode.multiRead:
          return readMultiRequest(body).reduce((bytes, operation) => {
            const node = 'path' in operation ? this.#tree.get(operation.path) : undefined
            return bytes + (node?.dataLength ?? 0) + (node?.numChildren ?? 0) * nameBytes
          }, 0)
        case opCode.getEphemerals:
          return this.#tree.ephemeralCount * nameBytes
        default:
          return 0
      }
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      return 0
    } finally {
      body.pos = pos
    }
  }

  /** A reply that would be too large is removed: the client gets the error for a reply that cannot be encoded. */
  #isTooLarge(caller: Caller, mark: number, more: number, xid: number, zxid: bigint): boolean {
    if (caller.writer.length - mark + more <= this.#limits.maxReplyBytes) return false
    caller.writer.truncate(mark)
    replyHeader(caller, xid, zxid, keeperCodes.MARSHALLING_ERROR.number)
    return true
  }

  // -- one method a request: `zxid` is the last one applied, `identities` those of the connection when the request came ---------
  // Each throws MalformedFrameError when the body does not parse; then nothing was written.

  sync(caller: Caller, xid: number, body: Reader, zxid: bigint): void {
    const { path } = readPathRequest(body)
    const mark = beginReply(caller.writer, xid, zxid, 0)
    caller.writer.ustring(path)
    endReply(caller, mark)
  }

  setWatches(caller: Caller, xid: number, request: SetWatches2, zxid: bigint): void {
    this.#watches.restore(request, caller, this.#tree)
    replyHeader(caller, xid, zxid, 0)
  }

  /** A watch above the budget is not set, and its request is refused; setting an existing watch again is allowed. */
  #isOverWatched(caller: Caller, mark: number, path: string, xid: number, zxid: bigint, mode?: number): boolean {
    if (this.#watches.hasRoom(path, caller, mode)) return false
    caller.writer.truncate(mark)
    replyHeader(caller, xid, zxid, keeperCodes.QUOTA_EXCEEDED.number)
    return true
  }

  getData(caller: Caller, xid: number, body: Reader, identities: readonly Id[], zxid: bigint): void {
    const path = body.ustring() ?? ''
    const watch = body.boolean()
    const node = this.#tree.get(path)
    if (node === undefined) return replyHeader(caller, xid, zxid, noNode)
    if (!this.#access.allows(node.acl, permission.read, identities)) return replyHeader(caller, xid, zxid, noAuth)
    const { writer } = caller
    const mark = beginReply(writer, xid, zxid, 0)
    if (this.#isTooLarge(caller, mark, node.dataLength, xid, zxid)) return
    if (watch) {
      if (this.#isOverWatched(caller, mark, path, xid, zxid)) return
      this.#watches.addData(path, caller)
    }
    const { data } = node
    if (data !== null && data.length >= sharedFrom) {
      // Not copied: many clients that read the same data slowly share one copy. Stored data is never changed in place.
      writer.int(data.length)
      writer.patchInt(mark, writer.length - mark - 4 + data.length + statBytes)
      caller.passOn(data)
      writeNodeStat(writer, node)
      caller.wrote()
      return
    }
    writer.buffer(data)
    writeNodeStat(writer, node)
    endReply(caller, mark)
  }

  exists(caller: Caller, xid: number, body: Reader, identities: readonly Id[], zxid: bigint): void {
    const path = body.ustring() ?? ''
    const watch = body.boolean()
    if (path.includes('\u0000')) return replyHeader(caller, xid, zxid, keeperCodes.BAD_ARGUMENTS.number)
    const node = this.#tree.get(path)
    if (node !== undefined && !this.#access.allows(node.acl, permission.read, identities)) {
      return replyHeader(caller, xid, zxid, noAuth)
    }
    // The only read that leaves a watch although it fails: for the creation of the znode.
    if (watch) {
      if (this.#isOverWatched(caller, caller.writer.length, path, xid, zxid)) return
      this.#watches.addData(path, caller)
    }
    if (node === undefined) return replyHeader(caller, xid, zxid, noNode)
    const mark = beginReply(caller.writer, xid, zxid, 0)
    writeNodeStat(caller.writer, node)
    endReply(caller, mark)
  }

  getChildren(
    caller: Caller,
    xid: number,
    body: Reader,
    identities: readonly Id[],
    zxid: bigint,
    withStat: boolean,
  ): void {
    const path = body.ustring() ?? ''
    const watch = body.boolean()
    const node = this.#tree.get(path)
    if (node === undefined) return replyHeader(caller, xid, zxid, noNode)
    if (!this.#access.allows(node.acl, permission.read, identities)) return replyHeader(caller, xid, zxid, noAuth)
    const { writer } = caller
    const mark = beginReply(writer, xid, zxid, 0)
    const isLong = node.numChildren >= longList
    const list = isLong ? this.#lists.of(node) : undefined
    if (isLong) {
      if (this.#isTooLarge(caller, mark, list?.length ?? Number.POSITIVE_INFINITY, xid, zxid)) return
    } else {
      writer.int(node.numChildren)
      if (node.children !== undefined) {
        for (const name of node.children.keys()) {
          if (this.#isTooLarge(caller, mark, name.length, xid, zxid)) return
          writer.ustring(name)
        }
      }
    }
    if (watch) {
      if (this.#isOverWatched(caller, mark, path, xid, zxid)) return
      this.#watches.addChildren(path, caller)
    }
    if (list !== undefined) {
      writer.patchInt(mark, writer.length - mark - 4 + list.length + (withStat ? statBytes : 0))
      caller.passOn(list)
      if (withStat) writeNodeStat(writer, node)
      caller.wrote()
      return
    }
    if (withStat) writeNodeStat(writer, node)
    endReply(caller, mark)
  }

  getAcl(caller: Caller, xid: number, body: Reader, identities: readonly Id[], zxid: bigint): void {
    const node = this.#tree.get(readPathRequest(body).path)
    if (node === undefined) return replyHeader(caller, xid, zxid, noNode)
    if (!this.#access.allows(node.acl, permission.read | permission.admin, identities)) {
      return replyHeader(caller, xid, zxid, noAuth)
    }
    const acl = this.#access.allows(node.acl, permission.admin, identities) ? node.acl : this.#access.redact(node.acl)
    const mark = beginReply(caller.writer, xid, zxid, 0)
    writeGetACLResponse(caller.writer, { acl, stat: statOf(node) })
    endReply(caller, mark)
  }

  countDescendants(caller: Caller, xid: number, body: Reader, identities: readonly Id[], zxid: bigint): void {
    const { path } = readPathRequest(body)
    const node = this.#tree.get(path)
    if (node === undefined) return replyHeader(caller, xid, zxid, noNode)
    if (!this.#access.allows(node.acl, permission.read, identities)) return replyHeader(caller, xid, zxid, noAuth)
    const mark = beginReply(caller.writer, xid, zxid, 0)
    caller.writer.int(this.#tree.countDescendants(path))
    endReply(caller, mark)
  }

  getEphemerals(caller: Caller, xid: number, body: Reader, zxid: bigint): void {
    const prefix = body.ustring() ?? ''
    const isAll = prefix.trim() === '' || prefix.trim() === '/'
    const { writer } = caller
    const mark = beginReply(writer, xid, zxid, 0)
    const countAt = writer.reserve(4)
    let count = 0
    for (const path of this.#tree.ephemeralsOf(caller.session?.id ?? 0n)) {
      if (!isAll && !path.startsWith(prefix)) continue
      if (this.#isTooLarge(caller, mark, path.length, xid, zxid)) return
      writer.ustring(path)
      count++
    }
    writer.patchInt(countAt, count)
    endReply(caller, mark)
  }

  multiRead(caller: Caller, xid: number, body: Reader, identities: readonly Id[], zxid: bigint): void {
    const operations = readMultiRequest(body) as readonly { type: number; path: string }[]
    if (operations.length > this.#limits.maxMultiOperations) {
      return replyHeader(caller, xid, zxid, keeperCodes.BAD_ARGUMENTS.number)
    }
    for (const { type } of operations) {
      if (type === opCode.getData || type === opCode.getChildren) continue
      throw new MalformedFrameError(`operation ${type} cannot be part of a multiRead`, body.pos)
    }
    const { writer } = caller
    const mark = beginReply(writer, xid, zxid, 0)
    // Before anything is copied: a reply that is too large costs nothing then.
    let expected = 0
    for (const { type, path } of operations) {
      const node = this.#tree.get(path)
      // A lower bound for children: each name has at least one character.
      expected += (type === opCode.getData ? node?.dataLength : (node?.numChildren ?? 0) * 5) ?? 0
    }
    if (this.#isTooLarge(caller, mark, expected, xid, zxid)) return
    for (const { type, path } of operations) {
      const node = this.#tree.get(path)
      const err = this.#refusal(node, identities)
      if (this.#isTooLarge(caller, mark, node?.dataLength ?? 0, xid, zxid)) return
      if (node === undefined || err !== 0) {
        writeMultiResult(writer, { type: opCode.error, err })
        continue
      }
      if (type === opCode.getData) {
        writeMultiResult(writer, { type: opCode.getData, data: node.data, stat: statOf(node) })
        continue
      }
      beginMultiResult(writer, opCode.getChildren)
      if (node.numChildren >= longList) {
        const list = this.#lists.of(node)
        if (this.#isTooLarge(caller, mark, list?.length ?? Number.POSITIVE_INFINITY, xid, zxid)) return
        writer.raw(list as Uint8Array)
        continue
      }
      writer.int(node.numChildren)
      for (const name of node.children?.keys() ?? []) {
        if (this.#isTooLarge(caller, mark, name.length, xid, zxid)) return
        writer.ustring(name)
      }
    }
    endMultiResponse(writer)
    endReply(caller, mark)
  }

  #refusal(node: Znode | undefined, identities: readonly Id[]): number {
    if (node === undefined) return noNode
    return this.#access.allows(node.acl, permission.read, identities) ? 0 : noAuth
  }

  whoAmI(caller: Caller, xid: number, identities: readonly Id[], zxid: bigint): void {
    const mark = beginReply(caller.writer, xid, zxid, 0)
    caller.writer.vector(identities, (writer, { scheme, id }) => {
      writer.ustring(scheme)
      writer.ustring(this.#access.providers.get(scheme)?.userName(id) ?? '')
    })
    endReply(caller, mark)
  }

  addWatch(caller: Caller, xid: number, body: Reader, zxid: bigint): void {
    const { path, mode } = readAddWatchRequest(body)
    if (mode !== 0 && mode !== 1) return replyHeader(caller, xid, zxid, keeperCodes.MARSHALLING_ERROR.number)
    if (this.#isOverWatched(caller, caller.writer.length, path, xid, zxid, mode)) return
    this.#watches.addPersistent(path, caller, mode)
    const mark = beginReply(caller.writer, xid, zxid, 0)
    caller.writer.int(0)
    endReply(caller, mark)
  }

  checkOrRemoveWatches(caller: Caller, xid: number, body: Reader, zxid: bigint, remove: boolean): void {
    const { path, type } = readWatchesRequest(body)
    if (type < watcherType.children || type > watcherType.persistentRecursive) {
      return replyHeader(caller, xid, zxid, keeperCodes.MARSHALLING_ERROR.number)
    }
    const found = remove ? this.#watches.remove(path, caller, type) : this.#watches.has(path, caller, type)
    replyHeader(caller, xid, zxid, found ? 0 : noWatcher)
  }
}
