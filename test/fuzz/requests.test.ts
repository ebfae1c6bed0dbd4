/**
 * Requests to a live server: several connections send valid and mangled requests, and a normal client gets every
 * answer, nothing is thrown while serving, and what reached the log can be replayed by the next start.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  opCode,
  openAcl,
  type Writer,
  writeAddWatchRequest,
  writeCheckVersionRequest,
  writeCreateRequest,
  writeCreateTTLRequest,
  writeDeleteRequest,
  writeMultiRequest,
  writePathRequest,
  writePathWatchRequest,
  writeSetACLRequest,
  writeSetDataRequest,
  writeSetWatches2,
} from '@lightkeeper/protocol'
import { formatLine } from '@lightkeeper/runtime'
import { startServer } from '@lightkeeper/server'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { requestFrame } from '../support/frames.mjs'
import { RawClient } from '../support/raw-client.ts'
import { fuzzParameters, untilItsEnd } from './parameters.ts'

const path = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('/a', '/b', '/a/c', '/a/c/d', '/s-', '/zookeeper/quota/a', '/') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '',
      'a',
      '//',
      '/a/',
      '/a/../b',
      '/a\u0000b',
      '/\ud800',
      '/\ufffe',
      '/zookeeper/quota/a/zookeeper_limits',
      '/zookeeper/quota/a/zookeeper_stats',
      '/zookeeper/config',
      `/${'l'.repeat(17_000)}`,
      '/d'.repeat(3_000),
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
)
const data = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 20 }),
  fc.constantFrom(new Uint8Array(70_000), new TextEncoder().encode('count=1,bytes=2')),
)
const acl = fc.oneof(
  { weight: 6, arbitrary: fc.constant(openAcl) },
  fc.array(
    fc.record({
      perms: fc.oneof(fc.nat(31), fc.integer()),
      id: fc.record({
        scheme: fc.constantFrom('world', 'auth', 'digest', 'ip', 'super', 'x509', ''),
        id: fc.constantFrom('anyone', '', 'u:p', '127.0.0.1', '10.0.0.0/99'),
      }),
    }),
    { maxLength: 3 },
  ),
)
const int = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(-1, 0, 1) }, fc.integer())
const flags = fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 6 }) }, fc.integer())
const create = fc.record({ path, data, acl, flags })
const part = fc.oneof(
  create.map((it) => ({ type: opCode.create, ...it })),
  create.map((it) => ({ type: opCode.create2, ...it })),
  create.map((it) => ({ type: opCode.createContainer, ...it })),
  fc.record({ path, version: int }).map((it) => ({ type: opCode.delete, ...it })),
  fc.record({ path, version: int }).map((it) => ({ type: opCode.check, ...it })),
  fc.record({ path, data, version: int }).map((it) => ({ type: opCode.setData, ...it })),
  fc.record({ path, watch: fc.boolean() }).map((it) => ({ type: opCode.getData, ...it })),
)

type Body = (writer: Writer) => void
/** What is sent behind the header of a request, by its kind. */
const body: fc.Arbitrary<{ type: number; write: Body }> = fc.oneof(
  fc.tuple(fc.constantFrom(opCode.create, opCode.create2, opCode.createContainer), create).map(([type, it]) => ({
    type,
    write: (writer: Writer) => writeCreateRequest(writer, it),
  })),
  fc.tuple(create, fc.bigInt({ min: -1n, max: 1n << 50n })).map(([it, ttl]) => ({
    type: opCode.createTTL,
    write: (writer: Writer) => writeCreateTTLRequest(writer, { ...it, ttl }),
  })),
  fc.record({ path, version: int }).map((it) => ({
    type: opCode.delete,
    write: (writer: Writer) => writeDeleteRequest(writer, it),
  })),
  fc.record({ path, data, version: int }).map((it) => ({
    type: opCode.setData,
    write: (writer: Writer) => writeSetDataRequest(writer, it),
  })),
  fc.record({ path, acl, version: int }).map((it) => ({
    type: opCode.setACL,
    write: (writer: Writer) => writeSetACLRequest(writer, it),
  })),
  fc.record({ path, version: int }).map((it) => ({
    type: opCode.check,
    write: (writer: Writer) => writeCheckVersionRequest(writer, it),
  })),
  fc
    .tuple(
      fc.constantFrom(opCode.getData, opCode.exists, opCode.getChildren, opCode.getChildren2),
      fc.record({ path, watch: fc.boolean() }),
    )
    .map(([type, it]) => ({ type, write: (writer: Writer) => writePathWatchRequest(writer, it) })),
  fc
    .tuple(
      fc.constantFrom(opCode.sync, opCode.getACL, opCode.getAllChildrenNumber, opCode.getEphemerals, opCode.whoAmI),
      path,
    )
    .map(([type, it]) => ({ type, write: (writer: Writer) => writePathRequest(writer, { path: it }) })),
  fc.tuple(fc.constantFrom(opCode.multi, opCode.multiRead), fc.array(part, { maxLength: 6 })).map(([type, parts]) => ({
    type,
    write: (writer: Writer) => writeMultiRequest(writer, parts),
  })),
  fc.record({ path, mode: fc.constantFrom(0, 1, 2) }).map((it) => ({
    type: opCode.addWatch,
    write: (writer: Writer) => writeAddWatchRequest(writer, it),
  })),
  fc.tuple(fc.constantFrom(opCode.checkWatches, opCode.removeWatches), path, int).map(([type, it, kind]) => ({
    type,
    write: (writer: Writer) => {
      writer.ustring(it)
      writer.int(kind)
    },
  })),
  fc.array(path, { maxLength: 4 }).map((paths) => ({
    type: opCode.setWatches2,
    write: (writer: Writer) =>
      writeSetWatches2(writer, {
        relativeZxid: 1n,
        dataWatches: paths,
        existWatches: paths,
        childWatches: paths,
        persistentWatches: paths,
        persistentRecursiveWatches: paths,
      }),
  })),
  fc.tuple(fc.constantFrom('digest', 'ip', 'sasl', ''), fc.uint8Array({ maxLength: 8 })).map(([scheme, auth]) => ({
    type: opCode.auth,
    write: (writer: Writer) => {
      writer.int(0)
      writer.ustring(scheme)
      writer.buffer(auth)
    },
  })),
  fc.tuple(fc.integer({ min: -20, max: 120 }), fc.uint8Array({ maxLength: 40 })).map(([type, bytes]) => ({
    type,
    write: (writer: Writer) => writer.raw(bytes),
  })),
)

/** How the bytes of a frame are mangled: one replaced, some cut off, some added; its length may lie. */
const harm = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  fc.record({
    at: fc.nat(),
    byte: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff),
    cut: fc.oneof(fc.constant(0), fc.nat(30)),
    more: fc.uint8Array({ maxLength: 5 }),
    lies: fc.boolean(),
  }),
)

function harmedFrame(
  xid: number,
  { type, write }: { type: number; write: Body },
  by: typeof harm extends fc.Arbitrary<infer T> ? T : never,
): Uint8Array {
  const whole = requestFrame(xid, type, write)
  if (by === undefined) return whole
  const kept = Math.max(12, whole.length - by.cut)
  const bytes = new Uint8Array(kept + by.more.length)
  bytes.set(whole.subarray(0, kept))
  bytes.set(by.more, kept)
  // Behind the length: with a wrong one the rest of the connection would not be frames any more.
  bytes[8 + (by.at % (bytes.length - 8))] = by.byte
  if (!by.lies) new DataView(bytes.buffer).setInt32(0, bytes.length - 4)
  return bytes
}

const story = fc.array(
  fc.record({ connection: fc.nat(2), body, harm, isLast: fc.boolean(), xid: fc.oneof(fc.nat(9), fc.integer()) }),
  { minLength: 1, maxLength: 60 },
)

type Steps = typeof story extends fc.Arbitrary<infer T> ? T : never

const { run, whole } = untilItsEnd(runStory)
afterAll(whole)

test('requests of every kind, mangled or not, cost a behaving client nothing and leave a log that can be replayed', async () => {
  await fc.assert(fc.asyncProperty(story, run), fuzzParameters(40))
})

async function runStory(steps: Steps): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-fuzz-'))
  const lines: string[] = []
  const log = (level: string, message: string, facts: object = {}): void => {
    if (level === 'error') lines.push(formatLine(message, facts as Record<string, string>))
  }
  const options = {
    port: 0,
    dataDir,
    preAllocSize: 64,
    forceSync: false,
    extendedTypesEnabled: true,
    snapCount: 40,
  }
  try {
    let last = -1
    {
      await using server = await startServer(options, { log })
      await using control = await RawClient.open(server.port)
      expect((await control.create('/control')).err).toBe(0)
      const attackers = [0, 1, 2].map(() => RawClient.open(server.port))
      for (const [i, step] of steps.entries()) {
        let attacker = await (attackers[step.connection] as Promise<RawClient>)
        if (attacker.isClosed) {
          attackers[step.connection] = RawClient.open(server.port)
          attacker = await (attackers[step.connection] as Promise<RawClient>)
        }
        attacker.socket.write(harmedFrame(step.xid, step.body, step.harm))
        if (!step.isLast) continue
        const write = (writer: Writer): void =>
          writeSetDataRequest(writer, { path: '/control', data: Uint8Array.of(i), version: -1 })
        expect((await control.call(opCode.setData, write)).err).toBe(0)
        last = i
      }
      const read = (writer: Writer): void => writePathWatchRequest(writer, { path: '/control', watch: false })
      expect((await control.call(opCode.getData, read)).err).toBe(0)
      for (const attacker of attackers) (await attacker).socket.destroy()
      expect(server.logFailure).toBeUndefined()
    }
    await using again = await startServer(options, { log })
    await using control = await RawClient.open(again.port)
    const { err, body: reply } = await control.call(opCode.getData, (writer) =>
      writePathWatchRequest(writer, { path: '/control', watch: false }),
    )
    expect(err).toBe(0)
    expect(reply.buffer()?.[0]).toBe(last < 0 ? undefined : last)
    // A throw while serving, a digest that is not the logged one, a snapshot that cannot be written.
    expect(lines).toEqual([])
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}
