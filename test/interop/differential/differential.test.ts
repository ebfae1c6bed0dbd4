/**
 * The same random requests, one after the other, to a fresh Apache and a fresh server of ours: equal errors, equal zxids, equal
 * bodies but for times and session ids; at the end equal trees; and then each opens what the other wrote.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import {
  type Acl,
  type MultiOperation,
  opCode,
  openAcl,
  type Reader,
  readMultiResponse,
  readStat,
  type Writer,
  writeAcl,
  writeMultiRequest,
} from '@lightkeeper/protocol'
import { apache, apacheAvailable, SeededRandom } from '@lightkeeper/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { type Reply, Wire } from '../../conformance/wire.ts'
import { ourProcess } from '../../support/our-process.ts'
import { dumpTree } from '../../support/tree-dump.ts'

const requests = Number(process.env['DIFFERENTIAL_REQUESTS'] ?? 3000)
const paths = [
  '/a',
  '/a/b',
  '/a/b/c',
  '/e',
  '/e/x',
  '/d',
  '/d/s-',
  '/q',
  '/zookeeper/quota/x',
  '/',
  '/bad/',
  '//',
  '/a/../b',
  '/a//b',
  'a',
  '/zookeeper',
]
const acls: readonly (readonly Acl[])[] = [
  openAcl,
  openAcl,
  openAcl,
  [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }],
  [{ perms: 15, id: { scheme: 'world', id: 'anyone' } }],
  [
    { perms: 31, id: { scheme: 'ip', id: '127.0.0.1' } },
    { perms: 1, id: { scheme: 'world', id: 'anyone' } },
  ],
  [],
  [{ perms: 31, id: { scheme: 'nonsense', id: 'x' } }],
]

interface Request {
  readonly type: number
  readonly write: (writer: Writer) => void
  readonly title: string
}

function randomRequest(random: SeededRandom): Request {
  const path = random.pick(paths)
  const data = random.pick([null, new Uint8Array(0), random.bytes(random.below(60))])
  const version = random.pick([-1, -1, 0, 1, 5])
  const acl = random.pick(acls)
  const plain = (type: number, write: (writer: Writer) => void, title: string): Request => ({
    type,
    write,
    title: `${title} ${path}`,
  })
  const read = (type: number, title: string): Request =>
    plain(
      type,
      (writer) => {
        writer.ustring(path)
        writer.boolean(false)
      },
      title,
    )
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2: {
      const type = random.pick([opCode.create, opCode.create2, opCode.createContainer])
      const flags = type === opCode.createContainer ? 4 : random.below(4)
      return plain(
        type,
        (writer) => {
          writer.ustring(path)
          writer.buffer(data)
          writer.vector(acl, writeAcl)
          writer.int(flags)
        },
        `create ${type} flags ${flags} acl ${acls.indexOf(acl)}`,
      )
    }
    case 3:
      return plain(
        opCode.delete,
        (writer) => {
          writer.ustring(path)
          writer.int(version)
        },
        `delete ${version}`,
      )
    case 4:
    case 5:
      return plain(
        opCode.setData,
        (writer) => {
          writer.ustring(path)
          writer.buffer(data)
          writer.int(version)
        },
        `setData ${version}`,
      )
    case 6:
      return plain(
        opCode.setACL,
        (writer) => {
          writer.ustring(path)
          writer.vector(acl, writeAcl)
          writer.int(version)
        },
        `setACL ${version} acl ${acls.indexOf(acl)}`,
      )
    case 7:
      return read(opCode.exists, 'exists')
    case 8:
      return read(opCode.getData, 'getData')
    case 9:
      return read(opCode.getChildren2, 'getChildren2')
    case 10:
      return plain(opCode.getACL, (writer) => writer.ustring(path), 'getACL')
    default: {
      const operations = Array.from({ length: 1 + random.below(4) }, (): MultiOperation => {
        const part = random.pick(paths)
        switch (random.below(4)) {
          case 0:
            return { type: opCode.create, path: part, data, acl: openAcl, flags: random.below(4) }
          case 1:
            return { type: opCode.delete, path: part, version: -1 }
          case 2:
            return { type: opCode.setData, path: part, data, version: -1 }
          default:
            return { type: opCode.check, path: part, version: random.pick([-1, 0, 1]) }
        }
      })
      const title = operations.map((each) => `${each.type} ${each.path}`).join(', ')
      return { type: opCode.multi, write: (writer) => writeMultiRequest(writer, operations), title: `multi [${title}]` }
    }
  }
}

/** Everything in a Stat but times and whose session it was. */
function stat(reader: Reader): unknown {
  const { ctime, mtime, ephemeralOwner, ...rest } = readStat(reader)
  return { ...rest, isNew: ctime === mtime, isEphemeral: ephemeralOwner !== 0n }
}

function show(type: number, { code, zxid, body }: Reply): string {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? `${each}` : each))
  if (code !== 'OK') return text([code, zxid])
  switch (type) {
    case opCode.create:
      return text([zxid, body.ustring()])
    case opCode.create2:
    case opCode.createContainer:
      return text([zxid, body.ustring(), stat(body)])
    case opCode.getData:
      return text([zxid, Buffer.from(body.buffer() ?? []).toString('hex'), stat(body)])
    case opCode.getChildren2:
      return text([zxid, (body.vector(4, (each) => each.ustring()) ?? []).sort(), stat(body)])
    case opCode.getACL:
      return text([zxid, body.vector(12, (each) => [each.int(), each.ustring(), each.ustring()]), stat(body)])
    case opCode.exists:
    case opCode.setData:
    case opCode.setACL:
      return text([zxid, stat(body)])
    case opCode.multi:
      return text([
        zxid,
        readMultiResponse(body).map((result) => {
          if (!('stat' in result)) return result
          const { ctime, mtime, ephemeralOwner, ...rest } = result.stat
          return { ...result, stat: { ...rest, isNew: ctime === mtime, isEphemeral: ephemeralOwner !== 0n } }
        }),
      ])
    default:
      return text([zxid])
  }
}

/** A tree's dump without times and owners. */
async function tree(connectString: string): Promise<string[]> {
  await using zk = await connect(connectString)
  const lines = await dumpTree(zk)
  return lines.map((line) =>
    line.replace(
      /\[(\d+ \d+ \d+) \d+ \d+ (-?\d+ -?\d+ -?\d+) (\d+) /,
      (_all, ids, versions, owner) => `[${ids} ${versions} ${owner === '0' ? '' : 'ephemeral '}`,
    ),
  )
}

for (const version of ['3.8', '3.9'] as const) {
  const found = apacheAvailable(version)
  if (!found.available) {
    if (process.env['INTEROP'] === 'require' && version === '3.8')
      throw new Error(`Apache ${version} is required: ${found.reason}`)
    console.log(`beside Apache ${version}: skipped, because ${found.reason}`)
  }

  describe.skipIf(!found.available)(`beside Apache ${version}`, () => {
    const root = mkdtempSync(join(tmpdir(), 'lightkeeper-differential-'))
    afterAll(() => rmSync(root, { recursive: true, force: true }))

    test.each([1, 2])(`${requests} random requests are answered alike: seed %i`, async (seed) => {
      const random = new SeededRandom(seed)
      const theirDir = join(root, `theirs${seed}`)
      const ourDir = join(root, `ours${seed}`)
      const config = { snapCount: 500, preAllocSize: 256 }
      const theirs = await apache({ version, dataDir: theirDir, config })
      await using _theirs = theirs
      const settings = [
        '--data-dir',
        join(ourDir, '1'),
        '--set',
        'snapCount=500',
        '--set',
        'preAllocSize=256',
        '--set',
        'tickTime=2000',
      ]
      const ours = await ourProcess(['--port', '0', ...settings])
      await using _ours = ours
      const wires = [
        await Wire.connect(theirs.ports[0] as number, { timeOut: 40_000 }),
        await Wire.connect(ours.port, { timeOut: 40_000 }),
      ] as const
      for (let i = 0; i < requests; i++) {
        const { type, write, title } = randomRequest(random)
        const [theirReply, ourReply] = await Promise.all(wires.map((wire) => wire.call(type, write)))
        expect(show(type, ourReply as Reply), `request ${i}: ${title}`).toBe(show(type, theirReply as Reply))
      }
      const their = await tree(theirs.connectString)
      const our = await tree(ours.connectString)
      expect(our).toEqual(their)
      expect(our.length).toBeGreaterThan(8)
      await theirs.kill()
      await ours.end('SIGKILL')

      // Each on what the other wrote; the readers above took two zxids each, which change no znode.
      await using oursOnTheirs = await ourProcess(['--port', '0', '--data-dir', join(theirDir, '1')])
      expect(await tree(oursOnTheirs.connectString)).toEqual(their)
      expect(oursOnTheirs.errors()).not.toContain('ERROR')
      await using theirsOnOurs = await apache({ version, dataDir: ourDir, config })
      expect(await tree(theirsOnOurs.connectString)).toEqual(our)
    })
  })
}
