/** Bytes that real servers exchanged, and bytes that no server should accept. */
import { describe, expect, test } from 'vitest'
import { MalformedFrameError } from '../malformed-frame-error.ts'
import { Reader } from '../reader.ts'
import { Writer } from '../writer.ts'
import { parseInitialMessage, writeInitialMessage } from './initial-message.ts'
import { intBytes, learnerInfoBytes, parseIntBytes, parseLearnerInfo } from './learner-info.ts'
import { noVote, readNotification, writeNotification } from './notification.ts'
import { type QuorumPacket, QuorumPacketStream, readQuorumPacket, writeQuorumPacket } from './quorum-packet.ts'

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const hex = (some: Uint8Array): string => Buffer.from(some).toString('hex')
const written = (write: (writer: Writer) => void): string => {
  const writer = new Writer()
  write(writer)
  return hex(writer.written())
}

describe('a quorum packet', () => {
  /** As exchanged with an Apache leader by an observer that joined and created a znode. */
  const observed: readonly [string, QuorumPacket][] = [
    [
      '00000010 0000000000000000 00000014 0000000000000004 00010000 0000000000000000 ffffffff',
      { type: 'OBSERVERINFO', zxid: 0n, data: learnerInfoBytes(4, 0n), authinfo: null },
    ],
    [
      '00000011 0000000100000000 00000004 00010000 ffffffff',
      { type: 'LEADERINFO', zxid: 0x1_0000_0000n, data: intBytes(0x1_0000), authinfo: null },
    ],
    [
      '00000012 0000000000000000 00000004 00000000 ffffffff',
      { type: 'ACKEPOCH', zxid: 0n, data: intBytes(0), authinfo: null },
    ],
    ['0000000c ffffffffffffffff ffffffff ffffffff', { type: 'UPTODATE', zxid: -1n, data: null, authinfo: null }],
    [
      '00000005 0000000100000000 00000000 ffffffff',
      { type: 'PING', zxid: 0x1_0000_0000n, data: new Uint8Array(0), authinfo: null },
    ],
    [
      '00000001 ffffffffffffffff 00000002 cafe 00000001 00000002 6970 00000009 3132372e302e302e31',
      { type: 'REQUEST', zxid: -1n, data: bytes('cafe'), authinfo: [{ scheme: 'ip', id: '127.0.0.1' }] },
    ],
  ]

  test.each(observed)('%s', (text, packet) => {
    expect(readQuorumPacket(new Reader(bytes(text)))).toEqual(packet)
    expect(written((writer) => writeQuorumPacket(writer, packet))).toBe(text.replaceAll(' ', ''))
  })

  test('comes out of a stream whole, wherever the stream is cut', () => {
    const all = bytes(observed.map(([text]) => text).join(''))
    for (let cut = 0; cut <= all.length; cut++) {
      const stream = new QuorumPacketStream()
      const packets: QuorumPacket[] = []
      for (const chunk of [all.slice(0, cut), all.slice(cut)]) {
        stream.push(chunk)
        for (let packet = stream.next(); packet !== undefined; packet = stream.next()) packets.push(packet)
      }
      expect(packets).toEqual(observed.map(([, packet]) => packet))
    }
  })

  test('leaves what follows it to others: behind SNAP comes an image', () => {
    const stream = new QuorumPacketStream()
    stream.push(bytes('0000000f 0000000100000000 ffffffff ffffffff 0102030405'))
    expect(stream.next()?.type).toBe('SNAP')
    expect(stream.takeRest()).toEqual(bytes('0102030405'))
    stream.push(bytes('0000000c ffffffffffffffff ffffffff ffffffff'))
    expect(stream.next()?.type).toBe('UPTODATE')
  })

  test.each([
    ['an unknown type', '00000063 0000000000000000 ffffffff ffffffff'],
    ['data of a negative length', '00000002 0000000000000000 fffffffe ffffffff'],
    ['data above the limit', '00000002 0000000000000000 7fffffff'],
    ['identities above the limit', '00000001 0000000000000000 ffffffff 00000001 7fffffff'],
  ])('is refused with %s', (_what, text) => {
    const stream = new QuorumPacketStream(1000)
    stream.push(bytes(text))
    expect(() => stream.next()).toThrow(MalformedFrameError)
  })

  test('is not waited for beyond the limit, however many identities it announces', () => {
    const stream = new QuorumPacketStream(100)
    stream.push(bytes(`00000001 0000000000000000 ffffffff 7fffffff ${'00000000'.repeat(40)}`))
    expect(() => stream.next()).toThrow(MalformedFrameError)
  })
})

describe('what a learner says about itself', () => {
  test('may lack the version of the configuration', () => {
    expect(parseLearnerInfo(bytes('0000000000000007 00010000'))).toEqual({
      sid: 7,
      protocolVersion: 0x1_0000,
      configVersion: 0n,
    })
  })

  test.each([
    ['nothing', null],
    ['half a sid', bytes('00000000')],
    ['a sid beyond 2^53', bytes('7fffffffffffffff 00010000')],
  ])('is refused with %s', (_what, data) => {
    expect(() => parseLearnerInfo(data)).toThrow(MalformedFrameError)
  })

  test('an epoch has four bytes', () => {
    expect(parseIntBytes(intBytes(-1))).toBe(-1)
    expect(() => parseIntBytes(bytes('0000'))).toThrow(MalformedFrameError)
    expect(() => parseIntBytes(null)).toThrow(MalformedFrameError)
  })
})

describe('the first bytes of an election link', () => {
  const observed = 'ffffffffffff0000 0000000000000004 0000000f 3132372e302e302e313a3233383334'

  test('are those that Apache’s servers accepted', () => {
    const message = { sid: 4, addresses: ['127.0.0.1:23834'] }
    expect(written((writer) => writeInitialMessage(writer, message))).toBe(observed.replaceAll(' ', ''))
    expect(parseInitialMessage(bytes(`${observed} 00`))).toEqual({ message, end: 35 })
  })

  test('are waited for until they are whole', () => {
    const all = bytes(observed)
    for (let length = 0; length < all.length; length++)
      expect(parseInitialMessage(all.slice(0, length))).toBe(undefined)
  })

  test('have several addresses in the second version', () => {
    const message = { sid: 2, addresses: ['a:1', '[::1]:2'] }
    const both = bytes(written((writer) => writeInitialMessage(writer, message)))
    expect(hex(both.slice(0, 8))).toBe('ffffffffffff0001')
    expect(parseInitialMessage(both)?.message).toEqual(message)
  })

  test('have one address in the second version too, from a server that may have several', () => {
    const message = { sid: 2, addresses: ['a:1'] }
    const one = bytes(written((writer) => writeInitialMessage(writer, message, 'v2')))
    expect(hex(one.slice(0, 8))).toBe('ffffffffffff0001')
    expect(parseInitialMessage(one)?.message).toEqual(message)
  })

  test('may be a bare sid, as before 3.5', () => {
    expect(parseInitialMessage(bytes('0000000000000003'))).toEqual({ message: { sid: 3, addresses: [] }, end: 8 })
  })

  test.each([
    ['an unknown version', 'fffffffffffffffe 0000000000000004 00000001 61'],
    ['an address of no length', 'ffffffffffff0000 0000000000000004 00000000'],
    ['an address too long', 'ffffffffffff0000 0000000000000004 00000801'],
    ['an empty address among several', 'ffffffffffff0001 0000000000000004 00000002 617c'],
  ])('are refused with %s', (_what, text) => {
    expect(() => parseInitialMessage(bytes(text))).toThrow(MalformedFrameError)
  })
})

describe('a notification', () => {
  const query = '00000000 8000000000000000 8000000000000000 0000000000000001 8000000000000000 00000002 00000000'

  test('of a server without a vote is what Apache’s servers answered', () => {
    const notification = {
      state: 'looking',
      leader: noVote,
      zxid: -(2n ** 63n),
      round: 1,
      peerEpoch: noVote,
      version: 2,
      config: new Uint8Array(0),
    } as const
    expect(written((writer) => writeNotification(writer, notification))).toBe(query.replaceAll(' ', ''))
    expect(readNotification(new Reader(bytes(query)))).toEqual(notification)
  })

  test('may be of 28 or 40 bytes, or without a configuration', () => {
    const vote = '00000002 0000000000000003 0000000500000007 0000000000000002'
    const known = { state: 'leading', leader: 3, zxid: 0x5_0000_0007n, round: 2, config: new Uint8Array(0) }
    const read = (text: string): unknown => readNotification(new Reader(bytes(text)))
    expect(read(vote)).toEqual({ ...known, peerEpoch: 5, version: 0 })
    // The last four of 40 bytes are a version, which Apache's servers do not read.
    expect(read(`${vote} 0000000000000006 00000001`)).toEqual({ ...known, peerEpoch: 6, version: 0 })
    expect(read(`${vote} 0000000000000006 00000001 00000000`)).toEqual({ ...known, peerEpoch: 6, version: 1 })
  })

  test.each([
    ['less than 28 bytes', query.replaceAll(' ', '').slice(0, 54)],
    ['a cut epoch', query.replaceAll(' ', '').slice(0, 60)],
    ['an unknown state', query.replace('00000000', '00000004')],
    ['a configuration longer than the message', query.replace(/00000000$/, '00000001')],
    ['a configuration of a negative length', query.replace(/00000000$/, 'ffffffff')],
    ['a leader beyond 2^53', query.replace('8000000000000000', '7fffffffffffffff')],
  ])('is malformed with %s', (_what, text) => {
    expect(() => readNotification(new Reader(bytes(text)))).toThrow(MalformedFrameError)
  })
})
