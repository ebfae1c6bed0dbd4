/** New transactions: their numbers, who may request them, and what waits for them. */
import { opCode, openAcl, Reader, Writer, writeCreateRequest } from '@lightkeeper/protocol'
import { silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { Access } from '../auth/access.ts'
import { resolveConfig } from '../config/config.ts'
import { HandClock } from '../server.harness.ts'
import { Session } from '../session/session.ts'
import { ServerStats } from '../stats.ts'
import { DataTree } from '../tree/data-tree.ts'
import { Turn } from '../turn.ts'
import type { Caller } from './caller.ts'
import type { Entry } from './history.ts'
import { Primary } from './primary.ts'
import { Ticket } from './reply-queue.ts'

const desk = { name: 'own desk' }
const link = { name: 'link of another server' }
const barrier = (): Ticket<Caller> => new Ticket({} as Caller, 1, opCode.sync)

let clock: HandClock
let entries: Entry[]
let unappliedWork: () => number
let primary: Primary
let session: Session

/** Number and error of each transaction, 0 for one that changes something. */
const made = (): [zxid: bigint, err: number][] =>
  entries.map(({ header, txn }) => [header.zxid, txn.type === opCode.error ? txn.err : 0])

const create = (owner: object, of: Session, path: string): number => {
  const writer = new Writer(256)
  writeCreateRequest(writer, { path, data: null, acl: openAcl, flags: 0 })
  return primary.write(owner, of, 1, opCode.create, new Reader(writer.written()), [], undefined)
}
const unreadable = (type: number): number =>
  primary.write(desk, session, 1, type, new Reader(new Uint8Array(3)), [], undefined)

beforeEach(() => {
  clock = new HandClock()
  unappliedWork = () => 0
  const config = resolveConfig({ tickTime: 1000 }, clock.wall())
  entries = []
  primary = new Primary(
    {
      tree: new DataTree(),
      access: new Access(new Map(), false),
      config,
      runtime: nodeRuntime({ clock, log: silentLog }),
      turn: new Turn(clock),
      stats: new ServerStats(),
      lastZxid: 3n << 32n,
    },
    {
      ordered: (entry) => void entries.push(entry),
      unappliedWork: () => unappliedWork(),
      broken: (error) => expect.fail(error.message),
    },
  )
  session = new Session(7n, 10_000)
})

describe('numbers', () => {
  test('follow the one the term begins with, without a gap', () => {
    primary.openSession(desk, session, undefined)
    create(desk, session, '/a')
    create(desk, session, '/a')
    primary.closeSession(session, 9, undefined)
    const first = (3n << 32n) + 1n
    expect(made()).toEqual([
      [first, 0],
      [first + 1n, 0],
      [first + 2n, -110],
      [first + 3n, 0],
    ])
  })

  test('are not taken by a write that cannot be read, but by such a multi', () => {
    expect(unreadable(opCode.create)).toBe(-5)
    expect(made()).toEqual([])
    expect(unreadable(opCode.multi)).toBe(0)
    expect(made()).toEqual([[(3n << 32n) + 1n, -5]])
  })
})

describe('the owner of a session', () => {
  test('is who opened it; a write by another is refused', () => {
    primary.openSession(link, session, undefined)
    create(desk, session, '/a')
    create(link, session, '/a')
    expect(made().map(([, err]) => err)).toEqual([0, -118, 0])
  })

  test('is who writes first where the session has none, as after a change of term', () => {
    create(link, session, '/a')
    create(desk, session, '/b')
    expect(made().map(([, err]) => err)).toEqual([0, -118])
  })

  test('is who took the session over', () => {
    primary.openSession(link, session, undefined)
    expect(primary.sessions.takeOver(session, 5000, desk, 0)).toBe(true)
    create(link, session, '/a')
    create(desk, session, '/a')
    expect(made().map(([, err]) => err)).toEqual([0, -118, 0])
    expect(session.timeoutMs).toBe(5000)
  })

  test('is not asked when the session is closed; then nothing is written for it, and it cannot be taken over', () => {
    primary.openSession(link, session, undefined)
    primary.closeSession(session, 0, undefined)
    create(link, session, '/a')
    expect(made().map(([, err]) => err)).toEqual([0, 0, -112])
    expect(primary.sessions.takeOver(session, 5000, desk, 0)).toBe(false)
  })
})

describe('the clock of a session', () => {
  const isAlive = (id: bigint): boolean => primary.sessions.get(id)?.isClosing === false

  test('begins when clients are served, however long the server took to get there', () => {
    primary.openSession(desk, session, undefined)
    clock.advance(60_000)
    primary.start()
    clock.advance(9_000)
    expect(isAlive(session.id)).toBe(true)
    clock.advance(3_000)
    expect(isAlive(session.id)).toBe(false)
  })

  test('stands still while this process does, and what arrived meanwhile comes first', () => {
    primary.start()
    primary.openSession(desk, session, undefined)
    const spoke = new Session(8n, 2_000)
    primary.openSession(desk, spoke, undefined)
    clock.advance(1_900)
    // The process stood still: its timer is late, and a ping waits.
    clock.time += 60_000
    clock.oneTurn()
    clock.advance(0)
    primary.sessions.touch(spoke, clock.now())
    clock.advance(1_500)
    expect([isAlive(7n), isAlive(8n)]).toEqual([true, true])
    clock.advance(2_000)
    expect([isAlive(7n), isAlive(8n)]).toEqual([true, false])
    clock.advance(6_000)
    expect(isAlive(7n)).toBe(false)
  })
})

describe('the ends of very many sessions', () => {
  const sessions = Array.from({ length: 1000 }, (_, i) => new Session(BigInt(100 + i), 10_000))
  const closed = (): bigint[] => entries.filter(({ header }) => header.cxid === 9).map(({ header }) => header.clientId)

  test('wait until what was ordered before them is applied, and come in their order', () => {
    for (const each of sessions) primary.openSession(desk, each, undefined)
    unappliedWork = () => 10_000
    for (const each of sessions) primary.closeSession(each, 9, undefined)
    clock.endTurn()
    expect(closed()).toEqual([])
    create(desk, session, '/a')
    unappliedWork = () => 0
    primary.settled(entries.at(-1)?.header.zxid ?? 0n)
    expect(closed()).toEqual([])
    clock.endTurn()
    expect(closed()).toEqual(sessions.map(({ id }) => id))
  })

  test('are ordered only until there is enough to apply, so that a write of another client waits for these alone', () => {
    for (const each of sessions) primary.openSession(desk, each, undefined)
    let applied = entries.length
    unappliedWork = () => entries.length - applied
    for (const each of sessions) primary.closeSession(each, 9, undefined)
    let rounds = 0
    for (; closed().length < sessions.length; rounds++) {
      clock.endTurn()
      const { length } = entries
      expect(length - applied).toBeLessThanOrEqual(512)
      create(desk, session, `/${rounds}`)
      expect(entries).toHaveLength(length + 1)
      applied = entries.length
      primary.settled(entries.at(-1)?.header.zxid ?? 0n)
    }
    expect(rounds).toBe(2)
    expect(closed()).toEqual(sessions.map(({ id }) => id))
  })
})

describe('a barrier', () => {
  const start = 3n << 32n

  test('does not wait where everything that was made is applied', () => {
    expect(primary.awaitAll(barrier(), start)).toBe(false)
    create(desk, session, '/a')
    expect(primary.awaitAll(barrier(), start + 1n)).toBe(false)
  })

  test('opens with the last transaction in front of it, in the order in which they were asked for', () => {
    const [first, second] = [barrier(), barrier()]
    create(desk, session, '/a')
    expect(primary.awaitAll(first, start)).toBe(true)
    create(desk, session, '/b')
    expect(primary.awaitAll(second, start)).toBe(true)
    expect(primary.nextOpen(start)).toBeUndefined()
    expect(primary.nextOpen(start + 2n)).toBe(first)
    expect(primary.nextOpen(start + 2n)).toBe(second)
    expect(primary.nextOpen(start + 2n)).toBeUndefined()
  })

  test('is given back where it will not open', () => {
    const waiting = barrier()
    create(desk, session, '/a')
    primary.awaitAll(waiting, start)
    expect(primary.dropWaiting()).toEqual([waiting])
    expect(primary.nextOpen(start + 1n)).toBeUndefined()
  })
})
