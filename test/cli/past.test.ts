/**
 * The past of a data directory, as an operator asks for it: directories that our server and Apache ZooKeeper have written, and what
 * clients saw at the time.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, connect, op, type ZnodePath } from '@lightkeeper/client'
import { startServer } from '@lightkeeper/server'
import { apache, apacheAvailable } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeAndLeave, writeVariedTree } from '../support/varied-tree.ts'
import { Running } from './running.ts'

interface Run {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Not at once: a server of ours lives in this process. */
async function run(...args: readonly string[]): Promise<Run> {
  const { code, output, errors } = await new Running(args, { LIGHTKEEPER_SERVER: '127.0.0.1:1' }).closed
  return { code, out: output, err: errors }
}

const objects = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

interface Target {
  readonly connectString: string
  /** What the commands get to find the past. */
  readonly where: readonly string[]
  /** Ends it, with its files left as they are. */
  end(): Promise<void>
}

/** Small files, so that there are several of each kind. */
async function start(name: (typeof targets)[number], folder: string): Promise<Target> {
  if (name === 'ours' || name === 'ours, by its admin port') {
    const options = {
      adminEnableServer: true,
      adminServerPort: 0,
      // The password is `secret`.
      superDigest: 'super:lK75jTNcA+U9vtVEw5vB51mj/w4=',
      dataDir: folder,
      port: 0,
      snapCount: 60,
      preAllocSize: 64,
      autopurgePurgeInterval: 0,
      extendedTypesEnabled: true,
    }
    const server = await startServer(options)
    const byPort = ['--admin', String(server.adminAddress), '--auth', 'digest:super:secret']
    const where = name === 'ours' ? ['--data-dir', folder] : byPort
    return { connectString: server.connectString, where, end: () => server.close() }
  }
  const version = name === 'apache-3.8' ? '3.8' : '3.9'
  const config = { 'zookeeper.snapCount': 60, 'zookeeper.preAllocSize': 64, 'zookeeper.extendedTypesEnabled': 'true' }
  const server = await apache({ version, dataDir: folder, config })
  return { connectString: server.connectString, where: ['--data-dir', join(folder, '1')], end: () => server.close() }
}

/** Servers do not show clients which znodes are containers or have a TTL. */
const sessionIn = (owner: bigint): bigint => (owner < 0n ? 0n : owner)

const hashOf = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex').slice(0, 8)

/** What a client sees, in the form of `tree --json`. */
async function seenBy(zk: Client): Promise<[zxid: bigint, string[]]> {
  const { nodes, zxid } = await zk.tree('/')
  const lines = await Promise.all(
    [...nodes].map(async ([path, { data, stat }]) => {
      const { acl } = await zk.getAcl(path)
      const { czxid, mzxid, version, aversion, ephemeralOwner } = stat
      const numbers = [czxid, mzxid, version, aversion, sessionIn(ephemeralOwner)].map(String).join(' ')
      return `${path} ${hashOf(data)} ${numbers} ${JSON.stringify(acl)}`
    }),
  )
  // Servers keep what they know of themselves there.
  return [zxid, lines.filter((line) => !line.startsWith('/zookeeper')).sort()]
}

async function treeAt(where: readonly string[], zxid: bigint): Promise<string[]> {
  const { code, out, err } = await run('tree', '--at', `0x${zxid.toString(16)}`, ...where, '--json')
  if (code !== 0) throw new Error(err)
  return objects(out)
    .filter(({ path }) => !String(path).startsWith('/zookeeper'))
    .map(({ path, data, czxid, mzxid, version, aversion, ephemeralOwner, acl }) => {
      const id = (hex: unknown): bigint => BigInt.asIntN(64, BigInt(String(hex)))
      const numbers = [id(czxid), id(mzxid), version, aversion, sessionIn(id(ephemeralOwner))].join(' ')
      return `${String(path)} ${hashOf(Buffer.from(String(data), 'base64'))} ${numbers} ${JSON.stringify(acl)}`
    })
    .sort()
}

/** Writes of every kind, drawn by a seed, with the tree after some of them. */
async function live(connectString: string, steps: number): Promise<Map<bigint, string[]>> {
  const auth = [{ scheme: 'digest', credentials: 'joe:pw' }]
  const seen = new Map<bigint, string[]>()
  await using zk = await connect(connectString, { auth })
  const note = async (): Promise<void> => void seen.set(...(await seenBy(zk)))
  const other = await connect(connectString, { auth })
  await writeVariedTree(zk, other)
  await note()
  await writeAndLeave(other)
  await note()
  let state = 7
  const below = (n: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (state >> 8) % n
  }
  const ignore = (): undefined => undefined
  for (let i = 0; i < steps; i++) {
    const path: ZnodePath = `/random-${below(12)}`
    const kind = below(6)
    if (kind === 0) await zk.create(path, `made in ${i}`).catch(ignore)
    else if (kind === 1) await zk.set(path, JSON.stringify({ step: i, kind })).catch(ignore)
    else if (kind === 2) await zk.delete(path, { recursive: true }).catch(ignore)
    else if (kind === 3) await zk.create(`${path}/child-`, `${i}`, { sequential: true }).catch(ignore)
    else if (kind === 4)
      await zk
        .setAcl(path, [
          { perms: 31, id: { scheme: 'world', id: 'anyone' } },
          { perms: below(31) + 1, id: { scheme: 'ip', id: '10.0.0.1' } },
        ])
        .catch(ignore)
    else
      await zk
        .transaction(
          op.set('/plain', `${i}`),
          op.create(`/multi-${i}`, ''),
          op.delete(below(3) === 0 ? '/none' : `/multi-${i}`),
        )
        .catch(ignore)
    if (i % 9 === 0) await note()
  }
  await note()
  return seen
}

const targets = ['ours', 'ours, by its admin port', 'apache-3.8', 'apache-3.9'] as const

describe.each(targets)('a directory of %s', (name) => {
  const isOurs = name === 'ours' || name === 'ours, by its admin port'
  const found = isOurs ? { available: true as const } : apacheAvailable(name === 'apache-3.8' ? '3.8' : '3.9')
  if (!found.available) console.log(`the past of ${name}: skipped, because ${found.reason}`)

  describe.skipIf(!found.available)('', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-past-'))
    let target: Target
    let seen: Map<bigint, string[]>
    beforeAll(async () => {
      target = await start(name, folder)
      seen = await live(target.connectString, 150)
    })
    afterAll(async () => {
      await target?.end()
      rmSync(folder, { recursive: true, force: true })
    })

    test('gives the tree at every zxid as clients saw it, while the server goes on', async () => {
      expect(seen.size).toBeGreaterThan(15)
      const last = Math.max(...[...seen.keys()].map(Number))
      // Every fourth one, and the last.
      for (const [i, [zxid, lines]] of [...seen].entries()) {
        if (i % 4 === 0 || Number(zxid) === last)
          expect(await treeAt(target.where, zxid), `0x${zxid.toString(16)}`).toEqual(lines)
      }
    })

    test('gives the difference of two points as a comparison of both trees does', async () => {
      const zxids = [...seen.keys()].sort((a, b) => Number(a - b))
      const [from, to] = [zxids[Math.floor(zxids.length / 3)] as bigint, zxids.at(-1) as bigint]
      const hex = (zxid: bigint): string => `0x${zxid.toString(16)}`
      const { out, code } = await run('diff', '--from', hex(from), '--to', hex(to), ...target.where, '--json')
      expect(code).toBe(0)
      const byPath = (lines: readonly string[]): Map<string, string> =>
        new Map(lines.map((line) => [line.split(' ')[0] ?? '', line]))
      const [before, after] = [byPath(seen.get(from) ?? []), byPath(seen.get(to) ?? [])]
      const differing = [...new Set([...before.keys(), ...after.keys()])].filter(
        (path) => before.get(path) !== after.get(path),
      )
      expect(
        objects(out)
          .map(({ path }) => path)
          .sort(),
      ).toEqual(differing.sort())
    })

    test('prints the history of a znode from its creation on, with the changes of each write', async () => {
      const { out, code, err } = await run('history', '/plain', ...target.where)
      expect([code, err]).toEqual([0, ''])
      const lines = out.split('\n')
      expect(lines[0]).toMatch(
        /^0x[0-9a-f]+ \d{4}-\S+Z session=0x[0-9a-f]+ created persistent acl=31:world:anyone "data"$/,
      )
      expect(lines.slice(1, 4)).toEqual([
        expect.stringMatching(/^0x[0-9a-f]+ \S+ session=0x[0-9a-f]+ changed version=1 bytes=7$/),
        '  - data',
        '  + changed',
      ])
      const facts = objects((await run('history', '/plain', ...target.where, '--json')).out)
      for (const [i, { before }] of facts.entries()) if (i > 0) expect(before).toEqual(facts[i - 1]?.['after'])
      const none = await run('history', '/never-there', ...target.where)
      expect([none.code, none.out, none.err]).toEqual([
        0,
        '',
        'lightkeeper history: the logs have no write of /never-there\n',
      ])
    })

    test('prints everything that a session did, to its end', async () => {
      const first = objects((await run('history', '/leaving', ...target.where, '--json')).out)
      expect(first.map(({ kind }) => kind)).toEqual(['created', 'deleted'])
      const { out } = await run('history', '--session', String(first[0]?.['session']), ...target.where)
      expect(out).toMatch(/^0x\w+ \S+ createSession\n/)
      expect(out).toMatch(/ closeSession\n(?: {2}deleted \/\S+ ephemeral .*\n)+$/)
      const refused = (await run('history', '--session', await sessionOf('/plain'), ...target.where)).out
      expect(refused).toMatch(/ error refused: NO_NODE\n/)
      expect(refused).toMatch(/ multi refused: NO_NODE\n/)
    })

    const sessionOf = async (path: string): Promise<string> =>
      String(objects((await run('history', path, ...target.where, '--json')).out)[0]?.['session'])

    test('takes a transaction back, as previewed, and not one that was written over', async () => {
      await using zk = await connect(target.connectString)
      await zk.create('/undo', 'first')
      await zk.create('/undo/child', 'c', { mode: { ttl: 3_600_000 } })
      await zk.transaction(op.set('/undo', 'second'), op.delete('/undo/child'), op.create('/undo/new', ''))
      const zxid = `0x${((await zk.find('/undo'))?.stat.mzxid ?? 0n).toString(16)}`
      const shown = await run('undo', zxid, ...target.where, '-s', target.connectString)
      // Not every server says who watches.
      expect(shown.err).toMatch(/^(lightkeeper undo: which watches would fire is not known: .*\n)?$/)
      expect(shown.code).toBe(0)
      expect(shown.out.split('\n').slice(-6)).toEqual([
        'to take it back:',
        '  1 delete /undo/new if its version is 0',
        '  2 create /undo/child ttl=3600000 acl=31:world:anyone "c" if it does not exist',
        '  3 set /undo to "first" if its version is 1',
        'nothing was sent; --apply does it',
        '',
      ])
      expect(new TextDecoder().decode((await zk.get('/undo')).data)).toBe('second')
      // A preview needs no server.
      const alone = await run('undo', zxid, ...target.where, '-s', '127.0.0.1:1', '--connect-timeout', '50')
      expect([alone.code, alone.out]).toEqual([0, shown.out])
      expect(alone.err).toMatch(/^lightkeeper undo: what a server would refuse is not known: cannot connect to .*\n$/)
      // The paths of the past are whole: a chroot is no part of them.
      const done = await run('undo', zxid, ...target.where, '--apply', '-s', `${target.connectString}/undo`)
      expect([done.err, done.code, done.out.split('\n').at(-2)]).toEqual(['', 0, 'done'])
      expect(new TextDecoder().decode((await zk.get('/undo')).data)).toBe('first')
      expect((await zk.children('/undo')).children).toEqual(['child'])
      const made = objects((await run('tree', '/undo/child', ...target.where, '--json')).out)
      expect(made).toMatchObject([{ ephemeralOwner: '0xff0000000036ee80' }])
      const again = await run('undo', zxid, ...target.where, '--apply', '-s', target.connectString)
      expect([again.code, again.err]).toEqual([
        1,
        expect.stringMatching(/^lightkeeper undo: .* was changed again by 0x[^\n]*\n$/),
      ])
    })
  })
})

describe('what is asked wrongly', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-past-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  test.each([
    [['history', '/a'], 2, /needs --data-dir, .*, or --admin, the admin port of a server of ours/],
    [['history', '/a', '--admin', 'a b'], 2, /--admin must be an admin port, like HOST:8080/],
    [['history', '/a', '--admin', '127.0.0.1:1'], 1, /^lightkeeper history: cannot ask 127\.0\.0\.1:1: .*ECONNREFUSED/],
    [['history', '--data-dir', folder], 2, /PATH is missing: the path of a znode; or --session/],
    [['history', 'a', '--data-dir', folder], 2, /a path must start with \//],
    [['history', '/a', '--session', '1', '--data-dir', folder], 2, /takes PATH or --session, not both/],
    [['history', '/a', '--data-dir', folder], 1, /holds neither snapshots nor logs of a ZooKeeper server/],
    [['history', '/a', '--data-dir', `${folder}/none`], 1, /none does not exist/],
    [['tree', '--at', 'noon', '--data-dir', folder], 2, /--at must be a zxid like 0x1a or a time/],
    [['undo', '--data-dir', folder], 2, /ZXID is missing: a zxid, like 0x1a/],
    [['undo', 'xyz', '--data-dir', folder], 2, /ZXID must be hexadecimal digits, like 0x1a, not "xyz"/],
    [['diff', '/a'], 2, /needs two paths, or one path and --to-server/],
    [['diff', '/a', '--data-dir', folder], 2, /--from is missing/],
  ])('%j ends with %i', async (args, code, message) => {
    const end = await run(...args)
    expect([end.code, end.out]).toEqual([code, ''])
    expect(end.err).toMatch(message)
    expect(end.err.trim().split('\n')).toHaveLength(1)
  })
})
