/** `--dry-run`: what the server would refuse of a plan, and which watches would fire, while nothing is done. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, connect, openAcl, readOnlyAcl } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { exportLines, foresee, type WriteStep } from '@lightkeeper/tools'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Running } from './running.ts'

const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-dry-run-'))
let server: RunningServer
let zk: Client
beforeAll(async () => {
  server = await startServer({ port: 0, fourLetterWordWhitelist: 'wchc' })
  zk = await connect(server)
})
afterAll(async () => {
  await zk?.close()
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const create = (path: string, data = ''): WriteStep => {
  return { kind: 'create', path, data: new TextEncoder().encode(data), acl: openAcl, mode: 'persistent' }
}
const remove = (path: string): WriteStep => ({ kind: 'delete', path, version: -1 })
const codes = (foreseen: Awaited<ReturnType<typeof foresee>>): string[] =>
  foreseen.refused.map(({ step, code }) => `${step.kind} ${step.path} ${code}`)

describe('what a server would refuse', () => {
  test('nothing, where it would accept all, over several transactions that stand on each other', async () => {
    const steps = [create('/deep'), create('/deep/er')]
    for (let i = 0; i < 1_200; i++) steps.push(create(`/deep/er/${i}`))
    const asked: number[] = []
    const foreseen = await foresee(zk, steps, { onProgress: (done) => asked.push(done) })
    expect(foreseen).toEqual({ refused: [], unknown: 0 })
    expect(asked).toEqual([500, 1_000, 1_202])
    expect(await zk.exists('/deep')).toBeUndefined()
  })

  test('deletes of a whole tree, children first, in several transactions', async () => {
    await zk.create('/gone')
    await Promise.all([...Array(700).keys()].map((i) => zk.create(`/gone/${i}`)))
    const steps = [...Array(700).keys()].map((i) => remove(`/gone/${i}`))
    expect(await foresee(zk, [...steps, remove('/gone')])).toEqual({ refused: [], unknown: 0 })
    expect((await zk.children('/gone')).children).toHaveLength(700)
  })

  test('each refusal with its code, and what follows from it is not guessed', async () => {
    await zk.create('/open', 'x')
    await zk.create('/read-only', 'x', { acl: readOnlyAcl })
    const foreseen = await foresee(zk, [
      create('/open'),
      create('/read-only/a'),
      create('/read-only/a/b'),
      { kind: 'set', path: '/open', data: new Uint8Array(0), version: 7 },
      { kind: 'set', path: '/open', data: new Uint8Array(0), version: 0 },
      remove('/nowhere'),
      { kind: 'set acl', path: '/read-only', acl: openAcl, aversion: 0 },
      { kind: 'set acl', path: '/open', acl: openAcl, aversion: 3 },
      { kind: 'set acl', path: '/open', acl: openAcl, aversion: 0 },
    ])
    expect(codes(foreseen)).toEqual([
      'create /open NODE_EXISTS',
      'create /read-only/a NO_AUTH',
      'set /open BAD_VERSION',
      'delete /nowhere NO_NODE',
      'set acl /read-only NO_AUTH',
      'set acl /open BAD_VERSION',
    ])
    expect(foreseen.unknown).toBe(1)
    expect((await zk.get('/open')).stat.version).toBe(0)
  })

  test('with very many refusals the rest is not asked', async () => {
    const steps = [...Array(300).keys()].map((i) => remove(`/none/${i}`))
    const { refused, unknown } = await foresee(zk, steps)
    expect([refused.length, unknown]).toEqual([100, 200])
  })
})

describe('import --dry-run', () => {
  const file = join(folder, 'tree.jsonl')
  const run = (...more: readonly string[]) =>
    new Running(['import', file, '-n', '-s', server.connectString, ...more]).closed
  const znode = (data: string, acl = openAcl) => ({
    data: new TextEncoder().encode(data),
    type: 'persistent' as const,
    acl,
  })
  const nodes = new Map([
    ['', znode('new')],
    ['/locked', znode('', readOnlyAcl)],
    ['/locked/below', znode('x')],
  ])
  writeFileSync(file, [...exportLines({ root: '/app', zxid: 1n, nodes })].join('\n'))

  test('says what would be refused and which watches would fire, changes nothing, and ends with 1', async () => {
    await zk.create('/app', 'old')
    await zk.create('/app/locked', '', { acl: readOnlyAcl })
    const { stat } = await zk.get('/app', { watch: true })
    const { code, output, errors } = await run()
    expect(output).toContain('set /app to "new" if its version is 0\n')
    expect(output).toContain('would be refused: create /app/locked/below: NO_AUTH\n')
    expect(output).toMatch(/would fire: the watches of \/app by 0x[0-9a-f]+\n/)
    expect([code, errors]).toEqual([1, ''])
    expect(Buffer.from((await zk.get('/app')).data).toString()).toBe('old')
    expect((await zk.get('/app')).stat.mzxid).toBe(stat.mzxid)
    const json = (await run('--json')).output.trim().split('\n')
    expect(JSON.parse(json.at(-1) ?? '')).toMatchObject({
      isDone: false,
      refused: [{ kind: 'create', path: '/app/locked/below', code: 'NO_AUTH' }],
      watches: [{ path: '/app', sessions: [expect.stringMatching(/^0x/)] }],
    })
  })

  test('says where a server does not tell its watches', async () => {
    await using silent = await startServer({ port: 0, fourLetterWordWhitelist: 'srvr' })
    const { code, output, errors } = await new Running(['import', file, '-n', '-s', silent.connectString]).closed
    // The file itself cannot be imported: its locked znode is made before the one below it.
    expect([code, output]).toEqual([1, expect.stringContaining('nothing was written')])
    expect(errors).toContain('which watches would fire is not known: ')
    expect(errors).toContain('wchc')
  })
})

describe('the dry run of a verb', () => {
  const run = (...args: readonly string[]) => new Running([...args, '-n', '-s', server.connectString]).closed
  const refused = (output: string): string[] => output.split('\n').filter((line) => line.startsWith('would be refused'))
  const fired = (output: string): string[] =>
    output.split('\n').flatMap((line) => /^would fire: the watches of (\S+) by 0x/.exec(line)?.[1] ?? [])
  beforeAll(async () => {
    await zk.create('/verbs/watched/child', 'x', { parents: true })
    await zk.get('/verbs/watched/child', { watch: true })
    await zk.create('/guarded/child', 'x', { parents: true })
    // Nobody may delete below it, nor change its ACL.
    await zk.setAcl('/guarded', readOnlyAcl)
  })

  test.each([
    ['deleteall', ['deleteall', '/verbs/watched'], [], ['/verbs/watched/child']],
    ['delete -r', ['delete', '-r', '/guarded'], ['delete /guarded/child: NO_AUTH', 'delete /guarded: NOT_EMPTY'], []],
    ['cp', ['cp', '/verbs/watched', '/guarded/copy'], ['create /guarded/copy: NO_AUTH'], []],
    ['cp --merge', ['cp', '/guarded', '/verbs/watched', '--merge'], [], []],
    ['cp without the parent', ['cp', '/verbs', '/none/copy'], ['create /none/copy: NO_NODE'], []],
    ['cp -p', ['cp', '/verbs', '/none/copy', '-p'], [], []],
    ['mv', ['mv', '/verbs/watched', '/verbs/moved'], [], ['/verbs/watched/child']],
    ['mv out of a guarded place', ['mv', '/guarded/child', '/verbs/moved'], ['delete /guarded/child: NO_AUTH'], []],
    ['setAcl', ['setAcl', '/guarded', 'world:anyone:cdrwa'], ['set acl /guarded: NO_AUTH'], []],
    ['setAcl -R', ['setAcl', '-R', '/guarded', 'world:anyone:r'], ['set acl /guarded: NO_AUTH'], []],
    ['setAcl -R of an open one', ['setAcl', '-R', '/verbs', 'world:anyone:r'], [], []],
  ] as const)(
    '%s asks the server what it would refuse, and says which watches would fire',
    async (_what, args, says, watched) => {
      const before = (await zk.get('/')).stat.pzxid
      const { code, output, errors } = await run(...args)
      expect(refused(output)).toEqual(says.map((each) => `would be refused: ${each}`))
      expect(fired(output)).toEqual(watched)
      expect(code).toBe(says.length > 0 ? 1 : 0)
      expect(errors).toMatch(/^\d+ writes would be done; nothing was\n$/m)
      const json = (await run(...args, '--json')).output.trim().split('\n')
      expect(JSON.parse(json.at(-1) ?? '')).toMatchObject({
        isDone: false,
        refused: says.map((each) => ({ path: each.split(/[ :]/).find((word) => word.startsWith('/')) })),
        watches: watched.map((path) => ({ path })),
      })
      expect((await zk.get('/')).stat.pzxid).toBe(before)
    },
  )

  test('mv to another cluster asks both', async () => {
    await using other = await startServer({ port: 0, fourLetterWordWhitelist: 'wchc' })
    const { code, output } = await run('mv', '/guarded/child', '/arrived', '--to-server', other.connectString)
    expect([code, refused(output)]).toEqual([1, ['would be refused: delete /guarded/child: NO_AUTH']])
  })
})
