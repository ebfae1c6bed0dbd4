/**
 * Bytes of a stranger on the ports between members, with logins and without them, in front of a login and inside of it: none of them throws,
 * lets the stranger in, or keeps a member out.
 */
import { quorumAuthBytes, Writer, writeInitialMessage, writeNotification } from '@lightkeeper/protocol'
import { type Link, silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DialingLogin } from '../../packages/server/src/auth/sasl/member-login.ts'
import { MemberSasl, OwnLogin } from '../../packages/server/src/auth/sasl/member-sasl.ts'
import { SaslUsers } from '../../packages/server/src/auth/sasl/users.ts'
import { HandClock } from '../../packages/server/src/server.harness.ts'
import { ElectionLinks } from '../../packages/server/src/transport/election-links.ts'
import { LearnerListener } from '../../packages/server/src/transport/learner-listener.ts'
import { HandNetwork } from '../../packages/server/src/transport/links.harness.ts'
import { loginNetwork, MemberLogins } from '../../packages/server/src/transport/member-logins.ts'
import { fuzzParameters } from './parameters.ts'

const own = new OwnLogin('member', 'secret')
const sasl = new MemberSasl(own, new SaslUsers(new Map([['member', 'secret']])), true)
const text = (content: string): Uint8Array => new TextEncoder().encode(content)
const initial = (sid: number): Uint8Array => {
  const writer = new Writer(64)
  writeInitialMessage(writer, { sid, addresses: ['h:1'] })
  return writer.written().slice()
}
const note = (): Uint8Array => {
  const writer = new Writer(64)
  const mark = writer.beginFrame()
  const vote = { leader: 1, zxid: 0n, round: 1, peerEpoch: 0 }
  writeNotification(writer, { state: 'looking', ...vote, version: 2, config: new Uint8Array(0) })
  writer.endFrame(mark)
  return writer.written().slice()
}
const followerInfo = Buffer.from(
  '0000000b0000000000000000000000140000000000000002000100000000000000000000ffffffff',
  'hex',
)

/** Parts of what members say, whole and cut, and bytes that look like lengths. */
const status = fc.constantFrom('inProgress', 'success', 'error') as fc.Arbitrary<'inProgress' | 'success' | 'error'>
const token = fc.oneof(
  fc.constantFrom(null, text(''), text('username="member",nonce="x",cnonce="c",digest-uri="u",response=0,realm="r"')),
  fc.uint8Array({ maxLength: 40 }),
)
const part = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.constantFrom(Uint8Array.of(0x7f, 255, 255, 255), Uint8Array.of(255, 255, 255, 255), Uint8Array.of(0, 0, 0, 0)),
  fc.constantFrom(initial(4), note(), followerInfo, text('_$5\x015\x01')),
  fc.tuple(status, token).map(([each, bytes]) => quorumAuthBytes({ status: each, token: bytes })),
)
const bytes = fc
  .tuple(fc.array(part, { maxLength: 6 }), fc.nat({ max: 400 }))
  .map(([parts, length]) => Buffer.concat(parts).subarray(0, length))
/** Half of the strangers begin as a member does. */
const opening = fc.constantFrom(initial(4), new Uint8Array(0))

interface Dialed {
  readonly link: Link
  readonly answers: Buffer[]
  isClosed: boolean
}

function dial(network: HandNetwork, address: string, heard: (chunk: Uint8Array) => void = () => {}): Dialed {
  const state = { answers: [] as Buffer[], isClosed: false }
  const link = network.connect(address, {
    data(chunk) {
      state.answers.push(Buffer.from(chunk))
      heard(chunk)
    },
    closed: () => void (state.isClosed = true),
  })
  network.settle()
  return Object.assign(state, { link })
}

/** A member that knows the password, with what it sends behind its login. */
function logIn(network: HandNetwork, address: string, front: Uint8Array, behind: Uint8Array): void {
  const login = new DialingLogin(own, 'c0')
  const member = dial(network, address, (chunk) => {
    const { send, end } = login.received(chunk)
    if (send !== undefined) member.link.write(send)
    if (end?.kind === 'passed') member.link.write(behind)
  })
  member.link.write(front)
  member.link.write(login.begin().send as Uint8Array)
  network.settle()
}

async function electionPort(hasLogins: boolean) {
  const network = new HandNetwork()
  const clock = new HandClock()
  const runtime = nodeRuntime({ network, clock, log: silentLog })
  const heard: number[] = []
  const peers = new Map([[4, ['h4:3888']]])
  const own = ['h1:3888']
  const ports = {
    ownAddresses: own,
    listenAddresses: own,
    hasSeveral: false,
    recheckMs: undefined,
    connectTimeoutMs: 5_000,
  }
  const logins = hasLogins ? new MemberLogins(sasl, runtime) : undefined
  await new ElectionLinks({ sid: 1, peers, logins, ...ports }, runtime, (from) => void heard.push(from)).listen()
  return { network, clock, heard }
}

async function quorumPort() {
  const network = new HandNetwork()
  const clock = new HandClock()
  const runtime = nodeRuntime({ network, clock, log: silentLog })
  const logins = new MemberLogins(sasl, runtime)
  const heard: string[] = []
  const limits = { packetBytesMax: 10_000, budgetBytes: 10_000, stallMs: 1_000 }
  const above = { ...runtime, network: loginNetwork(logins, runtime) }
  const listener = new LearnerListener(['h1:2888'], above, limits, () => 1, {
    accepted() {},
    packet: (_id, { type }) => void heard.push(type),
    closed() {},
  })
  listener.open()
  // The port opens by promises alone.
  await new Promise((resolve) => setImmediate(resolve))
  return { network, clock, heard }
}

test('a stranger at an election port where members log in is not heard, and a member is', async () => {
  const { network, clock, heard } = await electionPort(true)
  fc.assert(
    fc.property(opening, bytes, fc.integer({ min: 1, max: 100 }), (front, garbage, size) => {
      const { link } = dial(network, 'h1:3888')
      const all = Buffer.concat([front, garbage])
      for (let at = 0; at < all.length; at += size) link.write(all.subarray(at, at + size))
      network.settle()
      expect(heard).toEqual([])
      link.destroy()
      network.settle()
      clock.advance(6_000)
      network.settle()
    }),
    fuzzParameters(300),
  )
  logIn(network, 'h1:3888', initial(4), note())
  expect(heard).toEqual([4])
})

test('without logins, garbage at an election port ends its own link alone', async () => {
  const { network, heard } = await electionPort(false)
  fc.assert(
    fc.property(opening, bytes, (front, garbage) => {
      const { link } = dial(network, 'h1:3888')
      link.write(Buffer.concat([front, garbage]))
      network.settle()
      link.destroy()
      network.settle()
    }),
    fuzzParameters(300),
  )
  heard.length = 0
  const member = dial(network, 'h1:3888')
  member.link.write(Buffer.concat([initial(4), note()]))
  network.settle()
  expect(heard).toEqual([4])
})

test('a stranger at a quorum port where members log in is not heard, and a member is', async () => {
  const { network, clock, heard } = await quorumPort()
  fc.assert(
    fc.property(fc.constantFrom(followerInfo, new Uint8Array(0)), bytes, (front, garbage) => {
      const { link } = dial(network, 'h1:2888')
      link.write(Buffer.concat([front, garbage]))
      network.settle()
      expect(heard).toEqual([])
      link.destroy()
      network.settle()
      clock.advance(2_000)
    }),
    fuzzParameters(300),
  )
  logIn(network, 'h1:2888', new Uint8Array(0), followerInfo)
  expect(heard).toEqual(['FOLLOWERINFO'])
})
