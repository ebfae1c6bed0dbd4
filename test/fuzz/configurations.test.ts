/** Configuration files and options: what comes out can be started with, or there is a ConfigError that names a setting. */
import { inspect } from 'node:util'
import { ConfigError, optionsOf, parseZooCfg } from '@lightkeeper/server'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { resolveConfig, type ServerOptions } from '../../packages/server/src/config/config.ts'
import { parseProperties, trimmed } from '../../packages/server/src/config/java-properties.ts'
import { honoured, idle, refusals } from '../../packages/server/src/config/rooms.ts'
import { fuzzParameters } from './parameters.ts'

const key = fc.oneof(
  fc.constantFrom(...honoured.keys(), ...idle.keys()),
  fc.constantFrom(
    'server.1',
    'server.2',
    'group.1',
    'ssl.x',
    'authProvider.1',
    'secureClientPort',
    'enforce.auth.schemes',
  ),
  fc.constantFrom('constructor', '__proto__', 'toString', 'hasOwnProperty', 'zookeeper.', '', '#'),
  fc.string({ maxLength: 6 }),
)
const value = fc.oneof(
  fc.constantFrom(
    '',
    'true',
    'FALSE',
    'yes',
    'no',
    '-1',
    '0',
    '1',
    '3',
    '2181',
    '0x10',
    '010',
    '70000',
    '4294967296',
    '1e3',
    '2000 # c',
  ),
  fc.constantFrom(
    '/d',
    'localhost',
    '::1',
    '[::1]',
    '0.0.0.0',
    'localhost:2888:3888;2181',
    'a:1:2:observer',
    '*',
    'ruok,stat',
  ),
  fc.constantFrom('s3cret:value', 'C:\\data', '\\u00', '\\', '\u0000', '\u00a0'),
  fc.string({ maxLength: 8 }),
)
const line = fc.oneof(
  fc
    .tuple(fc.constantFrom('', 'zookeeper.', ' ', '\t'), key, fc.constantFrom('=', ' = ', ':', ' ', '\t', ''), value)
    .map((parts) => parts.join('')),
  fc.constantFrom('# c', '! c', '', '\\', 'a=\\', '\f', ' '),
)
const content = fc
  .tuple(fc.constantFrom('', '\uFEFF'), fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n', '\r'))
  .map(([front, lines, end]) => front + lines.join(end))

test('a zoo.cfg gives options to start with, or a ConfigError', () => {
  fc.assert(
    fc.property(content, content, (text, members) => {
      try {
        const { options } = parseZooCfg(text, { readFile: () => members })
        expect(Object.values(options)).not.toContain(Number.NaN)
        resolveConfig({ dataDir: '/d', ...options }, 0)
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        expect(error.message.length).toBeLessThan(4_000)
        // Where a secret would stand, nothing is shown.
        for (const problem of error.problems) {
          if (!/superDigest|ssl\./.test(problem.setting)) continue
          expect(problem.message.slice(problem.setting.length)).not.toContain('s3cret')
        }
      }
    }),
    fuzzParameters(20_000),
  )
})

test('a key that means security is refused by its name, or done, or a note says that it asks for nothing', () => {
  const security = fc.constantFrom(
    ...['secureClientPort', 'ssl.keyStore.location', 'sslQuorum', 'client.portUnification', 'authProvider.sasl'],
    ...['requireClientAuthScheme', 'sessionRequireClientSASLAuth', 'enforce.auth.enabled', 'quorum.auth.enableSasl'],
  )
  const harmless = fc.array(fc.constantFrom('tickTime=2000', '# c', 'initLimit=5', 'admin.enableServer=true', ''), {
    maxLength: 5,
  })
  const asks = fc.constantFrom(
    'true',
    'TRUE',
    'yes',
    'sasl',
    '2281',
    'org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
  )
  const separator = fc.constantFrom('=', ':', ' ', ' = ', '\t')
  fc.assert(
    fc.property(
      harmless,
      harmless,
      fc.boolean(),
      security,
      separator,
      asks,
      (before, after, hasPrefix, name, between, given) => {
        const lines = [...before, `${hasPrefix ? 'zookeeper.' : ''}${name}${between}${given}`, ...after]
        const without = parseZooCfg([...before, ...after].join('\n'))
        try {
          const { options, notes } = parseZooCfg(lines.join('\n'))
          const isDone = inspect(options, { depth: 9 }) !== inspect(without.options, { depth: 9 })
          expect(isDone || notes.some((note) => note.includes(name)), lines.join('\n')).toBe(true)
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error
          expect(error.message).toContain(name)
        }
      },
    ),
    fuzzParameters(5_000),
  )
  expect(refusals.length).toBeGreaterThan(3)
})

test('what was written with escapes is read as it was', () => {
  const escaped = (text: string): string =>
    Array.from(text)
      .map((char) =>
        /[A-Za-z0-9./]/.test(char)
          ? char
          : [...Array(char.length).keys()]
              .map((i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`)
              .join(''),
      )
      .join('')
  const pair = fc.tuple(
    fc.string({ minLength: 1, unit: 'binary', maxLength: 6 }),
    fc.string({ unit: 'binary', maxLength: 12 }),
  )
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 5 }), fc.constantFrom('=', ':', ' ', ' = '), (pairs, between) => {
      const text = pairs.map(([name, given]) => `  ${escaped(name)}${between}${escaped(given)}`).join('\r\n')
      expect(parseProperties(text)).toEqual(pairs.map(([name, given], i) => [trimmed(name), trimmed(given), i + 1]))
    }),
    fuzzParameters(5_000),
  )
})

test('options of any kind give a configuration, or a ConfigError that names one of them', () => {
  const names = Object.keys({ ...resolveConfig({}, 0), port: 0, host: '' }) as (keyof ServerOptions)[]
  const hostile = fc.constantFrom<unknown>(
    ...[
      undefined,
      null,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      -1,
      1.5,
      2 ** 53,
      5n,
      Symbol('s'),
      () => 1,
      [],
      {},
      Object.create(null),
    ],
    ...[
      new Date(0),
      new Map(),
      /x/,
      {
        toString: () => {
          throw new Error('no')
        },
      },
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no')
          },
        },
      ),
    ],
    ...['', ' ', '\u0000', 'true', '5', new String('x'), new Number(5), new Boolean(true)],
  )
  const given = fc.oneof(hostile, fc.anything(), fc.integer(), fc.boolean(), fc.string())
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), given, { maxKeys: 4 }), fc.boolean(), (plain, hasGetter) => {
      const options = { ...plain }
      const first = Object.keys(options)[0]
      if (hasGetter && first !== undefined) {
        Object.defineProperty(options, first, {
          enumerable: true,
          get: () => {
            throw new Error('a getter')
          },
        })
      }
      try {
        const config = resolveConfig(options as ServerOptions, 0)
        expect(Number.isInteger(config.clientPort) && Number.isInteger(config.tickTime)).toBe(true)
        expect(hasGetter && first !== undefined).toBe(false)
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        expect(error.message).toContain(error.setting)
      }
    }),
    fuzzParameters(20_000),
  )
})

test('pairs of a command line are read as lines of a file are', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...honoured.keys(), 'constructor'), value), { maxLength: 4 }),
      (pairs) => {
        const outcome = (read: () => unknown): unknown => {
          try {
            return read()
          } catch (error) {
            if (!(error instanceof ConfigError)) throw error
            return error.message
          }
        }
        const plain = pairs.filter(([, given]) => /^[\w.:/;*,-]*$/.test(given))
        const lines = plain.map(([name, given]) => `${name}=${given}`).join('\n')
        const named = new Set(plain.map(([name]) => honoured.get(name)))
        // A file means Apache's defaults where it is silent.
        const ofFile = (): unknown => {
          const { options, ignored, unknown, notes } = parseZooCfg(lines)
          const given = Object.entries(options).filter(([option]) => named.has(option))
          return { options: Object.fromEntries(given), ignored, unknown, notes }
        }
        const ofLine = (): unknown => {
          const { options, ignored, unknown, notes } = optionsOf(plain)
          return { options, ignored, unknown, notes }
        }
        expect(outcome(ofLine)).toEqual(outcome(ofFile))
      },
    ),
    fuzzParameters(3_000),
  )
})
