// @ts-check
/** Attacks of a member of an ensemble: at its election port, at its quorum port, and at its client port while it follows or looks. */
import { opCode } from '@lightkeeper/protocol'
import { connectFrame, frameOf } from '../../test/support/frames.mjs'
import { dial } from '../support/wire.mjs'
import { createAll, pause, set } from './kit.mjs'
import {
  bareSocket,
  crowd,
  deafLearner,
  halfInitialMessage,
  halfPacket,
  initialMessage,
  learnerInfo,
  oneByOne,
  vote,
} from './strangers.mjs'

/** @typedef {import('./strangers.mjs').Course} Course */
/**
 * The member that is attacked, and another one, which follows and serves the normal client.
 * @typedef {{ client: number, quorum: number, election: number, sid: number }} Place
 * @typedef {{ attacked: Place, other: Place, observer: Place, zxid(): Promise<bigint> }} Scene
 */
/**
 * `at`: the member that is attacked leads, follows, or looks, since the others are gone. `boundMiB` is how much memory it may take where
 * that is more than 64 MiB. `restarts`: another follower is killed meanwhile and must come back.
 * @typedef {{
 *   name: string,
 *   at: 'leader' | 'follower' | 'looking',
 *   restarts?: boolean,
 *   config?: Readonly<Record<string, string | number>>,
 *   boundMiB?: number,
 *   setUp(scene: Scene): Promise<(course: Course) => Promise<void>>
 * }} MemberAttack
 */

/** A sid that no line has. */
const unlisted = 77
const twoGigabytes = 0x7fff_ffff
const garbage = Uint8Array.from({ length: 16_000 }, (_, i) => (i * 31) & 0xff)

/** @param {'leader' | 'follower'} at @returns {readonly MemberAttack[]} */
const electionPort = (at) => [
  {
    name: `election port of a ${at}: 1,000 silent connections`,
    at,
    restarts: at === 'leader',
    setUp:
      async ({ attacked }) =>
      (course) =>
        crowd(course, attacked.election, 1_000),
  },
  {
    name: `election port of a ${at}: 1,000 halves of a first message, of 2 GB and of 1,000 bytes`,
    at,
    setUp:
      async ({ attacked, observer }) =>
      async (course) => {
        const halves = [twoGigabytes, 1_000].map((length) => halfInitialMessage(observer.sid, length))
        await Promise.all(halves.map((half) => crowd(course, attacked.election, 500, half)))
      },
  },
  {
    name: `election port of a ${at}: garbage`,
    at,
    setUp:
      async ({ attacked, observer }) =>
      (course) =>
        oneByOne(course, attacked.election, 4, (round) =>
          round % 2 === 0 ? [garbage] : [initialMessage(observer.sid), garbage],
        ),
  },
  {
    name: `election port of a ${at}: in the name of another member, again and again`,
    at,
    restarts: at === 'leader',
    setUp:
      async ({ attacked, other }) =>
      (course) =>
        oneByOne(course, attacked.election, 4, () => [initialMessage(other.sid)]),
  },
  {
    name: `election port of a ${at}: votes without end`,
    at,
    setUp:
      async ({ attacked, observer }) =>
      async (course) => {
        const votes = Buffer.concat(Array.from({ length: 1_000 }, (_, i) => vote(observer.sid, i + 1)))
        while (!course.isOver) {
          const socket = bareSocket(attacked.election)
          socket.pause()
          socket.write(initialMessage(observer.sid))
          let isOpen = true
          socket.on('close', () => (isOpen = false))
          while (isOpen && !course.isOver) {
            if (socket.writableLength < 1 << 20) socket.write(votes)
            else await pause(2)
          }
          socket.destroy()
          await pause(50)
        }
      },
  },
]

/** Connections to a member that nobody leads, each with these first bytes. @param {number} count @param {Uint8Array} [first] @returns {MemberAttack['setUp']} */
const lobby =
  (count, first) =>
  async ({ attacked }) =>
  (course) =>
    crowd(course, attacked.client, count, first)

/** @type {readonly MemberAttack[]} */
export const memberAttacks = [
  {
    name: 'nothing, while a follower is restarted',
    at: 'leader',
    restarts: true,
    setUp: async () => async (course) => {
      while (!course.isOver) await pause(20)
    },
  },
  ...electionPort('leader'),
  ...electionPort('follower'),
  {
    name: 'quorum port: 1,000 silent connections',
    at: 'leader',
    restarts: true,
    setUp:
      async ({ attacked }) =>
      (course) =>
        crowd(course, attacked.quorum, 1_000),
  },
  {
    name: 'quorum port: 1,000 halves of a packet, of 2 GB and of 1,000 bytes',
    at: 'leader',
    restarts: true,
    setUp:
      async ({ attacked }) =>
      async (course) => {
        const halves = [twoGigabytes, 1_000].map(halfPacket)
        await Promise.all(halves.map((half) => crowd(course, attacked.quorum, 500, half)))
      },
  },
  {
    name: 'quorum port: a follower that has no line, again and again',
    at: 'leader',
    restarts: true,
    setUp:
      async ({ attacked }) =>
      (course) =>
        oneByOne(course, attacked.quorum, 4, () => [learnerInfo('FOLLOWERINFO', unlisted)]),
  },
  {
    name: 'quorum port: in the name of a follower that is there, again and again',
    at: 'leader',
    setUp:
      async ({ attacked, other }) =>
      (course) =>
        oneByOne(course, attacked.quorum, 4, () => [learnerInfo('FOLLOWERINFO', other.sid)]),
  },
  {
    name: 'quorum port: garbage, also behind the name of an observer',
    at: 'leader',
    setUp:
      async ({ attacked, observer }) =>
      (course) =>
        oneByOne(course, attacked.quorum, 4, (round) =>
          round % 2 === 0 ? [garbage] : [learnerInfo('OBSERVERINFO', observer.sid), garbage],
        ),
  },
  {
    name: 'quorum port: an observer that wants 200,000 znodes and reads nothing',
    at: 'leader',
    async setUp({ attacked, other, observer }) {
      const client = await dial(other.client)
      await createAll(client, ['/f', ...Array.from({ length: 200_000 }, (_, i) => `/f/a-name-of-some-length-${i}`)])
      client.destroy()
      return async (course) => {
        const socket = deafLearner(course, { port: attacked.quorum, sid: observer.sid, zxid: 1n, stopsAt: 'SNAP' })
        while (!course.isOver) await pause(20)
        socket.destroy()
      }
    },
  },
  {
    name: 'quorum port: an observer that reads nothing of 40 MB of writes a second',
    at: 'leader',
    boundMiB: 400,
    async setUp({ attacked, other, observer, zxid }) {
      const client = await dial(other.client)
      await client.create('/load')
      return async (course) => {
        const plan = {
          port: attacked.quorum,
          sid: observer.sid,
          zxid: await zxid(),
          stopsAt: /** @type {const} */ ('UPTODATE'),
        }
        const socket = deafLearner(course, plan)
        const data = new Uint8Array(100_000)
        while (!course.isOver) {
          for (let i = 0; i < 8; i++) client.send(opCode.setData, set('/load', data))
          await pause(20)
        }
        socket.destroy()
        client.destroy()
      }
    },
  },
  {
    name: 'client port of a follower: 100,000 writes of one client that reads nothing',
    at: 'follower',
    async setUp({ attacked }) {
      const client = await dial(attacked.client)
      await client.create('/piped')
      return async (course) => {
        client.socket.pause()
        const bytes = Buffer.concat(Array.from({ length: 1_000 }, () => frameOf(pipedWrite)))
        for (let i = 0; i < 100; i++) client.socket.write(bytes)
        while (!course.isOver) await pause(20)
        client.destroy()
      }
    },
  },
  {
    name: 'client port of a looking member: nothing',
    at: 'looking',
    setUp: async () => async (course) => {
      while (!course.isOver) await pause(20)
    },
  },
  {
    name: 'client port of a looking member: 1,000 silent connections',
    at: 'looking',
    setUp: lobby(1_000),
  },
  {
    name: 'client port of a looking member: 10,000 handshakes',
    at: 'looking',
    setUp: lobby(10_000, connectFrame()),
  },
  {
    name: 'client port of a looking member: 10,000 handshakes, maxClientCnxns=60',
    at: 'looking',
    config: { maxClientCnxns: 60 },
    setUp: lobby(10_000, connectFrame()),
  },
  {
    name: 'client port of a looking member: 1,000 handshakes of a megabyte',
    at: 'looking',
    boundMiB: 600,
    setUp: lobby(1_000, connectFrame({ passwd: new Uint8Array(1_000_000) })),
  },
  {
    name: 'client port of a looking member: 1,000 handshakes of a megabyte, maxClientCnxns=60',
    at: 'looking',
    config: { maxClientCnxns: 60 },
    boundMiB: 128,
    setUp: lobby(1_000, connectFrame({ passwd: new Uint8Array(1_000_000) })),
  },
]

/** @param {import('@lightkeeper/protocol').Writer} writer */
function pipedWrite(writer) {
  writer.int(1)
  writer.int(opCode.setData)
  set('/piped')(writer)
}
