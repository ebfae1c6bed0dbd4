/** Every request that gets into the log can be replayed: requests at and beyond every limit, then a crash. */
import { createHash } from 'node:crypto'
import { connect, KeeperError } from '@lightkeeper/client'
import { opCode, type Writer } from '@lightkeeper/protocol'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { SeededRandom, World } from '@lightkeeper/testing/sim'
import { expect, test } from 'vitest'
import { connectFrame, Frames, frameOf } from '../../support/frames.mjs'
import { writeOpcodes } from '../../support/opcodes.ts'
import { seeds } from '../stage.ts'

/** Whatever ACLs came to be, this one may read. */
const superDigest = `super:${createHash('sha1').update('super:pw').digest('base64')}`
const options = {
  superDigest,
  host: 'server',
  clientPort: 2181,
  dataDir: '/data',
  tickTime: 500,
  extendedTypesEnabled: true,
  snapCount: 50,
  preAllocSize: 1,
}
const paths = [
  '/', '', 'a', '/a', '/a/', '//', '/a//b', '/a/.', '/a/..', '/a/b', '/a/b/c', '/e', '/e/x', '/\u0000', '/a\u0000', '/ü', '/zookeeper',
  '/zookeeper/config', '/zookeeper/quota', '/zookeeper/quota/a', '/zookeeper/quota/a/zookeeper_limits', '/zookeeper/quota/a/zookeeper_stats',
  `/${'x'.repeat(3000)}`, '/\ud800', '/\uf8ff', '/c', '/c/1',
] // biome-ignore format: a list to read, not to scroll
/** Where something comes of a request. */
const sound = ['/a', '/a/b', '/a/b/c', '/e', '/c', '/c/1', '/d', '/d/s-']
const schemes = ['world', 'auth', 'digest', 'ip', 'x509', '', 'nonsense']
const ids = ['anyone', '', 'joe:hash', '10.0.0.1', '10.0.0.0/8', 'not an id']

function write(writer: Writer, random: SeededRandom, type: number): void {
  const path = random.pick(random.oneIn(3) ? paths : sound)
  const acl = (): void => {
    const count = random.oneIn(6) ? random.pick([0, 2, -1]) : 1
    writer.int(count)
    for (let i = 0; i < count; i++) {
      writer.int(random.oneIn(5) ? random.pick([1, 0, -1, 64]) : 31)
      const isPlain = !random.oneIn(8)
      writer.ustring(isPlain ? 'world' : random.pick(schemes))
      writer.ustring(isPlain ? 'anyone' : random.pick(ids))
    }
  }
  const data = (): void => writer.buffer(random.pick([null, new Uint8Array(0), random.bytes(random.below(200))]))
  switch (type) {
    case opCode.create:
    case opCode.create2:
    case opCode.createContainer:
    case opCode.createTTL:
      writer.ustring(path)
      data()
      acl()
      writer.int(random.pick([0, 1, 2, 3, 4, 5, 6, 7, -1, 99]))
      if (type === opCode.createTTL) writer.long(BigInt(random.pick([1, 0, -1, 1000, 2 ** 40])))
      return
    case opCode.delete:
      writer.ustring(path)
      writer.int(random.pick([-1, -1, 0, 7]))
      return
    case opCode.setData:
      writer.ustring(path)
      data()
      writer.int(random.pick([-1, -1, 0, 7]))
      return
    case opCode.setACL:
      writer.ustring(path)
      acl()
      writer.int(random.pick([-1, -1, 0, 7]))
      return
    default: {
      for (let i = random.below(4); i >= 0; i--) {
        const part = random.pick([
          opCode.create,
          opCode.create2,
          opCode.delete,
          opCode.setData,
          opCode.createTTL,
          opCode.check,
          opCode.setACL,
        ])
        writer.int(part)
        writer.boolean(false)
        writer.int(-1)
        if (part === opCode.check) {
          writer.ustring(path)
          writer.int(random.pick([-1, 0]))
        } else write(writer, random, part)
      }
      writer.int(-1)
      writer.boolean(true)
      writer.int(-1)
    }
  }
}

/** Sends requests over one connection until it is closed or they are answered. */
async function send(world: World, random: SeededRandom, count: number): Promise<void> {
  const answers = new Frames(1 << 24)
  let isClosed = false
  const link = world.network.host('fuzzer').connect('server:2181', {
    data: (chunk) => answers.push(chunk),
    closed: () => void (isClosed = true),
  })
  const frame = (body: (writer: Writer) => void): void => void link.write(frameOf(body))
  link.write(connectFrame({ timeOut: 4000 }))
  for (let i = 0; i < count; i++) {
    const type = random.pick(writeOpcodes)
    frame((writer) => {
      writer.int(i + 1)
      writer.int(type)
      write(writer, random, type)
      // Now and then a frame that ends early, or goes on.
      if (random.oneIn(40)) writer.truncate(Math.max(12, writer.length - 1 - random.below(10)))
      if (random.oneIn(20)) writer.int(7)
    })
  }
  for (let waited = 0; answers.waiting < count + 1 && !isClosed && waited < 5_000; waited += 50) await world.advance(50)
  link.destroy()
}

test.each(seeds(60))('requests at every limit leave a log that can be replayed: seed %i', async (seed) => {
  const world = new World(seed)
  const random = new SeededRandom(seed)
  const start = (): Promise<RunningServer> => world.run(startServer(options, world.runtime('server')))
  await start()
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 4; i++) await send(world, random, 60)
    const before = await names(world, `r${round}`)
    world.crash('server', random.oneIn(2) ? 'kill' : 'power')
    await start()
    expect(await names(world, `s${round}`)).toEqual(before)
  }
  expect(world.trace.filter((line) => / error /.test(line))).toEqual([])
})

/** What lasts of the tree, ephemerals left out. */
async function names(world: World, host: string): Promise<string[]> {
  const client = await world.run(
    connect('server:2181', {
      runtime: world.runtime(host),
      sessionTimeout: 4000,
      auth: [{ scheme: 'digest', credentials: 'super:pw' }],
    }),
  )
  const found: string[] = []
  const visit = async (path: `/${string}`): Promise<void> => {
    const { data, stat } = await client.get(path)
    if (stat.ephemeralOwner !== 0n) return
    // Usage is counted anew at each start; what a client wrote there does not count.
    const bytes = path.endsWith('/zookeeper_stats') ? '' : data.length
    found.push(`${path} ${stat.mzxid} ${stat.version} ${bytes}`)
    const { children } = await client.children(path)
    for (const name of [...children].sort()) {
      // A znode may have a name that this client would not take.
      await visit(path === '/' ? `/${name}` : `${path}/${name}`).catch((error: unknown) => {
        if (!KeeperError.is(error, 'BAD_ARGUMENTS')) throw error
      })
    }
  }
  await world.run(visit('/'))
  await world.run(client.close())
  return found
}
