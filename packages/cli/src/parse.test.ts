import { describe, expect, test } from 'vitest'
import { argument, flag, option, optional, options, spec, UsageError, words } from './command.ts'
import { acl, identity, moment, oneOf, pair, text, version, wholeNumber, znodePath } from './kinds.ts'
import { read } from './parse.ts'

const row = spec({
  name: 'put',
  summary: 'put',
  arguments: { path: argument(znodePath, 'the path of a znode'), data: optional(text, 'the data') },
  options: {
    version: option('N', version, 'only this version', { short: 'v' }),
    stat: flag('with numbers', { short: 's' }),
    recursive: flag('all below', { short: 'R' }),
    count: option('N', wholeNumber(0, 9), 'how many', { default: 3 }),
    format: option('F', oneOf('a', 'b'), 'which'),
    meta: options('KEY=VALUE', pair, 'more'),
  },
  connects: true,
  json: 'as JSON',
})

const problem = async (given: readonly string[], how = {}): Promise<string> => {
  const error = await read(row, given, how).then(
    () => new Error('it is accepted'),
    (each: unknown) => each as Error,
  )
  expect(error, error.message).toBeInstanceOf(UsageError)
  return error.message
}

describe('what a command line says', () => {
  test('options stand anywhere, and have values of their types', async () => {
    const { values, args, connecting } = await read(row, ['-v', '-1', '/a', '--count=5', 'text', '-R', '--json'])
    expect(args).toEqual({ path: '/a', data: 'text' })
    expect(values).toEqual({
      version: -1,
      stat: false,
      recursive: true,
      count: 5,
      format: undefined,
      meta: [],
      json: true,
    })
    expect(connecting).toEqual({})
  })

  test('what is not given is the default', async () => {
    const { values, args } = await read(row, ['/a'])
    expect([values.count, values.json, values.meta, args.data]).toEqual([3, false, [], undefined])
  })

  test('an option that may be repeated keeps all of its values', async () => {
    const { values } = await read(row, ['/a', '--meta', 'a=1', '--meta', 'b=2=3'])
    expect(values.meta).toEqual([
      ['a', '1'],
      ['b', '2=3'],
    ])
  })

  test('a negative number and a single dash are arguments', async () => {
    expect((await read(row, ['/a', '-5'])).args.data).toBe('-5')
    expect((await read(row, ['/a', '-'])).args.data).toBe('-')
    expect((await read(row, ['/a', '--', '--json'])).args.data).toBe('--json')
  })

  test('a letter of the common options means the same in every command, and in the shell the command’s own counts', async () => {
    const standalone = await read(row, ['/a', '-s', 'zk1,zk2/app', '-Rv3'])
    expect([standalone.connecting, standalone.values.stat]).toEqual([{ server: 'zk1,zk2/app' }, false])
    const inShell = await read(row, ['/a', '-sR', '-version', '3'], { isShell: true })
    expect([inShell.values.stat, inShell.values.recursive, inShell.values.version]).toEqual([true, true, 3])
    expect(await problem(['/a', '--server', 'zk1'], { isShell: true })).toContain('no option --server')
  })

  test('behind -- stands the command of those that run one', async () => {
    const runner = spec({ name: 'hold', summary: 'hold', arguments: { all: words(text, 'words') }, runs: 'required' })
    const { args, command } = await read(runner, ['a', 'b', '--', 'ls', '-l', '--', 'x'])
    expect([args.all, command]).toEqual([
      ['a', 'b'],
      ['ls', '-l', '--', 'x'],
    ])
    await expect(read(runner, ['a'])).rejects.toThrow('a command to run is missing: lightkeeper hold ALL… -- COMMAND…')
    await expect(read(runner, ['a', '--'])).rejects.toThrow('a command to run is missing')
  })
})

test.each([
  [[], 'PATH is missing: the path of a znode'],
  [['a'], 'PATH must be the path of a znode, like /a/b, not "a": a path must start with /'],
  [['-s', '/a'], '-s names the servers here, like -s host:2181; write --stat for what -s is in the shell'],
  [['/a', 'b', 'c'], 'takes 2 arguments, and got c too: lightkeeper put PATH [DATA] [options]'],
  [['/a', '--version', '-2'], '--version must be a whole number from -1 to 2147483647, not "-2"'],
  [['/a', '--count'], '--count needs a value, a whole number from 0 to 9'],
  [['/a', '--count', '--json'], '--count needs a value, a whole number from 0 to 9, and got the option --json'],
  [['/a', '--json=yes'], '--json takes no value'],
  [['/a', '--format', 'c'], '--format must be a or b, not "c"'],
  [['/a', '--meta', '=1'], '--meta must be KEY=VALUE, not "=1"'],
  [['/a', '--recursiv'], 'no option --recursiv; did you mean --recursive?'],
  [['/a', '-x'], 'no option -x; lightkeeper put --help lists all options'],
  [['/a', '-Rx'], 'no option -x in -Rx; lightkeeper put --help lists all options'],
  [
    ['/a', '--auth', 'digest:secret'],
    '--auth must be SCHEME:CREDENTIALS, like digest:USER:PASSWORD: digest needs USER:PASSWORD',
  ],
  [['/a', '--auth', 'secret'], '--auth must be SCHEME:CREDENTIALS, like digest:USER:PASSWORD'],
  [
    ['/a', '--auth', 'sasl:bob'],
    '--auth must be SCHEME:CREDENTIALS, like digest:USER:PASSWORD: a login by SASL is what --sasl is for',
  ],
  [
    ['/a', '-s', 'a:1:b'],
    '--server must be servers like host:2181,host:2181/chroot: connect string "a:1:b": "a:1:b" is not an address',
  ],
])('%j is refused: %s', async (given, says) => {
  expect(await problem(given)).toContain(says)
})

test('an ACL is written as in zkCli', async () => {
  expect(await acl.read('ip:10.0.0.0/8:cdrwa,x509:CN=a,O=b:rw')).toEqual([
    { perms: 31, id: { scheme: 'ip', id: '10.0.0.0/8' } },
    { perms: 3, id: { scheme: 'x509', id: 'CN=a,O=b' } },
  ])
  await expect(acl.read('world:anyone:rx')).rejects.toThrow('"x" in "rx" is not a permission')
})

test('a moment is a zxid with 0x, or a time', async () => {
  expect(await moment.read('0x1a')).toBe(26n)
  expect(await moment.read('2026-01-31T12:00:00Z')).toEqual(new Date(Date.UTC(2026, 0, 31, 12)))
  expect([await moment.read('noon'), await moment.read('0xyz')]).toEqual([undefined, undefined])
})

test('a password may have colons', async () => {
  expect(await identity.read('digest:bob:a:b')).toEqual({ scheme: 'digest', credentials: 'bob:a:b' })
})
