/**
 * A setting of the wrong type or range is refused at once, with its name, its value and what is expected; nothing is opened
 * before.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, type ServerOptions, startServer } from '@lightkeeper/server'
import { expect, test } from 'vitest'

test.each<[options: unknown, says: RegExp]>([
  [{ port: '2181' }, /^port is "2181", expected an integer from 0 to 65535$/],
  [{ port: 70_000 }, /^port is 70000, expected/],
  [{ port: Number.NaN }, /^port is NaN, expected/],
  [{ port: 2181n }, /^port is 2181n, a bigint, expected/],
  [{ port: -1 }, /^port is -1, expected/],
  [{ port: 1.5 }, /^port is 1\.5, expected/],
  [{ port: null }, /^port is null, expected a value, or undefined/],
  [{ port: 1, clientPort: 2 }, /^port is 1, expected what clientPort says, which is 2$/],
  [{ host: 'a', clientPortAddress: 'b' }, /^host is "a", expected what clientPortAddress says/],
  [{ host: '127.0.0.1:2181' }, /^host is "127\.0\.0\.1:2181", expected a host name or an IP address, without a port/],
  [{ host: '' }, /^host is "", expected a host name/],
  [{ host: 'tcp://10.0.0.1' }, /^host is "tcp:\/\/10\.0\.0\.1", expected/],
  [{ host: 5 }, /^host is 5, expected/],
  [{ host: { toString: () => 'localhost' } }, /^host is an object, expected/],
  [{ dataDir: '' }, /^dataDir is "", expected the path of a directory/],
  [{ dataDir: new URL('file:///tmp') }, /^dataDir is an object, expected/],
  [{ dataDir: 'a\u0000b' }, /^dataDir is "a\\u0000b", expected/],
  [{ dataLogDir: '/x' }, /^dataDir is undefined, expected a directory, since dataLogDir is given/],
  [{ forceSync: 'no' }, /^forceSync is "no", expected true or false/],
  [{ forceSync: 0 }, /^forceSync is 0, expected true or false/],
  [{ tickTime: Symbol('x') }, /^tickTime is a symbol, expected/],
  [{ tickTime: () => 5 }, /^tickTime is a function, expected/],
  [{ tickTime: [2000] }, /^tickTime is an array, expected/],
  [{ initialZxid: 5 }, /^initialZxid is 5, expected a bigint/],
  [{ initialZxid: -1n }, /^initialZxid is -1n, a bigint, expected/],
  [{ initialZxid: 1n << 63n }, /^initialZxid is 9223372036854775808n/],
  [{ fourLetterWordWhitelist: ['srvr'] }, /^fourLetterWordWhitelist is an array, expected a comma list/],
  [{ fourLetterWordWhitelist: 'stats' }, /^fourLetterWordWhitelist is "stats", expected/],
  [{ snapshotCompression: 'zip' }, /^snapshotCompression is "zip", expected none, gz or snappy/],
  [{ minSessionTimeout: 100_000 }, /^minSessionTimeout is 100000, expected at most maxSessionTimeout/],
  [{ superDigest: 5 }, /^superDigest is not of the form/],
  [{ clientport: 1 }, /^clientport is no such setting; did you mean clientPort\?$/],
  [{ dataDirectory: '/x' }, /^dataDirectory is no such setting/],
  [{ constructor: 1 }, /^constructor is no such setting/],
  ['2181', /^options is "2181", expected an object/],
  [2181, /^options is 2181, expected an object/],
  [[], /^options is an array, expected an object/],
  [null, /^options is null, expected an object/],
])('%#: %s', async (options, says) => {
  const error: unknown = await startServer(options as ServerOptions).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ConfigError)
  expect(error).toBeInstanceOf(TypeError)
  expect((error as ConfigError).message).toMatch(says)
})

test('nothing is opened before every setting is known to be right', async () => {
  const dataDir = join(mkdtempSync(join(tmpdir(), 'lightkeeper-options-')), 'data')
  await expect(startServer({ port: 0, dataDir, znodeContainerMaxNeverUsedIntervalMs: -1 })).rejects.toThrow(ConfigError)
  expect(existsSync(dataDir)).toBe(false)
  rmSync(join(dataDir, '..'), { recursive: true })
})

test('what is undefined has its default', async () => {
  await using server = await startServer({ port: 0, dataDir: undefined, superDigest: undefined })
  expect(server.config.tickTime).toBe(3000)
})

test('a getter that throws is named, with what it threw', async () => {
  const options = {
    get tickTime(): number {
      throw new Error('from the getter')
    },
  }
  await expect(startServer(options)).rejects.toThrow(/^tickTime cannot be read: its getter throws$/)
  await expect(startServer(options)).rejects.toMatchObject({ cause: new Error('from the getter') })
})
