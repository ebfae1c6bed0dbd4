/**
 * Applies a logged transaction to a tree that may already have its effects, or those of later ones. A snapshot is written while
 * transactions are applied, so each of them in that range meets an unexpected tree; at the end of the range everything is right
 * (DataTree.java: processTxn, createNode, deleteNode, killSession).
 */
import { type Acl, opCode, openAcl, parentPath, type SetDataTxn, type TxnHeader } from '@lightkeeper/protocol'
import { TextSet } from '@lightkeeper/runtime'
import type { DataTree } from './data-tree.ts'
import { digestOfZnode } from './digest.ts'
import { containerOwner, ttlOwner } from './ephemeral-owner.ts'
import type { NodeTxn, Txn } from './txn.ts'
import type { Znode } from './znode.ts'

/** Keeps the digest of the tree up to date. */
export function replay(tree: DataTree, header: TxnHeader, txn: Txn): void {
  if (touchesOne(txn)) {
    const node = tree.get(txn.path)
    if (node !== undefined) setWithDigest(tree, header, txn, node)
    return
  }
  keepingDigest(tree, header, txn, () => step(tree, header, txn))
}

/**
 * Applies a transaction to the tree that it was made for, as `DataTree.apply` does, and keeps the digest up to date: for a server that
 * did not prepare the transaction itself.
 */
export function applyWithDigest(tree: DataTree, header: TxnHeader, txn: Txn): ReturnType<DataTree['apply']> {
  if (touchesOne(txn)) return setWithDigest(tree, header, txn, tree.get(txn.path))
  return keepingDigest(tree, header, txn, () => tree.apply(header, txn))
}

/** By far the most frequent change touches one znode: no set of paths is made for it. */
function touchesOne(txn: Txn): txn is Txn & { readonly type: typeof opCode.setData } {
  return txn.type === opCode.setData && txn.path !== ''
}

/** `node` is the znode at the path. */
function setWithDigest(
  tree: DataTree,
  header: TxnHeader,
  { path, data, version }: SetDataTxn,
  node: Znode | undefined,
): Znode {
  if (node !== undefined) tree.digest.subtract(digestOfZnode(path, node))
  const changed = tree.setData(header, path, data, version, node)
  tree.digest.add(digestOfZnode(path, changed, data))
  return changed
}

function keepingDigest<R>(tree: DataTree, header: TxnHeader, txn: Txn, change: () => R): R {
  const touched = touchedBy(tree, header, txn)
  for (const path of touched) {
    const node = tree.get(path)
    if (node !== undefined) tree.digest.subtract(digestOfZnode(path, node))
  }
  const result = change()
  for (const path of touched) {
    const node = tree.get(path)
    if (node !== undefined) tree.digest.add(digestOfZnode(path, node))
  }
  return result
}

function step(tree: DataTree, header: TxnHeader, txn: Txn): void {
  switch (txn.type) {
    case opCode.multi:
      if (txn.txns.some(({ type }) => type === opCode.error)) return
      for (const part of txn.txns) nodeStep(tree, header, part)
      return
    case opCode.createSession:
      tree.sessions.set(header.clientId, txn.timeOut)
      return
    case opCode.closeSession: {
      // The list names what is deleted, whatever its owner is in this tree; everything else that the session owns is deleted too.
      const paths = [...(txn.paths2Delete ?? []), ...tree.ephemeralsOf(header.clientId)]
      for (const path of paths) remove(tree, path, header.zxid)
      tree.sessions.delete(header.clientId)
      return
    }
    default:
      nodeStep(tree, header, txn)
  }
}

function nodeStep(tree: DataTree, header: TxnHeader, txn: NodeTxn): void {
  switch (txn.type) {
    case opCode.create:
    case opCode.create2:
      return create(tree, header, txn, txn.ephemeral ? header.clientId : 0n)
    case opCode.createContainer:
      return create(tree, header, txn, containerOwner)
    case opCode.createTTL:
      return create(tree, header, txn, ttlOwner(txn.ttl))
    case opCode.delete:
    case opCode.deleteContainer:
      return remove(tree, txn.path, header.zxid)
    case opCode.setData:
    case opCode.reconfig:
      if (tree.get(txn.path) !== undefined) tree.setData(header, txn.path, txn.data, txn.version)
      return
    case opCode.setACL:
      if (tree.get(txn.path) !== undefined) tree.setAcl(txn.path, txn.acl ?? openAcl, txn.version)
      return
    case opCode.check:
    case opCode.error:
      return
  }
}

function create(
  tree: DataTree,
  header: TxnHeader,
  txn: { path: string; data: Uint8Array | null; acl: readonly Acl[] | null; parentCVersion: number },
  owner: bigint,
): void {
  const parent = tree.get(parentPath(txn.path))
  // A later transaction in the range has deleted it.
  if (parent === undefined) return
  const parentCVersion = txn.parentCVersion === -1 ? (parent.cversion + 1) | 0 : txn.parentCVersion
  const node = tree.get(txn.path)
  if (node === undefined) {
    tree.createNode(header, { ...txn, parentCVersion }, owner)
    return
  }
  // Its list may be newer than the table of lists in the snapshot.
  if (txn.acl !== null) tree.setAcl(txn.path, txn.acl, node.aversion)
  if (((parentCVersion - parent.cversion) | 0) <= 0) return
  parent.cversion = parentCVersion
  if (header.zxid > parent.pzxid) parent.pzxid = header.zxid
}

function remove(tree: DataTree, path: string, zxid: bigint): void {
  if (tree.get(path) !== undefined) {
    // Parents before their children, so that from the end the deepest are deleted first.
    const paths = [path]
    for (let i = 0; i < paths.length; i++) {
      const parent = paths[i] as string
      for (const name of tree.get(parent)?.children?.keys() ?? []) paths.push(`${parent}/${name}`)
    }
    for (let each = paths.pop(); each !== undefined; each = paths.pop()) tree.deleteNode(each, zxid)
    return
  }
  const parent = tree.get(parentPath(path))
  if (parent !== undefined && zxid > parent.pzxid) parent.pzxid = zxid
}

/** Every path whose share in the digest may change. */
function touchedBy(tree: DataTree, header: TxnHeader, txn: Txn): TextSet {
  const paths = new TextSet()
  const touch = (path: string, isWithParent: boolean): void => {
    paths.add(path === '' ? '/' : path)
    if (isWithParent) paths.add(parentPath(path))
  }
  switch (txn.type) {
    case opCode.multi:
      for (const part of txn.txns) if ('path' in part) touch(part.path, true)
      break
    case opCode.closeSession:
      for (const path of [...(txn.paths2Delete ?? []), ...tree.ephemeralsOf(header.clientId)]) touch(path, true)
      break
    case opCode.createSession:
    case opCode.error:
      break
    case opCode.setData:
    case opCode.reconfig:
    case opCode.setACL:
      touch(txn.path, false)
      break
    default:
      if ('path' in txn) touch(txn.path, true)
  }
  return paths
}
