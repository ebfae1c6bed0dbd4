/** A member passes everything on that changes something, and finds the answers among all transactions of the ensemble. */
import { opCode, type QuorumPacket, Reader, type TxnHeader, Writer, writeSetDataRequest } from '@lightkeeper/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { Session } from '../session/session.ts'
import { Touches } from '../session/touches.ts'
import type { Txn } from '../tree/txn.ts'
import type { Caller } from './caller.ts'
import { type Answering, Forwarding, isSessionMoved } from './forwarding.ts'
import { Ticket } from './reply-queue.ts'

let sent: QuorumPacket[]
let said: string[]
let received: bigint
let applied: bigint
let touches: Touches
let forwarding: Forwarding

const identities = [{ scheme: 'ip', id: '10.0.0.1' }]
const session = new Session(5n, 4_000)
const caller = { identities, session } as unknown as Caller
const setData = (): Reader => {
  const writer = new Writer()
  writeSetDataRequest(writer, { path: '/a', data: Uint8Array.of(1), version: -1 })
  return new Reader(writer.written())
}
const header = (clientId: bigint, cxid: number) => ({ clientId, cxid, zxid: 0n, time: 0n, type: 0 })
const txn = { type: opCode.error, err: -101 } as const

beforeEach(() => {
  sent = []
  said = []
  received = applied = 10n
  touches = new Touches()
  forwarding = new Forwarding(
    {
      opened: (ticket) => void said.push(`opened ${ticket.xid}`),
      refused: (ticket, err) => void said.push(`refused ${ticket.xid}: ${err}`),
      lost: (tickets) => void said.push(`lost ${tickets.map(({ xid }) => xid).join(' ')}`),
    },
    touches,
    { send: (packet) => void sent.push(packet), committedZxid: () => received, appliedZxid: () => applied },
  )
})

const write = (xid: number): Ticket<Caller> => {
  const ticket = new Ticket(caller, xid, opCode.setData)
  forwarding.write(ticket, session, setData())
  return ticket
}
const sync = (xid: number): void => forwarding.sync(new Ticket(caller, xid, opCode.sync))
/** The ticket that a transaction answers when it comes and is committed. */
const take = (header: TxnHeader, txn: Txn): Ticket<Caller> | undefined => {
  const entry: Answering = { header, txn, ticket: undefined }
  forwarding.proposed(entry)
  forwarding.committed(header.zxid)
  return entry.ticket
}
const synced = (): string | undefined => forwarding.answered({ type: 'SYNC', zxid: 0n, data: null, authinfo: null })

test('a write leaves with session, xid, opcode, its unchanged body, and who asks', () => {
  write(7)
  const [packet] = sent
  expect(packet).toMatchObject({ type: 'REQUEST', zxid: -1n, authinfo: identities })
  const reader = new Reader(packet?.data as Uint8Array)
  expect([reader.long(), reader.int(), reader.int()]).toEqual([5n, 7, opCode.setData])
  expect(reader.bytes.subarray(reader.pos)).toEqual(setData().bytes.subarray(0, setData().end))
})

test('a new session is asked for as Apache does it', () => {
  // [obs] REQUEST createSession with a timeout of 6000.
  const open = new Session(0x040000abcdef0001n, 6_000)
  forwarding.openSession(new Ticket(caller, 0, opCode.createSession), open)
  expect(Buffer.from(sent[0]?.data ?? []).toString('hex')).toBe('040000abcdef000100000000fffffff600001770')
  expect(sent[0]?.authinfo).toBeNull()
})

test('a body that cannot be read is refused here: a leader of 3.9 could not go on after it', () => {
  const ticket = new Ticket(caller, 1, opCode.setData)
  forwarding.write(ticket, session, new Reader(Uint8Array.of(0, 0, 0, 9, 1)))
  expect(said).toEqual(['refused 1: -5'])
  expect(sent).toEqual([])
})

describe('a transaction answers', () => {
  test('the oldest request, if session and xid are its own', () => {
    const first = write(1)
    const second = write(2)
    expect(take(header(5n, 1), txn)).toBe(first)
    expect(take(header(5n, 2), txn)).toBe(second)
    expect(take(header(5n, 2), txn)).toBeUndefined()
  })

  test('nobody here, if it is of another session or of a later request', () => {
    write(1)
    write(2)
    expect(take(header(6n, 1), txn)).toBeUndefined()
    // The session was at another server before, and that one asked for it.
    expect(take(header(5n, 2), txn)).toBeUndefined()
  })

  test('no sync: that has an answer of its own', () => {
    sync(1)
    expect(take(header(5n, 1), txn)).toBeUndefined()
  })

  test('no new session, if it closes one that expired', () => {
    forwarding.openSession(new Ticket(caller, 0, opCode.createSession), session)
    expect(take(header(5n, 0), { type: opCode.closeSession, paths2Delete: [] })).toBeUndefined()
  })
})

test('the proposal of a later write comes before the SYNC of an earlier sync, as a follower sees it', () => {
  const first = write(1)
  sync(2)
  const third = write(3)
  const [one, three] = [11n, 12n].map(
    (zxid, i): Answering => ({
      header: { ...header(5n, i === 0 ? 1 : 3), zxid },
      txn,
      ticket: undefined,
    }),
  ) as [Answering, Answering]
  forwarding.proposed(one)
  forwarding.proposed(three)
  expect([one.ticket, three.ticket]).toEqual([undefined, undefined])
  // COMMIT of the first one, which is not durable here yet, then SYNC.
  received = 11n
  expect(synced()).toBeUndefined()
  expect(one.ticket).toBe(first)
  expect(three.ticket).toBeUndefined()
  forwarding.committed(12n)
  expect(three.ticket).toBe(third)
  forwarding.applied(11n)
  expect(said).toEqual(['opened 2'])
})

describe('a sync is answered', () => {
  test('at once, if everything that came before is in the tree', () => {
    sync(3)
    expect(synced()).toBeUndefined()
    expect(said).toEqual(['opened 3'])
  })

  test('when everything that came before it is in the tree', () => {
    sync(3)
    received = 12n
    synced()
    expect(said).toEqual([])
    forwarding.applied(11n)
    expect(said).toEqual([])
    forwarding.applied(12n)
    expect(said).toEqual(['opened 3'])
  })

  test('never before an earlier one', () => {
    sync(3)
    sync(4)
    received = 11n
    synced()
    applied = 11n
    synced()
    forwarding.applied(11n)
    expect(said).toEqual(['opened 3', 'opened 4'])
  })

  test('not in front of a write that was sent earlier: then the leader is faulty', () => {
    write(1)
    sync(2)
    expect(synced()).toMatch(/SYNC/)
  })
})

describe('a client that comes back', () => {
  const answer = (id: bigint, isValid: boolean): string | undefined => {
    const writer = new Writer()
    writer.long(id)
    writer.boolean(isValid)
    return forwarding.answered({ type: 'REVALIDATE', zxid: -1n, data: writer.written(), authinfo: null })
  }

  test('keeps its session if the leader says so', () => {
    let kept: Session | undefined
    forwarding.revalidate(5n, 6_000, (session) => {
      kept = session
    })
    expect(Buffer.from(sent[0]?.data ?? []).toString('hex')).toBe('000000000000000500001770')
    answer(5n, true)
    expect(kept).toMatchObject({ id: 5n, timeoutMs: 6_000 })
  })

  test('learns that it expired, and two that ask for one session have an answer each', () => {
    const answers: (Session | undefined)[] = []
    for (const timeout of [4_000, 5_000]) forwarding.revalidate(5n, timeout, (session) => void answers.push(session))
    answer(5n, true)
    answer(5n, false)
    expect(answers.map((session) => session?.timeoutMs)).toEqual([4_000, undefined])
  })
})

test('a PING has every session that was active since the last one', () => {
  forwarding.touch(session)
  forwarding.touch(session)
  forwarding.touch(new Session(0x040000abcdef0001n, 6_000))
  expect(Buffer.from(touches.take()).toString('hex')).toBe('000000000000000500000fa0040000abcdef000100001770')
  expect(touches.take()).toEqual(new Uint8Array(0))
})

test('a session that is being closed is not kept alive', () => {
  const closing = new Session(9n, 4_000)
  forwarding.closeSession(new Ticket(caller, 1, opCode.closeSession), closing)
  forwarding.touch(closing)
  expect(touches.take().length).toBe(0)
})

test('an error says that a session has moved, also inside a multi', () => {
  expect(isSessionMoved({ type: opCode.error, err: -118 })).toBe(true)
  expect(isSessionMoved({ type: opCode.error, err: -101 })).toBe(false)
  expect(
    isSessionMoved({
      type: opCode.multi,
      txns: [
        { type: opCode.error, err: 0 },
        { type: opCode.error, err: -118 },
      ],
    }),
  ).toBe(true)
})
