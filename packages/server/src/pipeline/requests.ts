/** Every request that a client can send: which function serves a read, and which prepares a write. */
import {
  type Id,
  keeperCodes,
  type OperationName,
  opCode,
  type Reader,
  readCreateRequest,
  readCreateTTLRequest,
  readDeleteRequest,
  readReconfigRequest,
  readSetACLRequest,
  readSetDataRequest,
  readSetWatches,
  readSetWatches2,
  specialXid,
} from '@lightkeeper/protocol'
import { assert } from '@lightkeeper/runtime'
import type { Txn } from '../tree/txn.ts'
import type { Caller } from './caller.ts'
import type { HeapGuard } from './heap-guard.ts'
import type { PrepareContext, Preparer } from './prepare.ts'
import type { Reads } from './reads.ts'
import { replyHeader } from './replies.ts'

/** The error for a limit; clients know it and do not try again at once. */
const heapFull = keeperCodes.QUOTA_EXCEEDED.number

/**
 * Answers a read from the current tree. `identities` are those of the connection when the read was received, `zxid` is the last one
 * applied. Throws MalformedFrameError where the body does not parse; then nothing was written.
 */
export type Serve = (
  reads: Reads,
  caller: Caller,
  xid: number,
  body: Reader,
  identities: readonly Id[],
  zxid: bigint,
) => void

/** What it takes to prepare a write. */
export interface Preparing {
  readonly preparer: Preparer
  readonly heap: HeapGuard
  readonly limits: { readonly maxMultiOperations: number; readonly reconfigEnabled: boolean }
}

/** Makes a transaction of a write, or the error number of its refusal. Throws MalformedFrameError as `Serve` does. */
type Prepare = (tools: Preparing, context: PrepareContext, body: Reader) => Txn | number

export type ClientRequest =
  /** Changes no znode and no session. */
  | { readonly kind: 'read'; readonly serve: Serve }
  | { readonly kind: 'write'; readonly prepare: Prepare }
  /** A read that waits for every write that was ordered before it. */
  | { readonly kind: 'sync'; readonly serve: Serve }
  | { readonly kind: 'closeSession' | 'auth' | 'sasl' }

/** Opcodes that no client may send: connect requests have their own format, and `check` exists only inside a multi. */
type NotFromClients = 'notification' | 'check' | 'deleteContainer' | 'createSession' | 'error'

const noPersistentWatches = { persistentWatches: [], persistentRecursiveWatches: [] }
const read = (serve: Serve) => ({ kind: 'read', serve }) as const
const write = (prepare: Prepare) => ({ kind: 'write', prepare }) as const

/** A write that may grow the tree, so it is refused while the heap has little room. */
const growth = (prepare: Prepare) =>
  write((tools, context, body) => (tools.heap.admits(body.remaining) ? prepare(tools, context, body) : heapFull))

const requests = {
  ping: read((_reads, caller, _xid, _body, _ids, zxid) => replyHeader(caller, specialXid.ping, zxid, 0)),
  getData: read((reads, caller, xid, body, ids, zxid) => reads.getData(caller, xid, body, ids, zxid)),
  exists: read((reads, caller, xid, body, ids, zxid) => reads.exists(caller, xid, body, ids, zxid)),
  getChildren: read((reads, caller, xid, body, ids, zxid) => reads.getChildren(caller, xid, body, ids, zxid, false)),
  getChildren2: read((reads, caller, xid, body, ids, zxid) => reads.getChildren(caller, xid, body, ids, zxid, true)),
  getACL: read((reads, caller, xid, body, ids, zxid) => reads.getAcl(caller, xid, body, ids, zxid)),
  getAllChildrenNumber: read((reads, caller, xid, body, ids, zxid) =>
    reads.countDescendants(caller, xid, body, ids, zxid),
  ),
  getEphemerals: read((reads, caller, xid, body, _ids, zxid) => reads.getEphemerals(caller, xid, body, zxid)),
  multiRead: read((reads, caller, xid, body, ids, zxid) => reads.multiRead(caller, xid, body, ids, zxid)),
  whoAmI: read((reads, caller, xid, _body, ids, zxid) => reads.whoAmI(caller, xid, ids, zxid)),
  setWatches: read((reads, caller, xid, body, _ids, zxid) =>
    reads.setWatches(caller, xid, { ...readSetWatches(body), ...noPersistentWatches }, zxid),
  ),
  setWatches2: read((reads, caller, xid, body, _ids, zxid) =>
    reads.setWatches(caller, xid, readSetWatches2(body), zxid),
  ),
  addWatch: read((reads, caller, xid, body, _ids, zxid) => reads.addWatch(caller, xid, body, zxid)),
  checkWatches: read((reads, caller, xid, body, _ids, zxid) =>
    reads.checkOrRemoveWatches(caller, xid, body, zxid, false),
  ),
  removeWatches: read((reads, caller, xid, body, _ids, zxid) =>
    reads.checkOrRemoveWatches(caller, xid, body, zxid, true),
  ),
  sync: { kind: 'sync', serve: (reads, caller, xid, body, _ids, zxid) => reads.sync(caller, xid, body, zxid) },
  create: growth(({ preparer }, context, body) =>
    preparer.create(context, opCode.create, readCreateRequest(body), undefined),
  ),
  create2: growth(({ preparer }, context, body) =>
    preparer.create(context, opCode.create2, readCreateRequest(body), undefined),
  ),
  createContainer: growth(({ preparer }, context, body) =>
    preparer.create(context, opCode.createContainer, readCreateRequest(body), undefined),
  ),
  createTTL: growth(({ preparer }, context, body) => {
    const request = readCreateTTLRequest(body)
    return preparer.create(context, opCode.createTTL, request, request.ttl)
  }),
  delete: write(({ preparer }, context, body) => preparer.delete(context, readDeleteRequest(body))),
  setData: growth(({ preparer }, context, body) => preparer.setData(context, readSetDataRequest(body))),
  setACL: growth(({ preparer }, context, body) => preparer.setAcl(context, readSetACLRequest(body))),
  multi: write(({ preparer, heap, limits }, context, body) =>
    preparer.multi(context, body, limits.maxMultiOperations, heap),
  ),
  // Off by default, and a standalone server has no ensemble to change.
  reconfig: write(({ limits }, _context, body) => {
    readReconfigRequest(body)
    return limits.reconfigEnabled ? keeperCodes.UNIMPLEMENTED.number : keeperCodes.RECONFIG_DISABLED.number
  }),
  closeSession: { kind: 'closeSession' },
  auth: { kind: 'auth' },
  sasl: { kind: 'sasl' },
} as const satisfies Record<Exclude<OperationName, NotFromClients>, ClientRequest>

/** By opcode, from the lowest one: an array is faster than a map, and every request is looked up at least once. */
const lowest = Math.min(...Object.values(opCode))
const byOpcode: (ClientRequest | undefined)[] = Array.from({
  length: Math.max(...Object.values(opCode)) - lowest + 1,
})
for (const [name, request] of Object.entries(requests)) {
  byOpcode[opCode[name as keyof typeof requests] - lowest] = request
}

/** The row of an opcode, undefined for one that no client may send. */
export function requestOf(type: number): ClientRequest | undefined {
  return byOpcode[type - lowest]
}

/** How to answer a read. */
export function serveOf(type: number): Serve {
  const request = requestOf(type)
  assert(request?.kind === 'read' || request?.kind === 'sync', 'only reads are served')
  return request.serve
}

/** Whether a request changes no znode and no session. */
export function isReading(type: number): boolean {
  const kind = requestOf(type)?.kind
  return kind === 'read' || kind === 'sync'
}
