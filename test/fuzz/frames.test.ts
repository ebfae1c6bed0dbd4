/** Bytes from a socket: for any bytes a reader answers with a value or with MalformedFrameError. */
import * as protocol from '@lightkeeper/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fuzzParameters } from './parameters.ts'

const { Framer, MalformedFrameError, QuorumPacketStream, Reader } = protocol
type Read = (reader: protocol.Reader) => unknown
const readers = Object.entries(protocol).filter(
  ([name, value]) => name.startsWith('read') && typeof value === 'function',
) as [string, Read][]

/** Bytes that look like lengths and counts more often than chance would make them. */
const bytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.constantFrom(
        [0, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 4],
        [0x7f, 255, 255, 255],
        [255, 255, 255, 255],
        [255, 255, 255, 254],
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])))

test('every reader of a record gives a value or MalformedFrameError', () => {
  expect(readers.length).toBeGreaterThan(20)
  fc.assert(
    fc.property(fc.constantFrom(...readers), bytes, ([, read], body) => {
      try {
        read(new Reader(body))
      } catch (error) {
        if (!(error instanceof MalformedFrameError)) throw error
      }
    }),
    fuzzParameters(20_000),
  )
})

test('the text of a SASL token is a list of directives, or undefined, whatever it is', () => {
  const part = fc.oneof(
    fc.string({ maxLength: 6 }),
    fc.constantFrom('nonce', '=', ',', '"', '\\', ' ', '\\"', 'qop="auth', 'realm=', '\u0000'),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
      for (const [name, value] of protocol.parseDirectives(parts.join('')) ?? []) {
        expect(name).not.toBe('')
        expect(value).toBeTypeOf('string')
      }
    }),
    fuzzParameters(20_000),
  )
})

test('the framer gives the same frames however the bytes were cut, or MalformedFrameError', () => {
  const collect = (chunks: readonly Uint8Array[]): string => {
    const framer = new Framer(1024)
    const frames: string[] = []
    try {
      for (const chunk of chunks) {
        framer.push(chunk.slice())
        for (let frame = framer.next(); frame !== undefined; frame = framer.next()) {
          frames.push(Buffer.from(frame.bytes.subarray(frame.pos, frame.end)).toString('hex'))
        }
      }
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      return `${frames.join(' ')} malformed`
    }
    return frames.join(' ')
  }
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(140), { maxLength: 4 }), (all, cuts) => {
      const at = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length]
      const chunks = at.slice(1).map((end, i) => all.subarray(at[i], end))
      expect(collect(chunks)).toBe(collect([all]))
    }),
    fuzzParameters(5_000),
  )
})

test('the stream of quorum packets gives the same however the bytes were cut, or MalformedFrameError', () => {
  const collect = (chunks: readonly Uint8Array[]): string => {
    const stream = new QuorumPacketStream(1024)
    const packets: string[] = []
    try {
      for (const chunk of chunks) {
        stream.push(chunk.slice())
        for (let packet = stream.next(); packet !== undefined; packet = stream.next()) {
          const data = packet.data === null ? 'null' : Buffer.from(packet.data).toString('hex')
          packets.push(`${packet.type} ${packet.zxid} ${data} ${JSON.stringify(packet.authinfo)}`)
        }
      }
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      return `${packets.join(' ')} malformed`
    }
    return packets.join(' ')
  }
  const head = fc.nat(20).map((type) => [0, 0, 0, type, 0, 0, 0, 0, 0, 0, 0, 1])
  const packets = fc
    .array(fc.tuple(head, bytes), { maxLength: 4 })
    .map((parts) => Uint8Array.from(parts.flatMap(([first, rest]) => [...first, ...rest])))
  fc.assert(
    fc.property(packets, fc.array(fc.nat(200), { maxLength: 4 }), (all, cuts) => {
      const at = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length]
      const chunks = at.slice(1).map((end, i) => all.subarray(at[i], end))
      expect(collect(chunks)).toBe(collect([all]))
    }),
    fuzzParameters(5_000),
  )
})

test('the first bytes of an election link, and what a learner says of itself, are a value or MalformedFrameError', () => {
  fc.assert(
    fc.property(bytes, (body) => {
      for (const parse of [protocol.parseInitialMessage, protocol.parseLearnerInfo, protocol.parseIntBytes]) {
        try {
          parse(body)
        } catch (error) {
          if (!(error instanceof MalformedFrameError)) throw error
        }
      }
    }),
    fuzzParameters(5_000),
  )
})
