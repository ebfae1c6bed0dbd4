/**
 * Golden transcripts: what a real, fresh Apache ZooKeeper answers to a fixed list of frames, byte for byte, with times, session
 * ids and passwords masked. Our server must answer the same. Recorded with RECORD=1 LIGHTKEEPER_TARGET=apache-3.9.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  describeReply,
  describeRequest,
  type MultiOperation,
  opCode,
  openAcl,
  operationOf,
  Reader,
  readMultiResponse,
  recordCodecs,
  Writer,
  writeAcl,
  writeMultiRequest,
  writeMultiResponse,
} from '@lightkeeper/protocol'
import { startServer } from '@lightkeeper/server'
import { describe, expect, test } from 'vitest'
import { frameOf } from '../support/frames.mjs'
import { startTarget, targetName } from '../support/target.ts'
import { Wire } from './wire.ts'

interface Exchange {
  readonly operation: string
  /** Request without its length, hex. */
  readonly request: string
  /** Events and the reply, in order, without lengths, masked, hex. */
  readonly answers: readonly string[]
}

const file = fileURLToPath(new URL('transcripts/apache-3.9.json', import.meta.url))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function body(type: number, write: (writer: Writer) => void): { type: number; write: (writer: Writer) => void } {
  return { type, write }
}
const path = (type: number, value: string) => body(type, (writer) => writer.ustring(value))
const read = (type: number, value: string, watch = false) =>
  body(type, (writer) => {
    writer.ustring(value)
    writer.boolean(watch)
  })
const create = (type: number, value: string, flags = 0, data: Uint8Array | null = Uint8Array.of(0x78)) =>
  body(type, (writer) => {
    writer.ustring(value)
    writer.buffer(data)
    writer.vector(openAcl, writeAcl)
    writer.int(flags)
  })
const numbered = (type: number, value: string, number: number) =>
  body(type, (writer) => {
    writer.ustring(value)
    writer.int(number)
  })
const set = (value: string, version: number) =>
  body(opCode.setData, (writer) => {
    writer.ustring(value)
    writer.buffer(Uint8Array.of(1, 2, 3))
    writer.int(version)
  })
const multi = (type: number, operations: readonly MultiOperation[]) =>
  body(type, (writer) => writeMultiRequest(writer, operations))

/** One of everything, successes and failures. */
const script = [
  create(opCode.create, '/a'),
  create(opCode.create, '/a'),
  create(opCode.create2, '/a/b', 0, null),
  create(opCode.create, '/a/s-', 2),
  create(opCode.create2, '/a/e-', 3),
  create(opCode.createContainer, '/c', 4),
  create(opCode.create, '/nowhere/x'),
  read(opCode.exists, '/a', true),
  read(opCode.getData, '/a/b', true),
  read(opCode.getChildren2, '/a/b', true),
  read(opCode.getData, '/missing'),
  read(opCode.exists, '/missing', true),
  set('/a', 0),
  set('/a', 7),
  create(opCode.create, '/missing'),
  create(opCode.create, '/a/b/d'),
  path(opCode.getACL, '/a'),
  body(opCode.setACL, (writer) => {
    writer.ustring('/a')
    writer.vector([{ perms: 31, id: { scheme: 'world', id: 'anyone' } }], writeAcl)
    writer.int(0)
  }),
  path(opCode.sync, '/a'),
  body(opCode.ping, () => {}),
  multi(opCode.multi, [
    { type: opCode.create, path: '/m', data: null, acl: openAcl, flags: 0 },
    { type: opCode.setData, path: '/m', data: Uint8Array.of(9), version: 0 },
    { type: opCode.check, path: '/m', version: 1 },
    { type: opCode.delete, path: '/m', version: -1 },
  ]),
  multi(opCode.multi, [
    { type: opCode.check, path: '/a', version: 1 },
    { type: opCode.delete, path: '/nowhere', version: -1 },
    { type: opCode.check, path: '/a', version: 1 },
  ]),
  multi(opCode.multiRead, [
    { type: opCode.getData, path: '/a', watch: false },
    { type: opCode.getChildren, path: '/c', watch: false },
    { type: opCode.getData, path: '/nowhere', watch: false },
  ]),
  numbered(opCode.addWatch, '/c', 1),
  create(opCode.create, '/c/x'),
  numbered(opCode.checkWatches, '/c', 5),
  numbered(opCode.removeWatches, '/c', 3),
  numbered(opCode.removeWatches, '/c', 3),
  path(opCode.getEphemerals, '/'),
  path(opCode.getAllChildrenNumber, '/'),
  body(opCode.setWatches, (writer) => {
    writer.long(0n)
    for (const each of ['/a', '/gone', '/c']) writer.vector([each], (w, name) => w.ustring(name))
  }),
  numbered(opCode.delete, '/a/b', -1),
  numbered(opCode.delete, '/a/b/d', -1),
  numbered(opCode.delete, '/', -1),
  body(opCode.getData, (writer) => writer.int(99)),
  body(opCode.closeSession, () => {}),
] as const

/** Zeroes what differs from run to run; fails unless our codec gives back the very bytes it read. */
function mask(type: number, frame: Uint8Array): string {
  const reader = new Reader(frame)
  const xid = reader.int()
  const head = frame.slice(0, 16)
  const err = new Reader(frame, 12).int()
  reader.long()
  reader.int()
  const name = xid === -1 ? 'WatcherEvent' : operationOf(type)?.response
  if (err !== 0 || name === null || name === undefined) return hex(frame)
  const again = (write: (writer: Writer) => void): string => {
    const writer = new Writer()
    writer.raw(head)
    write(writer)
    return hex(writer.written())
  }
  const masked = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(masked)
    if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => {
        if (key === 'ctime' || key === 'mtime') return [key, 0n]
        if (key === 'ephemeralOwner') return [key, each === 0n ? 0n : 1n]
        // Sets have no order: names are compared sorted.
        if (key === 'children' || key === 'ephemerals') return [key, [...(each as string[])].sort()]
        return [key, masked(each)]
      }),
    )
  }
  if (name === 'MultiResponse') {
    const value = readMultiResponse(reader)
    expect(again((writer) => writeMultiResponse(writer, value))).toBe(hex(frame))
    return again((writer) => writeMultiResponse(writer, masked(value) as typeof value))
  }
  const codec = recordCodecs[name as 'Stat']
  const value = codec.read(reader)
  expect(again((writer) => codec.write(writer, value))).toBe(hex(frame))
  return again((writer) => codec.write(writer, masked(value) as typeof value))
}

async function play(port: number): Promise<Exchange[]> {
  const wire = await Wire.connect(port, { timeOut: 20_000 })
  const exchanges: Exchange[] = []
  for (const [i, { type, write }] of script.entries()) {
    const xid = type === opCode.ping ? -2 : i + 1
    const request = frameOf((writer) => {
      writer.int(xid)
      writer.int(type)
      write(writer)
    })
    wire.raw(request)
    const answers: string[] = []
    for (;;) {
      const frame = await wire.frameBytes()
      answers.push(mask(type, frame))
      if (new Reader(frame).int() !== -1) break
    }
    exchanges.push({ operation: operationOf(type)?.name ?? `${type}`, request: hex(request.subarray(4)), answers })
  }
  wire.destroy()
  return exchanges
}

describe.skipIf(targetName === 'apache-3.8')('golden transcripts', () => {
  test('every frame is answered as Apache 3.9 answers it, byte for byte', async () => {
    if (targetName === 'apache-3.9') {
      await using server = await startTarget()
      const exchanges = await play(server.port)
      if (process.env['RECORD'] === '1') writeFileSync(file, `${JSON.stringify(exchanges, null, 2)}\n`)
      expect(exchanges).toEqual(JSON.parse(readFileSync(file, 'utf8')))
      return
    }
    await using server = await startServer({ port: 0, initialZxid: 0n })
    const recorded = JSON.parse(readFileSync(file, 'utf8')) as Exchange[]
    const played = await play(server.port)
    const told = (exchanges: readonly Exchange[]): string[] =>
      exchanges.flatMap(({ request, answers }) => {
        const bytes = Buffer.from(request, 'hex')
        const type = bytes.readInt32BE(4)
        return [
          describeRequest(bytes),
          ...answers.map((answer) => `  ${describeReply(Buffer.from(answer, 'hex'), type)}  ${answer}`),
        ]
      })
    expect(told(played)).toEqual(told(recorded))
  })
})
