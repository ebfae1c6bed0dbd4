/**
 * How many requests each call makes while a server refuses everything it writes, in the same way and for ever: a call × refusal
 * table. A refusal that no other try can mend ends a call at once; a lost race is tried again with pauses, and ends by time.
 */
import {
  KeeperError,
  keeperCodes,
  opCode,
  type Reader,
  readMultiRequest,
  writeMultiResponse,
} from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { connected, type ServerEnd, type Stage } from './client.harness.ts'
import type { Client } from './client.ts'
import { op } from './operations/op.ts'
import type { CallOptions } from './options.ts'

const refusals = ['NO_NODE', 'NO_AUTH', 'NODE_EXISTS', 'NOT_EMPTY', 'BAD_VERSION', 'QUOTA_EXCEEDED'] as const
type Refusal = (typeof refusals)[number] | 'missing chroot'

const calls = {
  create: (zk, own) => zk.create('/new/x', 'v', own),
  'create with parents': (zk, own) => zk.create('/new/deep/x', 'v', { parents: true, ...own }),
  'create, protected': (zk, own) => zk.create('/new/x', 'v', { protected: true, ...own }),
  'create, protected, with parents': (zk, own) => zk.create('/new/x', 'v', { protected: true, parents: true, ...own }),
  ensure: (zk, own) => zk.ensure('/new/deep/x', own),
  set: (zk, own) => zk.set('/tree', 'v', own),
  setAcl: (zk, own) => zk.setAcl('/tree', [], own),
  'update of a znode': (zk, own) => zk.update('/tree', () => 'v', own),
  'update of a missing znode': (zk, own) => zk.update('/new/x', () => 'v', own),
  'update of a missing znode with parents': (zk, own) =>
    zk.update('/new/x', () => 'v', { create: { parents: true }, ...own }),
  'update of a handle': (zk, own) => zk.node('/tree').update(() => new Uint8Array(1), own),
  delete: (zk, own) => zk.delete('/tree', own),
  'delete, recursive': (zk, own) => zk.delete('/tree', { recursive: true, ...own }),
  transaction: (zk, own) => zk.transactionOf([op.set('/tree', 'v')], own),
  'transaction with a marker': (zk, own) => zk.transactionOf([op.set('/tree', 'v')], { marker: '/new/marks', ...own }),
  copy: (zk, own) => zk.copy('/tree', '/new', own),
  move: (zk, own) => zk.move('/tree', '/new', own),
  tree: (zk, own) => zk.tree('/tree', own),
  'get, with a transaction to wait for': (zk, own) => zk.get('/tree', { atLeast: 0xffffn, ...own }),
  children: (zk, own) => zk.children('/tree', own),
  exists: (zk, own) => zk.exists('/tree', own),
} as const satisfies Record<string, (zk: Client, own: CallOptions) => Promise<unknown>>
type Call = keyof typeof calls

/** Where another try can win, and the requests of one try. All else ends at the first refusal. */
const races: Partial<Record<Refusal, Partial<Record<Call, number>>>> = {
  // A container that was made a moment ago may be gone: the create that finds no parent is made again with it.
  NODE_EXISTS: {
    // Somebody created it since it was read.
    'update of a missing znode': 2,
    'update of a missing znode with parents': 2,
  },
  BAD_VERSION: {
    // Somebody wrote it since it was read.
    'update of a znode': 2,
    'update of a handle': 2,
    move: 10,
  },
  NO_NODE: {
    // Somebody deleted it since it was read.
    'update of a znode': 2,
    'update of a handle': 2,
    move: 10,
  },
  NOT_EMPTY: {
    // Somebody created a child since it was read.
    'delete, recursive': 8,
    move: 10,
  },
}

/** Most requests of a call that no other try can help. */
const requestsMax = 12
/** Pauses grow to a second at most and are half of that in the middle: tries of a minute, at most. */
const triesMax = 160

const present = new Map<string, readonly string[]>([
  ['/', ['tree']],
  ['/tree', ['a', 'b']],
  ['/tree/a', []],
  ['/tree/b', []],
])

function writeStat(children: number): Uint8Array {
  const bytes = new Uint8Array(68)
  const view = new DataView(bytes.buffer)
  view.setBigInt64(0, 2n)
  view.setBigInt64(8, 2n)
  view.setInt32(56, children)
  view.setBigInt64(60, 2n)
  return bytes
}

/** Answers the waiting requests like a server that refuses all writes; returns the number of requests of the call. */
function answer(peer: ServerEnd, refusal: Refusal): number {
  let count = 0
  const err = keeperCodes[refusal === 'missing chroot' ? 'NO_NODE' : refusal].number
  while (peer.waiting > 0) {
    const { xid, type, body } = peer.request()
    if (xid === -2) {
      peer.reply(-2)
      continue
    }
    count++
    if (type === opCode.multi) refuseMulti(peer, xid, body, err)
    else if (writes.has(type)) peer.reply(xid, type === opCode.delete ? errOfDelete(body, refusal, err) : err)
    else answerRead(peer, xid, type, body, refusal)
  }
  return count
}

const writes: ReadonlySet<number> = new Set([
  opCode.create2,
  opCode.createContainer,
  opCode.setData,
  opCode.setACL,
  opCode.delete,
])

/** A delete that is tried with a version that no znode has is refused for its permission first. */
function errOfDelete(body: Reader, refusal: Refusal, err: number): number {
  body.ustring()
  return body.int() === -2 && refusal !== 'NO_AUTH' ? keeperCodes.BAD_VERSION.number : err
}

/** At its first delete, so that what it creates before is no reason; at its first operation where there is none. */
function refuseMulti(peer: ServerEnd, xid: number, body: Reader, err: number): void {
  const operations = readMultiRequest(body)
  const failed = Math.max(
    0,
    operations.findIndex(({ type }) => type === opCode.delete),
  )
  peer.reply(xid, 0, (writer) =>
    writeMultiResponse(
      writer,
      operations.map((_, i) => ({ type: opCode.error, err: i < failed ? 0 : i === failed ? err : -2 })),
    ),
  )
}

function answerRead(peer: ServerEnd, xid: number, type: number, body: Reader, refusal: Refusal): void {
  if (type === opCode.addWatch || type === opCode.removeWatches) return peer.reply(xid)
  const path = body.ustring() ?? ''
  const children = refusal === 'missing chroot' ? undefined : present.get(path)
  if (type === opCode.sync) return peer.reply(xid, 0, (writer) => writer.ustring(path))
  if (children === undefined) return peer.reply(xid, keeperCodes.NO_NODE.number)
  peer.reply(xid, 0, (writer) => {
    if (type === opCode.getData) writer.buffer(new Uint8Array(1))
    if (type === opCode.getACL) {
      writer.vector([0], () => {
        writer.int(31)
        writer.ustring('world')
        writer.ustring('anyone')
      })
    }
    if (type === opCode.getChildren || type === opCode.getChildren2)
      writer.vector(children, (each, name) => each.ustring(name))
    if (type !== opCode.getChildren) writer.raw(writeStat(children.length))
  })
}

interface End {
  readonly end: string
  readonly requests: number
  readonly ms: number
}

/** Makes a call and lets two minutes pass at most. */
async function endOf(call: Call, refusal: Refusal, own: CallOptions = {}, onTime?: (ms: number) => void): Promise<End> {
  const target = refusal === 'missing chroot' ? 'a:1/chroot' : 'a:1'
  const made: Stage & { readonly zk: Client } = await connected({ requestTimeout: 60_000 }, target)
  let end: string | undefined
  const begun = made.clock.time
  calls[call](made.zk, own).then(
    () => (end = 'ok'),
    (error: unknown) => (end = KeeperError.is(error) ? error.code : String(error)),
  )
  let requests = 0
  // Finely at first, where a loop without pauses would show.
  for (let step = 0; end === undefined && made.clock.time - begun < 120_000; step++) {
    await made.clock.advance(step < 400 ? 1 : 50)
    requests += answer(made.peer, refusal)
    onTime?.(made.clock.time - begun)
  }
  return { end: end ?? 'never', requests, ms: made.clock.time - begun }
}

const rows = [...refusals, 'missing chroot'].flatMap((refusal) =>
  (Object.keys(calls) as Call[]).map((call) => [refusal as Refusal, call] as const),
)
const isRace = ([refusal, call]: readonly [Refusal, Call]): boolean => races[refusal]?.[call] !== undefined

describe('a call that is refused', () => {
  test.each(rows.filter((row) => !isRace(row)))('with %s: %s ends at once', async (refusal, call) => {
    const { end, requests, ms } = await endOf(call, refusal)
    expect(requests).toBeLessThanOrEqual(requestsMax)
    expect(ms).toBeLessThan(1_000)
    expect(end).not.toMatch(/never|TIMEOUT/)
  })

  test.each(rows.filter(isRace))('with %s: %s tries again with pauses, and ends by time', async (refusal, call) => {
    const { end, requests, ms } = await endOf(call, refusal)
    expect(end).toBe('TIMEOUT')
    const perTry = races[refusal]?.[call] ?? 0
    expect(requests).toBeLessThanOrEqual(triesMax * perTry)
    expect(requests).toBeGreaterThan(10)
    expect(ms).toBeLessThan(63_000)
  })

  test.each(rows.filter(isRace))('with %s: %s ends by its own time and by its signal', async (refusal, call) => {
    const timed = await endOf(call, refusal, { timeout: 2_000 })
    expect(timed.end).toBe('TIMEOUT')
    expect(timed.ms).toBeLessThan(2_200)
    const stop = new AbortController()
    const ended = await endOf(call, refusal, { signal: stop.signal }, (ms) => {
      if (ms >= 2_000) stop.abort(new Error('enough'))
    })
    expect(ended.end).toBe('Error: enough')
    expect(ended.ms).toBeLessThan(2_200)
  })
})
