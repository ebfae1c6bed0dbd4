/** A learner that sends more than is committed costs a leader so much and no more. */
import { opCode, openAcl, type QuorumPacket, Writer, writeCreateRequest } from '@lightkeeper/protocol'
import { silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { expect, test } from 'vitest'
import { Access } from '../auth/access.ts'
import { resolveConfig } from '../config/config.ts'
import { HandClock } from '../server.harness.ts'
import { Session } from '../session/session.ts'
import { ServerStats } from '../stats.ts'
import { DataTree } from '../tree/data-tree.ts'
import { Turn } from '../turn.ts'
import { LearnerRequests } from './learner-requests.ts'
import { Primary } from './primary.ts'

const bytesMax = 10_000
const first = 3n << 32n

/** `applied`: the last transaction in the tree when the term begins. */
function leading(applied = first, opensSession = true) {
  const clock = new HandClock()
  let last = first
  const runtime = nodeRuntime({ clock, log: silentLog })
  const config = resolveConfig({ tickTime: 1000 }, clock.wall())
  const parts = { tree: new DataTree(), access: new Access(new Map(), false), stats: new ServerStats() }
  const primary = new Primary(
    { ...parts, config, runtime, turn: new Turn(clock), lastZxid: first },
    {
      ordered: ({ header }) => {
        last = header.zxid
      },
      unappliedWork: () => 0,
      broken: (error) => expect.fail(error.message),
    },
  )
  const hooks = { appliedZxid: () => applied, sync() {}, answer() {} }
  const requests = new LearnerRequests(primary, clock, hooks, bytesMax)
  const learner = {}
  if (opensSession) primary.openSession(learner, new Session(7n, 5_000), undefined)
  return {
    requests,
    learner,
    apply: () => {
      applied = last
    },
  }
}

function request(bytes: number): QuorumPacket {
  const writer = new Writer(bytes + 200)
  writer.long(7n)
  writer.int(1)
  writer.int(opCode.create)
  writeCreateRequest(writer, { path: '/n', data: new Uint8Array(bytes), acl: openAcl, flags: 2 })
  return { type: 'REQUEST', zxid: -1n, data: writer.written(), authinfo: null }
}

test('a learner whose requests are applied may send any number', () => {
  const { requests, learner, apply } = leading()
  for (let i = 0; i < 50; i++) {
    expect(requests.take(learner, 1, request(4_000))).toBeUndefined()
    apply()
  }
})

test('one whose requests pile up is left at the limit, and others go on', () => {
  const { requests, learner } = leading()
  let taken = 0
  while (requests.take(learner, 1, request(1_000)) === undefined) taken++
  expect(taken).toBe(9)
  expect(requests.take(learner, 1, request(1))).toMatch(/^it sends more than is committed: \d+ bytes/)
  expect(requests.take({}, 2, request(1_000))).toBeUndefined()
})

test('syncs cost nothing in a term that has no transaction yet: what was before it is applied', () => {
  const { requests, learner } = leading((2n << 32n) + 9n, false)
  const writer = new Writer(100)
  writer.long(7n)
  writer.int(1)
  writer.int(opCode.sync)
  writer.ustring('/')
  const sync: QuorumPacket = { type: 'REQUEST', zxid: -1n, data: writer.written(), authinfo: null }
  for (let i = 0; i < bytesMax; i++) expect(requests.take(learner, 1, sync)).toBeUndefined()
})
