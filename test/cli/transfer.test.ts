/** `lightkeeper export` and `import`: a subtree from one server to another, as an operator moves it. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, connect, type ZnodePath } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { proxy } from '@lightkeeper/testing'
import { applySteps, compareTrees, PartlyDone, placed, planImport, readWhole } from '@lightkeeper/tools'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeVariedTree } from '../support/varied-tree.ts'
import { until } from '../support/wait.ts'
import { Running } from './running.ts'

const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-transfer-'))
const dataDir = join(folder, 'data')
let from: RunningServer
let to: RunningServer
let source: Client
let owner: Client
let target: Client
beforeAll(async () => {
  from = await startServer({ port: 0, dataDir, extendedTypesEnabled: true })
  to = await startServer({ port: 0, dataDir: join(folder, 'target'), extendedTypesEnabled: true })
  source = await connect(from, { auth: [{ scheme: 'digest', credentials: 'joe:pw' }] })
  owner = await connect(from)
  target = await connect(to)
  await writeVariedTree(source, owner)
  // The command line has no identity of its own.
  await source.delete('/private')
})
afterAll(async () => {
  for (const zk of [source, owner, target]) await zk?.close()
  for (const server of [from, to]) await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function run(...args: readonly string[]): Promise<{ code: number | null; output: string; errors: string }> {
  return new Running(args).closed
}
const exported = (path: string, ...more: readonly string[]): ReturnType<typeof run> =>
  run('export', path, '-s', from.connectString, ...more)
const imported = (...args: readonly string[]): ReturnType<typeof run> => run('import', '-s', to.connectString, ...args)

/** Without ephemerals and what servers keep of themselves; the numbers of sessions and versions are new. */
async function contentOf(zk: Client, root: ZnodePath = '/'): Promise<string[]> {
  const { nodes } = await readWhole(zk, root)
  return [...nodes]
    .filter(([path, { type }]) => type !== 'ephemeral' && !(root === '/' && path.startsWith('/zookeeper')))
    .map(
      ([path, { data, acl }]) => `${path} ${Buffer.from(data).toString('base64').slice(0, 40)} ${JSON.stringify(acl)}`,
    )
}

test('a whole tree is equal behind it: data, ACLs, and from a data directory the types', async () => {
  const file = join(folder, 'all.jsonl')
  const done = await run('export', '/', '--data-dir', dataDir, '-o', file)
  expect([done.code, done.errors]).toEqual([0, ''])
  expect(done.output).toMatch(/all\.jsonl: \d+ znodes, everything up to 0x[0-9a-f]+\n$/)
  const dry = await imported(file, '-n')
  expect(dry.output).toMatch(/^create \/acl persistent acl=.*\n/)
  expect(dry.output).toMatch(/\n\/: would be \d+ created, 0 set, 0 ACLs set, 0 deleted; nothing was written\n$/)
  expect((await target.children('/')).children).toEqual(['zookeeper'])
  const { code, errors, output } = await imported(file)
  expect([code, errors]).toEqual([
    0,
    'lightkeeper import: 3 ephemerals of the file are left out: they would end with this session\n',
  ])
  expect(output).toMatch(/^\/: \d+ created, 0 set, 0 ACLs set, 0 deleted\n$/)
  expect(await contentOf(target)).toEqual(await contentOf(source))
  const again = await run('export', '/', '--data-dir', join(folder, 'target'))
  const types = (text: string): string[] =>
    text
      .split('\n')
      .filter((line) => line.includes('"type"') && !line.includes('"ephemeral"'))
      .map((line) =>
        JSON.stringify([(JSON.parse(line) as { path: string }).path, (JSON.parse(line) as { type: unknown }).type]),
      )
  expect(types(again.output)).toEqual(types(readFileSync(file, 'utf8')))
  expect(types(again.output)).toEqual(['["/container","container"]', '["/ttl",{"ttl":3600000}]'])
})

test('below a chroot, a znode named zookeeper is one like any other', async () => {
  await source.create('/prod/zookeeper/a', 'settings', { parents: true })
  const file = join(folder, 'chroot.jsonl')
  const done = await exported('/', '--chroot', '/prod', '-o', file)
  expect(done.output).toContain(': 3 znodes, ')
  await target.create('/prod2')
  await target.create('/prod3')
  expect((await imported(file, '--chroot', '/prod2')).output).toMatch(/^\/: 2 created/)
  expect(await contentOf(target, '/prod2')).toEqual(await contentOf(source, '/prod'))
  const copied = await run(
    ...['cp', '/', '/', '--merge', '--to-server', `${to.connectString}/prod3`],
    ...['-s', `${from.connectString}/prod`],
  )
  expect([copied.code, copied.errors]).toEqual([0, ''])
  expect(await contentOf(target, '/prod3')).toEqual(await contentOf(source, '/prod'))
  expect((await imported(file)).errors).toContain('2 znodes of the file are left out: below /zookeeper are those of')
})

test('a second import writes nothing; with --delete what is not in the file goes', async () => {
  const file = join(folder, 'plain.jsonl')
  await exported('/plain', '-o', file)
  expect((await imported(file, '--to', '/deep/copy')).output).toMatch(/^\/deep\/copy: \d\d created/)
  expect((await imported(file, '--to', '/deep/copy')).output).toBe(
    '/deep/copy: 0 created, 0 set, 0 ACLs set, 0 deleted\n',
  )
  await target.set('/deep/copy', 'other')
  await target.create('/deep/copy/more/below', '', { parents: true })
  const kept = await imported(file, '--to', '/deep/copy', '--json')
  expect(
    kept.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
  ).toMatchObject([
    { kind: 'set', path: '/deep/copy', version: 1 },
    { created: 0, set: 1, acls: 0, deleted: 0, isDone: true },
  ])
  expect(kept.errors).toContain('2 znodes that are not in the file stay')
  expect((await imported(file, '--to', '/deep/copy', '--delete')).output).toMatch(/2 deleted\n$/)
  expect(await contentOf(target, '/deep/copy')).toEqual(await contentOf(source, '/plain'))
})

test('an export that a signal stops leaves no file, and says so', async () => {
  await using door = await proxy(from.port)
  door.hang()
  const file = join(folder, 'stopped.jsonl')
  await using running = new Running(['export', '/plain', '-s', door.connectString, '-o', file])
  await until(() => existsSync(`${file}.partial`))
  running.kill('SIGINT')
  const { code, errors } = await running.closed
  expect([code, errors]).toEqual([1, `lightkeeper export: ended by SIGINT; ${file} was not written\n`])
  expect(readdirSync(folder).filter((name) => name.startsWith('stopped'))).toEqual([])
})

test('what was stopped half way goes on', async () => {
  for (let i = 0; i < 12; i++) {
    const names = Array.from({ length: 100 }, (_, k) => `/many/part-${i}/znode-${k}` as ZnodePath)
    await source.ensure(`/many/part-${i}`)
    await Promise.all(names.map((path, k) => source.create(path, `${i} ${k}`)))
  }
  const root = '/many' as ZnodePath
  const { nodes: wanted } = await readWhole(source, root)
  const stepsTo = async (): Promise<ReturnType<typeof planImport>['steps']> =>
    planImport(wanted, (await readWhole(target, root)).nodes).steps.map((step) => ({
      ...step,
      path: placed(root, step.path),
    }))
  const stop = new AbortController()
  const first = await stepsTo()
  const stopped = applySteps(target, first, { signal: stop.signal, onProgress: () => stop.abort(new Error('stopped')) })
  await expect(stopped).rejects.toThrow(/^500 of 1213 writes are done and stay: stopped$/)
  await expect(stopped).rejects.toBeInstanceOf(PartlyDone)
  const rest = await stepsTo()
  expect(rest).toHaveLength(first.length - 500)
  await applySteps(target, rest)
  expect(compareTrees(wanted, (await readWhole(target, root)).nodes)).toEqual([])
})

test('a znode that another wrote meanwhile is not written over, and the transaction does nothing', async () => {
  await target.create('/raced', 'before')
  const { stat } = await target.get('/raced')
  await target.set('/raced', 'by another')
  const steps = [
    {
      kind: 'create',
      path: '/raced/new',
      data: new Uint8Array(0),
      acl: [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }],
      mode: 'persistent',
    },
    { kind: 'set', path: '/raced', data: new Uint8Array(0), version: stat.version },
  ] as const
  await expect(applySteps(target, steps)).rejects.toThrow('0 of 2 writes are done and stay: /raced: BAD_VERSION')
  expect((await target.children('/raced')).children).toEqual([])
})

describe('what is asked wrongly', () => {
  const broken = join(folder, 'broken.jsonl')
  writeFileSync(
    broken,
    '{"format":"lightkeeper-export","version":1,"path":"/x","zxid":"0x1","znodes":1}\n{"path":""}\n',
  )
  test.each([
    [['import'], 2, /FILE is missing: one file, or - for standard input/],
    [['import', join(folder, 'none')], 2, /FILE must be a file that can be read, not ".*none": ENOENT/],
    [['import', broken], 1, /broken\.jsonl: line 2: the file ends before its last line/],
    [['import', broken, '--ephemerals', 'keep'], 2, /--ephemerals must be skip or persistent, not "keep"/],
    [
      ['import', broken, '--to', 'x'],
      2,
      /--to must be the path of a znode, like \/a\/b, not "x": a path must start with \//,
    ],
    [['export'], 2, /PATH is missing: the path of a znode/],
    [['export', '/nowhere'], 1, /\/nowhere does not exist/],
    [
      ['export', '/plain', '-o', '/nowhere/x'],
      2,
      /--output must be a file that can be written, not "\/nowhere\/x": ENOENT/,
    ],
    [['export', '/plain', '--at', 'noon', '--data-dir', dataDir], 2, /--at must be a zxid/],
    [['export', '/plain', '--at', '0x5'], 2, /needs --data-dir, the data directory of a server, or --admin/],
  ])('%j ends with %i', async ([command = '', ...args], code, message) => {
    const end = await run(command, '-s', from.connectString, ...args)
    expect([end.code, end.output]).toEqual([code, ''])
    expect(end.errors).toMatch(message)
    expect(end.errors.trim().split('\n')).toHaveLength(1)
  })
})
