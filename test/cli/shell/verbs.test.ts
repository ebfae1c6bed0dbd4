/** Each verb with its values, exit codes and `--json`: as a command of the shell, in one process, and as a command of its own. */
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type Client, connect } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Child } from '../../support/process.ts'
import { Running } from '../running.ts'

const bin = fileURLToPath(new URL('../../../packages/cli/bin/lightkeeper.js', import.meta.url))
let servers: readonly [RunningServer, RunningServer]
let zk: Client
beforeAll(async () => {
  const settings = { port: 0, extendedTypesEnabled: true, fourLetterWordWhitelist: 'wchc' }
  servers = [await startServer(settings), await startServer({ port: 0 })]
  zk = await connect(servers[0])
  await zk.create('/t/text', 'one\ntwo', { parents: true })
  await zk.create('/t/json', '{"pool": 10, "hosts": ["a"]}')
  await zk.create('/t/bytes', Uint8Array.of(0, 255))
  await zk.create('/t/gzip', gzipSync('packed text'))
  await zk.create('/t/deep/er', 'x', { parents: true })
})
afterAll(async () => {
  await zk?.close()
  for (const server of servers ?? []) await server.close()
})

type Case = readonly [line: string, lines: readonly (string | RegExp)[]]

/** What each command prints, on both outputs, in the order of the commands. */
async function outputs(lines: readonly string[], ...options: readonly string[]): Promise<string[][]> {
  const shell = `exec '${process.execPath}' '${bin}' shell -k -s ${servers[0].connectString} ${options.join(' ')} 2>&1`
  await using child = new Child(['sh', '-c', shell], { input: 'pipe', timeoutMs: 60_000 })
  child.child.stdin?.end(lines.flatMap((line, i) => [line, `mark-${i}`, '']).join('\n'))
  await child.closed
  const found: string[][] = []
  let own: string[] = []
  for (const raw of child.output.split('\n').slice(0, -1)) {
    const line = raw.replace(/^lightkeeper shell: /, '')
    if (line.startsWith('mark-')) {
      found.push(own)
      own = []
    } else own.push(line)
  }
  return found
}

/** What was found, with the patterns instead of the lines that match them. */
function matching(found: readonly (readonly string[])[], said: readonly Case[]): object[] {
  return found.map((lines, i) => {
    const [line, patterns] = said[i] ?? ['', []]
    const isEqual =
      lines.length === patterns.length &&
      patterns.every((each, at) => (typeof each === 'string' ? lines[at] === each : each.test(lines[at] ?? '')))
    return { line, lines: isEqual ? patterns : lines }
  })
}

const wanted = (said: readonly Case[]): object[] => said.map(([line, lines]) => ({ line, lines }))

const cases: readonly Case[] = [
  ['pwd', ['/']],
  ['ls /t', ['[bytes, deep, gzip, json, text]']],
  ['ls -l /t/deep', ['er']],
  ['ls -R /t/deep', ['/t/deep', '/t/deep/er']],
  ['cd t', []],
  ['pwd', ['/t']],
  ['ls deep', ['[er]']],
  ['get text', ['one', 'two']],
  ['get -b ./text', ['b25lCnR3bw==']],
  [
    'get bytes',
    ['/t/bytes: 2 bytes that are not text, in hexadecimal', /^ {9}\+/, /^ {9}\|/, /^\+/, /^\|00000000\| 00 ff/, /^\+/],
  ],
  ['get gzip', [/^\/t\/gzip: unpacked from \d+ bytes, compressed by gzip$/, 'packed text']],
  ['cd ..', []],
  ['cd /none', ['cd: NO_NODE: No such znode (cd /none)']],
  ['create /new "a b"', ['Created /new']],
  ['create -s /new/q- 1', ['Created /new/q-0000000000']],
  ['create -p /deep/er/est -b aGk=', ['Created /deep/er/est']],
  ['get /deep/er/est', ['hi']],
  ['create -b /bad no!base64', ['create: DATA must be base64, not "no!base64"']],
  ['create -x /hex 00ff', ['Created /hex']],
  ['get -b /hex', ['AP8=']],
  ['set -x /hex "68 69"', []],
  ['get /hex', ['hi']],
  ['set -x /hex 123', ['set: DATA must be hexadecimal, two digits a byte, not "123"']],
  ['set -x -b /hex 12', ['set: --base64 and --hex exclude each other']],
  ['create -c -e /bad', [/^create: a container is neither ephemeral nor sequential/]],
  ['create /new/', [/^create: PATH "\/new\/" ends with \//]],
  ['set /new -5', []],
  ['get /new', ['-5']],
  ['set -v 7 /new x', ['set: BAD_VERSION: The version is not the expected one (set /new)']],
  ['set /new', ['set: DATA is missing: name it, or --file FILE']],
  ['stat /none', ['stat: NO_NODE: No such znode (stat /none)']],
  ['getAcl /new', ['world:anyone:cdrwa']],
  [
    'setAcl -R -n /new world:anyone:cdrwa',
    [
      '/new: would be world:anyone:cdrwa, is world:anyone:cdrwa',
      '/new/q-0000000000: would be world:anyone:cdrwa, is world:anyone:cdrwa',
      '2 writes would be done; nothing was',
    ],
  ],
  ['setAcl /new world:anyone:cdrwa,ip:127.0.0.1:r', []],
  ['getAcl /new', ['world:anyone:cdrwa', 'ip:127.0.0.1:r']],
  ['getAllChildrenNumber /t', ['6']],
  ['du /t -d 0', [/^ +\d+ +7 \/t$/]],
  ['find /t -n "t*"', ['/t', '/t/text']],
  ['find /t --larger 20 --type persistent', [/^\/t\/(gzip|json)$/, /^\/t\/(gzip|json)$/]],
  ['find /t --data "po+l"', ['/t/json']],
  ['find /t --older 7d', []],
  ['find / --name "["', [/^find: --name must be a glob, like lock-\*, not "\[": .* does not end$/]],
  ['grep two /t', ['/t/text:2: two']],
  ['grep -i TWO /t -l', ['/t/text']],
  ['grep "(" /t', [/^grep: PATTERN: Invalid regular expression/]],
  ['json get /t/json /hosts/0', ['"a"']],
  ['json set /t/json /pool 20', []],
  ['json set /t/json /host db', []],
  ['get /t/json', ['{"pool": 20, "hosts": ["a"], "host": "db"}']],
  ['json delete /t/json /host', []],
  ['json get /t/text', ['json: /t/text: its data is not JSON']],
  ['json get /t/json pool', [/^json: POINTER: "pool" is not a JSON pointer/]],
  [
    'txn "create /txn x" "set /new y" "check /txn 0"',
    ['done: create /txn x, created /txn', /^done: set \/new y, version=\d$/, 'done: check /txn 0'],
  ],
  ['txn "delete /txn" "check /none"', [/^txn: TRANSACTION_FAILED/]],
  ['txn "get /txn"', [/^txn: "get \/txn": an operation begins with/]],
  ['cp /t/deep /copy', []],
  ['get /copy/er', ['x']],
  ['cp /t/deep /copy', ['cp: /copy exists already; cp --merge writes what differs there']],
  ['cp /t/deep /t/deep/in', ['cp: TO /t/deep/in lies within FROM /t/deep']],
  ['mv /copy /moved', []],
  ['ls /moved', ['[er]']],
  ['mv /moved /t/none/x', [/^mv: TRANSACTION_FAILED/]],
  ['setquota -n 3 -B 100 /new', []],
  [
    'listquota /new',
    ['Output quota for /new count=3,bytes=-1=;byteHardLimit=100', /^Output stat for \/new count=2,bytes=\d+$/],
  ],
  ['delquota /new', []],
  ['listquota /new', ['listquota: /new has no quota']],
  ['setquota /new', [/^setquota: needs a limit/]],
  ['sync', ['Sync is OK']],
  ['whoami', ['Auth scheme: User', 'ip: 127.0.0.1']],
  ['create -e /mine', ['Created /mine']],
  ['getEphemerals', ['[/mine]']],
  ['reconfig -remove 3', [/^reconfig: RECONFIG_DISABLED/]],
  ['set /new --file /nowhere/data', [/^set: --file must be a file that can be read, not "\/nowhere\/data": ENOENT/]],
  ['reconfig', [/^reconfig: needs either --add and --remove, or one of/]],
  ['get -w /txn', ['x']],
  ['removewatches /txn', []],
  ['set /txn unseen', []],
  ['removewatches /txn', ['removewatches: this shell has no such watch at /txn']],
  ['delete /t/deep', ['delete: NOT_EMPTY: The znode has children (delete /t/deep)']],
  ['deleteall /new -n', ['would delete /new', 'would delete /new/q-0000000000', '2 writes would be done; nothing was']],
  ['rm -r /new', []],
  ['deleteall /new', ['deleteall: NO_NODE: No such znode (delete /new)']],
  ['deleteall /', ['deleteall: the root cannot be deleted; name a znode below it']],
  ['gett /t', ['gett: no such verb; did you mean get?']],
]

describe('in the shell', () => {
  test('each verb prints its values, or one line that says what is wrong', async () => {
    expect(matching(await outputs(cases.map(([line]) => line)), cases)).toEqual(wanted(cases))
  })

  test('--json makes one object a result', async () => {
    const lines = [
      'ls /t',
      'get /t/text',
      'stat /t/text',
      'getAcl /t',
      'create /j x',
      'set /j y',
      'find /t/deep',
      'du /t/deep',
      'sync',
      'whoami',
      'grep two /t',
      'json get /t/json /pool',
      'txn "check /j"',
      'delete /j',
      'pwd',
      'version',
    ]
    const found = (await outputs(lines, '--json')).map((each) => each.map((line) => JSON.parse(line) as object))
    expect(found.every((each) => each.length > 0)).toBe(true)
    expect(Object.fromEntries(lines.map((line, i) => [line, found[i]]))).toMatchObject({
      'ls /t': [{ path: '/t', children: ['bytes', 'deep', 'gzip', 'json', 'text'] }],
      'get /t/text': [{ path: '/t/text', data: 'b25lCnR3bw==', text: 'one\ntwo', stat: { version: 0 } }],
      'stat /t/text': [{ path: '/t/text', stat: { dataLength: 7 } }],
      'getAcl /t': [{ acl: [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }], text: 'world:anyone:cdrwa' }],
      'create /j x': [{ path: '/j' }],
      'set /j y': [{ path: '/j', stat: { version: 1 } }],
      'find /t/deep': [{ path: '/t/deep' }, { path: '/t/deep/er', stat: { dataLength: 1 } }],
      'du /t/deep': [
        { path: '/t/deep/er', bytes: 1, znodes: 1 },
        { path: '/t/deep', bytes: 1, znodes: 2 },
      ],
      sync: [{ path: '/', synced: true }],
      whoami: [{ identities: [{ scheme: 'ip', user: '127.0.0.1' }] }],
      'grep two /t': [{ path: '/t/text', line: 2, text: 'two' }],
      'json get /t/json /pool': [{ pointer: '/pool', value: 20 }],
      'txn "check /j"': [{ operation: 'check /j' }],
      'delete /j': [{ path: '/j', deleted: 1 }],
      pwd: [{ path: '/' }],
      version: [{ version: expect.any(String) as string }],
    })
  })

  test('--json says what became of a subtree, and what is in it', async () => {
    const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
    const said: readonly (readonly [line: string, results: readonly object[]])[] = [
      ['create -p /tree/a/b x', [{ path: '/tree/a/b' }]],
      ['cp /tree/a /tree/c', [{ from: '/tree/a', to: '/tree/c', znodes: 2, writes: 2, isDone: true }]],
      ['cp -n --merge /tree/a /tree/c', [{ writes: 0, isDone: false }]],
      ['mv /tree/c /tree/d', [{ from: '/tree/c', to: '/tree/d', znodes: 2, isDone: true }]],
      ['setAcl /tree/a world:anyone:cdrwa', [{ path: '/tree/a', stat: { aversion: 1 } }]],
      [
        'setAcl -R /tree/a world:anyone:cdrwa',
        [
          { path: '/tree/a', acl },
          { path: '/tree/a/b', acl },
        ],
      ],
      ['setquota -n 50 /tree', [{ path: '/tree', limits: { count: 50 }, usage: { count: 5, bytes: 2 } }]],
      ['listquota /tree', [{ path: '/tree', limits: { count: 50 }, usage: { count: 5, bytes: 2 } }]],
      ['delquota /tree', [{ path: '/tree', limits: null }]],
      ['config', [{ stat: { version: 0 } }]],
      [
        'tree /tree/d',
        [
          { path: '/tree/d', data: '', version: 0 },
          { path: '/tree/d/b', data: 'eA==', ephemeralOwner: '0x0' },
        ],
      ],
      ['diff /tree/a /tree/d', []],
      ['create /tree/d/more y', [{ path: '/tree/d/more' }]],
      ['diff /tree/a /tree/d', [{ path: '/more', kind: 'only in b', znode: { data: 'eQ==', type: 'persistent' } }]],
      ['getAllChildrenNumber /tree', [{ path: '/tree', count: 5 }]],
      ['create -e /tree/mine me', [{ path: '/tree/mine' }]],
      ['getEphemerals /tree', [{ paths: ['/tree/mine'] }]],
      ['create -e -p /tree/locks/x-lock-0000000001 me', [{ path: '/tree/locks/x-lock-0000000001' }]],
      [
        'locks /tree/locks',
        [{ path: '/tree/locks', holders: [{ path: '/tree/locks/x-lock-0000000001', data: 'bWU=' }], waiters: [] }],
      ],
      [
        'deleteall -n /tree/d',
        [
          { path: '/tree/d' },
          { path: '/tree/d/b', stat: { dataLength: 1 } },
          { path: '/tree/d/more' },
          { writes: 3, isDone: false, refused: [] },
        ],
      ],
      ['deleteall /tree/d', [{ path: '/tree/d', deleted: 3 }]],
    ]
    const found = await outputs(
      said.map(([line]) => line),
      '--json',
    )
    const results = found.map((each) =>
      each.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as object),
    )
    expect(said.map(([line], i) => [line, results[i]])).toMatchObject(said)
  })

  test('connect goes to other servers, and without an argument to the present ones again', async () => {
    const [here, there] = servers.map(({ connectString }) => connectString)
    const said: readonly Case[] = [
      ['cd /t', []],
      [`connect ${there}`, []],
      ['pwd', ['/']],
      ['create /only-there x', ['Created /only-there']],
      ['create -e /of-the-session', ['Created /of-the-session']],
      ['connect', []],
      ['ls /only-there', ['[]']],
      ['stat /of-the-session', ['stat: NO_NODE: No such znode (stat /of-the-session)']],
      ['close', []],
      ['ls /', ['ls: not connected: connect opens a session']],
      [`connect ${here}/t`, []],
      ['ls /deep', ['[er]']],
      ['connect a:1:b', [/^connect: HOSTS must be servers like host:2181,host:2181\/chroot: /]],
      ['ls /deep', ['[er]']],
      ['connect 127.0.0.1:1', [/^connect: cannot connect to 127\.0\.0\.1:1: /]],
      [`connect ${here}`, []],
      ['ls /t/deep', ['[er]']],
    ]
    expect(
      matching(
        await outputs(
          said.map(([line]) => line),
          '--connect-timeout',
          '300',
        ),
        said,
      ),
    ).toEqual(wanted(said))
  })

  test('a script stops at the first command that fails, with its exit code, unless it is told otherwise', async () => {
    const script = async (
      ...options: readonly string[]
    ): Promise<{ code: number | null; output: string; errors: string }> => {
      const running = new Running(['shell', '-s', servers[0].connectString, ...options])
      running.child.stdin?.end('# first\nget /t/deep/er\nget relative --nothing\npwd\n')
      return running.closed
    }
    expect(await script()).toEqual({
      code: 2,
      signal: null,
      output: 'x\n',
      errors:
        'lightkeeper shell: get: no option --nothing; help get lists all options\nlightkeeper shell: stopped at line 3; --keep-going runs the rest too\n',
    })
    expect(await script('--keep-going')).toMatchObject({ code: 2, output: 'x\n/\n' })
  })
})

describe('as a command of its own', () => {
  const run = (...args: readonly string[]): Promise<{ code: number | null; output: string; errors: string }> =>
    new Running(args, { LIGHTKEEPER_SERVER: servers[0].connectString }).closed

  test.each<[readonly string[], number, string, string]>([
    [['get', '/t/deep/er'], 0, 'x\n', ''],
    [['get', '/t/text', '--raw'], 0, 'one\ntwo', ''],
    [['ls', '/none'], 1, '', 'lightkeeper ls: NO_NODE: No such znode (children /none)\n'],
    [
      ['get', 'relative'],
      2,
      '',
      'lightkeeper get: PATH must be the path of a znode, like /a/b, not "relative": a path must start with /\n',
    ],
    [['grep', 'nothing-at-all', '/t'], 1, '', ''],
    [['shell', 'get', '-b', '/t/deep/er'], 0, 'eA==\n', ''],
  ])('%j', async (args, code, output, errors) => {
    expect(await run(...args)).toMatchObject({ code, output, errors })
  })

  test('a subtree is copied and moved to another cluster', async () => {
    const other = servers[1].connectString
    expect(await run('cp', '/t', '/t', '--to-server', other)).toMatchObject({ code: 0, errors: '' })
    await using there = await connect(servers[1])
    expect(await there.countDescendants('/t')).toBe(6)
    expect((await there.get('/t/bytes')).data).toEqual(Uint8Array.of(0, 255))
    await zk.create('/gone/child', 'c', { parents: true })
    expect(await run('mv', '/gone', '/here', '--to-server', other, '--json')).toMatchObject({ code: 0, errors: '' })
    expect([await zk.exists('/gone'), (await there.children('/here')).children]).toEqual([undefined, ['child']])
  })

  test('the shell prints what its watches see, until they are removed', async () => {
    await zk.create('/seen', 'a')
    const running = new Running(['shell'], { LIGHTKEEPER_SERVER: servers[0].connectString })
    running.child.stdin?.write('addWatch -m PERSISTENT /seen\nls -w /seen\npwd\n')
    await running.untilLine('/')
    await running.until(({ lines }) => lines.includes('/'))
    await zk.set('/seen', 'b')
    await running.untilLine('watch: changed /seen')
    await zk.create('/seen/child', 'c')
    await running.untilLine('watch: NodeChildrenChanged /seen')
    await running.untilLine('watch: created /seen/child')
    running.child.stdin?.end('removewatches /seen\nset /seen unseen\nget /seen\n')
    expect(await running.closed).toMatchObject({ code: 0, errors: '' })
    expect(running.output).not.toContain('"unseen"')
  })

  test('a watch waits for its event', async () => {
    await zk.create('/event', '')
    const running = new Running(['get', '-w', '/event', '--json'], { LIGHTKEEPER_SERVER: servers[0].connectString })
    await running.until((each) => each.facts().length === 1)
    await zk.set('/event', 'x')
    expect(await running.ended).toMatchObject({ code: 0 })
    expect(running.facts()[1]).toMatchObject({ event: 'dataChanged', path: '/event' })
  })
})
