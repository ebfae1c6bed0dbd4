// @ts-check
/** What an attacker of the ports between members sends: openings, packets, notifications; and sockets that come again. */
import { createConnection } from 'node:net'
import {
  intBytes,
  learnerInfoBytes,
  QuorumPacketStream,
  Writer,
  writeInitialMessage,
  writeNotification,
  writeQuorumPacket,
} from '@lightkeeper/protocol'
import { frameOf } from '../../test/support/frames.mjs'
import { pause } from './kit.mjs'

/** @typedef {import('@lightkeeper/protocol').QuorumPacket} QuorumPacket */
/** @typedef {{ readonly isOver: boolean }} Course an attack goes on until it is over */

/** A socket that takes whatever happens to it. @param {number} port */
export function bareSocket(port) {
  const socket = createConnection({ host: '127.0.0.1', port, noDelay: true })
  socket.on('error', () => {})
  socket.resume()
  return socket
}

/**
 * So many connections at once, each with these first bytes. One that the server closes comes again half a second later.
 * @param {Course} course @param {number} port @param {number} count @param {Uint8Array} [bytes]
 */
export async function crowd(course, port, count, bytes) {
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set()
  const come = () => {
    if (course.isOver) return
    const socket = bareSocket(port)
    sockets.add(socket)
    if (bytes !== undefined) socket.write(bytes)
    socket.on('close', () => {
      sockets.delete(socket)
      setTimeout(come, 500)
    })
  }
  for (let i = 0; i < count && !course.isOver; i++) {
    come()
    if (i % 50 === 49) await pause(5)
  }
  while (!course.isOver) await pause(20)
  for (const socket of sockets) socket.destroy()
}

/** One connection after the other, each with these bytes. @param {Course} course @param {number} port @param {number} everyMs @param {(round: number) => readonly Uint8Array[]} bytes */
export async function oneByOne(course, port, everyMs, bytes) {
  for (let round = 0; !course.isOver; round++) {
    const socket = bareSocket(port)
    for (const each of bytes(round)) socket.write(each)
    await pause(everyMs)
    // What the server has closed is gone, and what it keeps is left alone for a while.
    setTimeout(() => socket.destroy(), 100)
  }
}

/** @param {number} sid */
export function initialMessage(sid) {
  const writer = new Writer(64)
  writeInitialMessage(writer, { sid, addresses: ['127.0.0.1:1'] })
  return writer.written().slice()
}

/** The first bytes of an election link, with the length of its address and a part of it. @param {number} sid @param {number} length */
export function halfInitialMessage(sid, length) {
  const bytes = initialMessage(sid).slice(0, 25)
  new DataView(bytes.buffer).setInt32(16, length)
  return bytes
}

/** A vote of a server that looks for a leader. @param {number} sid @param {number} round */
export function vote(sid, round) {
  const notification = { leader: sid, zxid: 0n, round, peerEpoch: 0, version: 2, config: new Uint8Array(0) }
  return frameOf((writer) => writeNotification(writer, { state: 'looking', ...notification }))
}

/** @param {Pick<QuorumPacket, 'type' | 'zxid'> & { data?: Uint8Array }} packet */
export function packetBytes({ type, zxid, data = new Uint8Array(0) }) {
  const writer = new Writer(64)
  writeQuorumPacket(writer, { type, zxid, data, authinfo: null })
  return writer.written().slice()
}

/** @param {'FOLLOWERINFO' | 'OBSERVERINFO'} type @param {number} sid */
export const learnerInfo = (type, sid) => packetBytes({ type, zxid: 0n, data: learnerInfoBytes(sid, 0n) })

/** The beginning of a packet whose data should have so many bytes. @param {number} length */
export function halfPacket(length) {
  const bytes = learnerInfo('FOLLOWERINFO', 1).slice(0, 24)
  new DataView(bytes.buffer).setInt32(12, length)
  return bytes
}

/**
 * An observer that reads until it has said which history it has, or until the leader counts it among its learners. From then on it reads
 * nothing, and says now and then that it lives. Returns the socket.
 * @param {Course} course @param {{ port: number, sid: number, zxid: bigint, stopsAt: 'SNAP' | 'UPTODATE' }} plan
 */
export function deafLearner(course, { port, sid, zxid, stopsAt }) {
  const socket = createConnection({ host: '127.0.0.1', port, noDelay: true, highWaterMark: 1024 })
  socket.on('error', () => {})
  const stream = new QuorumPacketStream(1 << 26)
  const say = (/** @type {Parameters<typeof packetBytes>[0]} */ packet) => socket.write(packetBytes(packet))
  socket.write(learnerInfo('OBSERVERINFO', sid))
  const stop = () => {
    socket.pause()
    const timer = setInterval(() => say({ type: 'PING', zxid: 0n }), 500)
    socket.on('close', () => clearInterval(timer))
  }
  socket.on('data', (chunk) => {
    if (course.isOver) return
    stream.push(new Uint8Array(chunk))
    for (let packet = stream.next(); packet !== undefined; packet = stream.next()) {
      if (packet.type === 'LEADERINFO') {
        say({ type: 'ACKEPOCH', zxid, data: intBytes(Number(packet.zxid >> 32n) - 1) })
        if (stopsAt === 'SNAP') socket.pause()
      } else if (packet.type === 'NEWLEADER') say({ type: 'ACK', zxid: packet.zxid })
      else if (packet.type === 'UPTODATE') stop()
    }
  })
  return socket
}
