/** Requests that change no znode: reads, and the watches of the connection that asks (FinalRequestProcessor.java). */
import {
  type Id,
  keeperCodes,
  MalformedFrameError,
  type MultiResult,
  opCode,
  permission,
  type Reader,
  readAddWatchRequest,
  readMultiRequest,
  readPathRequest,
  readSetWatches,
  readSetWatches2,
  readWatchesRequest,
  watcherType,
  writeGetACLResponse,
  writeMultiResponse,
} from '@lightkeeper/protocol'
import type { Access } from '../auth/access.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { statOf, writeNodeStat, type Znode } from '../tree/znode.ts'
import type { Watches } from '../watch/watches.ts'
import type { Peer } from './peer.ts'
import { beginReply, endReply, replyHeader } from './replies.ts'

const noNode = keeperCodes.NO_NODE.number
const noAuth = keeperCodes.NO_AUTH.number
const noWatcher = keeperCodes.NO_WATCHER.number

export class Reads {
  readonly #tree: DataTree
  readonly #watches: Watches
  readonly #access: Access

  constructor(tree: DataTree, watches: Watches, access: Access) {
    this.#tree = tree
    this.#watches = watches
    this.#access = access
  }

  /**
   * Answers one request. `zxid` is the last applied one, `caller` the identities the connection had when it was received.
   * @throws MalformedFrameError when the body does not parse; nothing was written then.
   */
  serve(peer: Peer, xid: number, type: number, body: Reader, caller: readonly Id[], zxid: bigint): void {
    switch (type) {
      case opCode.getData:
        return this.#getData(peer, xid, body, caller, zxid)
      case opCode.exists:
        return this.#exists(peer, xid, body, caller, zxid)
      case opCode.getChildren:
      case opCode.getChildren2:
        return this.#getChildren(peer, xid, body, caller, zxid, type === opCode.getChildren2)
      case opCode.getACL:
        return this.#getAcl(peer, xid, body, caller, zxid)
      case opCode.getAllChildrenNumber:
        return this.#countDescendants(peer, xid, body, caller, zxid)
      case opCode.getEphemerals:
        return this.#getEphemerals(peer, xid, body, zxid)
      case opCode.multiRead:
        return this.#multiRead(peer, xid, body, caller, zxid)
      case opCode.whoAmI:
        return this.#whoAmI(peer, xid, caller, zxid)
      case opCode.sync: {
        const { path } = readPathRequest(body)
        const mark = beginReply(peer.writer, xid, zxid, 0)
        peer.writer.ustring(path)
        return endReply(peer, mark)
      }
      case opCode.setWatches: {
        const request = readSetWatches(body)
        const persistent = { persistentWatches: [], persistentRecursiveWatches: [] }
        this.#watches.restore({ ...request, ...persistent }, peer, this.#tree)
        return replyHeader(peer, xid, zxid, 0)
      }
      case opCode.setWatches2:
        this.#watches.restore(readSetWatches2(body), peer, this.#tree)
        return replyHeader(peer, xid, zxid, 0)
      case opCode.addWatch:
        return this.#addWatch(peer, xid, body, zxid)
      case opCode.checkWatches:
      case opCode.removeWatches:
        return this.#checkOrRemoveWatches(peer, xid, body, zxid, type === opCode.removeWatches)
    }
  }

  #getData(peer: Peer, xid: number, body: Reader, caller: readonly Id[], zxid: bigint): void {
    const path = body.ustring() ?? ''
    const watch = body.boolean()
    const node = this.#tree.get(path)
    if (node === undefined) return replyHeader(peer, xid, zxid, noNode)
    if (!this.#access.allows(node.acl, permission.read, caller)) return replyHeader(peer, xid, zxid, noAuth)
    if (watch) this.#watches.addData(path, peer)
    const { writer } = peer
    const mark = beginReply(writer, xid, zxid, 0)
    writer.buffer(node.data)
    writeNodeStat(writer, node)
    endReply(peer, mark)
  }

  #exists(peer: Peer, xid: number, body: Reader, caller: readonly Id[], zxid: bigint): void {
    const path = body.ustring() ?? ''
    const watch = body.boolean()
    if (path.includes('\u0000')) return replyHeader(peer, xid, zxid, keeperCodes.BAD_ARGUMENTS.number)
    const node = this.#tree.get(path)
    if (node !== undefined && !this.#access.allows(node.acl, permission.read, caller)) {
      return replyHeader(peer, xid, zxid, noAuth)
    }
    // The one read that leaves a watch although it fails: for the creation of the znode.
    if (watch) this.#watches.addData(path, peer)
    if (node === undefined) return replyHeader(peer, xid, zxid, noNode)
    const mark = beginReply(peer.writer, xid, zxid, 0)
    writeNodeStat(peer.writer, node)
    endReply(peer, mark)
  }

  #getChildren(peer: Peer, xid: number, body: Reader, caller: readonly Id[], zxid: bigint, withStat: boolean): void {
    const path = body.ustring() ?? ''
    const watch = body.boolean()
    const node = this.#tree.get(path)
    if (node === undefined) return replyHeader(peer, xid, zxid, noNode)
    if (!this.#access.allows(node.acl, permission.read, caller)) return replyHeader(peer, xid, zxid, noAuth)
    if (watch) this.#watches.addChildren(path, peer)
    const { writer } = peer
    const mark = beginReply(writer, xid, zxid, 0)
    writer.int(node.numChildren)
    if (node.children !== undefined) for (const name of node.children.keys()) writer.ustring(name)
    if (withStat) writeNodeStat(writer, node)
    endReply(peer, mark)
  }

  #getAcl(peer: Peer, xid: number, body: Reader, caller: readonly Id[], zxid: bigint): void {
    const node = this.#tree.get(readPathRequest(body).path)
    if (node === undefined) return replyHeader(peer, xid, zxid, noNode)
    if (!this.#access.allows(node.acl, permission.read | permission.admin, caller)) {
      return replyHeader(peer, xid, zxid, noAuth)
    }
    const acl = this.#access.allows(node.acl, permission.admin, caller) ? node.acl : this.#access.redact(node.acl)
    const mark = beginReply(peer.writer, xid, zxid, 0)
    writeGetACLResponse(peer.writer, { acl, stat: statOf(node) })
    endReply(peer, mark)
  }

  #countDescendants(peer: Peer, xid: number, body: Reader, caller: readonly Id[], zxid: bigint): void {
    const { path } = readPathRequest(body)
    const node = this.#tree.get(path)
    if (node === undefined) return replyHeader(peer, xid, zxid, noNode)
    if (!this.#access.allows(node.acl, permission.read, caller)) return replyHeader(peer, xid, zxid, noAuth)
    const mark = beginReply(peer.writer, xid, zxid, 0)
    peer.writer.int(this.#tree.countDescendants(path))
    endReply(peer, mark)
  }

  #getEphemerals(peer: Peer, xid: number, body: Reader, zxid: bigint): void {
    const prefix = body.ustring() ?? ''
    const own = this.#tree.ephemeralsOf(peer.session?.id ?? 0n)
    const wanted = prefix.trim()
    const paths = wanted === '' || wanted === '/' ? [...own] : [...own].filter((path) => path.startsWith(prefix))
    const mark = beginReply(peer.writer, xid, zxid, 0)
    peer.writer.vector(paths, (writer, path) => writer.ustring(path))
    endReply(peer, mark)
  }

  #multiRead(peer: Peer, xid: number, body: Reader, caller: readonly Id[], zxid: bigint): void {
    const results = readMultiRequest(body).map((operation): MultiResult => {
      if (operation.type !== opCode.getData && operation.type !== opCode.getChildren) {
        throw new MalformedFrameError(`operation ${operation.type} cannot be part of a multiRead`, body.pos)
      }
      const node = this.#tree.get(operation.path)
      const err = this.#refusal(node, caller)
      if (node === undefined || err !== 0) return { type: opCode.error, err }
      return operation.type === opCode.getData
        ? { type: opCode.getData, data: node.data, stat: statOf(node) }
        : { type: opCode.getChildren, children: [...(node.children?.keys() ?? [])] }
    })
    const mark = beginReply(peer.writer, xid, zxid, 0)
    writeMultiResponse(peer.writer, results)
    endReply(peer, mark)
  }

  #refusal(node: Znode | undefined, caller: readonly Id[]): number {
    if (node === undefined) return noNode
    return this.#access.allows(node.acl, permission.read, caller) ? 0 : noAuth
  }

  #whoAmI(peer: Peer, xid: number, caller: readonly Id[], zxid: bigint): void {
    const mark = beginReply(peer.writer, xid, zxid, 0)
    peer.writer.vector(caller, (writer, { scheme, id }) => {
      writer.ustring(scheme)
      writer.ustring(this.#access.providers.get(scheme)?.userName(id) ?? '')
    })
    endReply(peer, mark)
  }

  #addWatch(peer: Peer, xid: number, body: Reader, zxid: bigint): void {
    const { path, mode } = readAddWatchRequest(body)
    if (mode !== 0 && mode !== 1) return replyHeader(peer, xid, zxid, keeperCodes.MARSHALLING_ERROR.number)
    this.#watches.addPersistent(path, peer, mode)
    const mark = beginReply(peer.writer, xid, zxid, 0)
    peer.writer.int(0)
    endReply(peer, mark)
  }

  #checkOrRemoveWatches(peer: Peer, xid: number, body: Reader, zxid: bigint, remove: boolean): void {
    const { path, type } = readWatchesRequest(body)
    if (type < watcherType.children || type > watcherType.persistentRecursive) {
      return replyHeader(peer, xid, zxid, keeperCodes.MARSHALLING_ERROR.number)
    }
    const found = remove ? this.#watches.remove(path, peer, type) : this.#watches.has(path, peer, type)
    replyHeader(peer, xid, zxid, found ? 0 : noWatcher)
  }
}
