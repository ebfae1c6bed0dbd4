/** The command line as a user meets it: first line, exit codes, one line of error. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '@lightkeeper/client'
import { ask } from '@lightkeeper/testing'
import { expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { Child } from '../support/process.ts'

const bin = fileURLToPath(new URL('../../node_modules/.bin/lightkeeper', import.meta.url))

const folder = temporaryFolders('cli')
const run = (...args: readonly string[]): Child => new Child([bin, ...args])

test('says on its first line where it listens, serves, and stops with exit 0 when asked to', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const server = run('server', '--port', '0', '--in-memory')
    const address = /^lightkeeper listening on (127\.0\.0\.1:\d+)$/.exec(await server.firstLine())?.[1] ?? ''
    await using zk = await connect(address)
    expect((await zk.create('/a', 'x')).path).toBe('/a')
    server.child.kill(signal)
    const { code, errors } = await server.closed
    expect(code).toBe(0)
    expect(errors).toContain('DATA IS KEPT IN MEMORY ONLY')
  }
})

test('reads a zoo.cfg, takes what the command line says over it, and names keys that have no effect', async () => {
  const file = join(folder(), 'zoo.cfg')
  writeFileSync(
    file,
    `# a comment\ntickTime=2000\ndataDir=${file}.data\nclientPort = 1\nminNoSuchKey=1\n4lw.commands.whitelist=srvr, conf\n`,
  )
  const server = run('server', file, '--port', '0', '--set', 'maxClientCnxns=7')
  const port = Number((await server.firstLine()).split(':').at(-1))
  const conf = await ask(port, 'conf')
  expect(conf).toContain('tickTime=2000\n')
  expect(conf).toContain('maxClientCnxns=7\n')
  expect(conf).toContain('minSessionTimeout=4000\n')
  server.child.kill('SIGTERM')
  const { errors } = await server.closed
  expect(errors).toContain('minNoSuchKey')
  expect(errors).toContain('snapshot written')
})

test.each([
  [['server', '--port', 'http'], 2, '--port must be a whole number from 0 to 65535, not "http"'],
  [['server', '--nonsense'], 2, '--nonsense'],
  [['server', '--set', 'tickTime'], 2, '--set must be key=value, not "tickTime"'],
  [['server', '--set', 'tickTime=fast'], 1, 'tickTime is "fast", expected an integer'],
  [['server', '/no/such/zoo.cfg'], 1, 'cannot read /no/such/zoo.cfg'],
  [['fly'], 2, 'no command "fly"'],
  [['lok', '/a', '--', 'ls'], 2, 'no command "lok"; did you mean lock?'],
  [['server', '--data-dri', '/x'], 2, 'no option --data-dri; did you mean --data-dir?'],
  [['watch', '/a', '--sesion-timeout', '5'], 2, 'no option --sesion-timeout; did you mean --session-timeout?'],
  [['backup', 'a', 'b', '--logdir', 'c'], 2, 'no option --logdir; did you mean --log-dir?'],
  [['inspect', '/nope'], 1, 'lightkeeper inspect: /nope does not exist'],
  [['inspect', '/', '--since', '99999999999999999999'], 2, '--since must be a time'],
  [['server', '--host', '127.0.0.1:2181', '--in-memory'], 1, 'clientPortAddress is "127.0.0.1:2181", expected a host'],
  [['server', '--set', 'secureClientPort=2281'], 1, 'secureClientPort asks for TLS'],
  [['lock', '/a', '--timeout', '99999999999', '--', 'ls'], 2, '--timeout must be a whole number from 0 to 2147483647'],
  [['watch', '/a', '--connect-timeout', '1e3'], 2, '--connect-timeout must be a whole number'],
  [
    ['watch', '/a', '-s', 'zk://zk1:2181/app'],
    2,
    'host:2181/chroot: connect string "zk://zk1:2181/app": remove "zk://"',
  ],
  [
    ['register', 'a', '--address', 'http://h', '--port', '1'],
    2,
    '--address must be a host: a name, or an IPv4 or IPv6 address, not "http://h": ',
  ],
  [['register', 'a', '--address', 'h:80', '--port', '1'], 2, 'not "h:80": "h:80" is not a host'],
  [['watch'], 2, 'PATH is missing: the path of a znode'],
  [['watch', 'a'], 2, 'PATH must be the path of a znode, like /a/b, not "a": a path must start with /'],
  [['watch', '/a', '/b'], 2, 'takes one argument, and got /b too: lightkeeper watch PATH [options]'],
  [['watch', '/a', '-r', '--children'], 2, '--recursive and --children exclude each other'],
  [['watch', '/a', '--', 'ls'], 2, 'takes one argument, and got ls too'],
  [['watch', '/a', '-s', 'host/a//b'], 2, 'connect string "host/a//b": chroot'],
  [
    ['watch', '/a', '--session-timeout', '10s'],
    2,
    '--session-timeout must be a whole number from 1 to 2147483647, not "10s"',
  ],
  [['watch', '/a', '-s', '127.0.0.1:1', '--connect-timeout', '100'], 1, '127.0.0.1:1: connect ECONNREFUSED'],
  [['lock', '/a'], 2, 'a command to run is missing: lightkeeper lock PATH -- COMMAND…'],
  [['lock', '/a', '--'], 2, 'a command to run is missing'],
  [['lock', '/a', 'ls'], 2, 'a command stands behind --'],
  [['lock', '/a', '--grace', '-1', '--', 'ls'], 2, '--grace must be a whole number from 0 to 2147483647, not "-1"'],
  [['lock', '/a/', '--', 'ls'], 2, 'not "/a/": a path must not end with /'],
  [['lock', '/a', '-s', '127.0.0.1:1', '--connect-timeout', '100', '--', 'ls'], 1, '127.0.0.1:1: connect ECONNREFUSED'],
  [['elect', '/a'], 2, 'a command to run is missing: lightkeeper elect PATH -- COMMAND…'],
  [
    ['elect', '/a', '--priority', '1.5', '--', 'ls'],
    2,
    '--priority must be a whole number from 0 to 2147483647, not "1.5"',
  ],
  [['register'], 2, 'NAME is missing: the name of a service'],
  [['register', 'a/', '--address', 'h', '--port', '1'], 2, 'no name of a service: "a/": it has a slash'],
  [['register', 'a/b', '--address', 'h', '--port', '1'], 2, 'no name of a service: "a/b": it has a slash'],
  [['discover', 'a/b'], 2, 'no name of a service: "a/b": it has a slash'],
  [['discover', '..'], 2, 'no name of a service: ".."'],
  [['register', 'a', '--port', '1'], 2, '--address is missing'],
  [['register', 'a', '--address', 'h'], 2, '--port is missing'],
  [
    ['register', 'a', '--address', 'h', '--port', '70000'],
    2,
    '--port must be a whole number from 0 to 65535, not "70000"',
  ],
  [
    ['register', 'a', '--address', 'h', '--port', '1', '--weight', '-2'],
    2,
    '--weight must be a number, 0 or more, not "-2"',
  ],
  [
    ['register', 'a', '--address', 'h', '--port', '1', '--weight', 'x'],
    2,
    '--weight must be a number, 0 or more, not "x"',
  ],
  [['register', 'a', '--address', 'h', '--port', '1', '--metadata', 'x'], 2, '--metadata must be KEY=VALUE, not "x"'],
  [['register', 'a', '--address', 'h', '--port', '1', '--id', 'x/y'], 2, '--id must be a name without /, not "x/y"'],
  [['discover', 'a', '--format', 'eureka'], 2, '--format must be curator, spring or dubbo, not "eureka"'],
  [['discover', 'a', '--base', 'x'], 2, 'not "x": a path must start with /'],
  [['discover', 'a', 'b'], 2, 'takes one argument, and got b too'],
  [['discover', '--watch'], 2, 'NAME is missing: the name of a service'],
  [['discover', 'a', '--watch', '--pick'], 2, '--watch and --pick exclude each other'],
])('%j ends with exit %i and says why', async (args, code, text) => {
  const ended = await run(...args).closed
  expect(ended.code).toBe(code)
  expect(ended.errors).toContain(text)
})

test('a port that is taken is an error that names it', async () => {
  const first = run('server', '--port', '0', '--in-memory')
  const port = (await first.firstLine()).split(':').at(-1) ?? ''
  const second = await run('server', '--port', port).closed
  expect([second.code, second.errors]).toEqual([1, expect.stringContaining(`127.0.0.1:${port}`)])
  first.child.kill('SIGTERM')
  await first.ended
})

test('--help lists the commands and each command’s options', async () => {
  expect(await run('--help').firstLine()).toContain('lightkeeper')
  const help = run('help')
  let text = ''
  help.child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  await help.ended
  expect(await run('help', 'cd').firstLine()).toBe('cd is a verb of lightkeeper shell.')
  for (const name of ['server', 'inspect', 'backup', 'watch', 'lock', 'elect', 'register', 'discover']) {
    expect(text).toContain(`\n  lightkeeper ${name} `)
    expect(await run(name, '--help').firstLine()).toContain(`usage: lightkeeper ${name}`)
  }
})
