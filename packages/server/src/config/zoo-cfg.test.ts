import { describe, expect, test } from 'vitest'
import { resolveConfig, type ServerOptions } from './config.ts'
import type { ConfigError } from './config-error.ts'
import { effectiveSettings } from './effective.ts'
import { aliases, families, honoured, idle, rooms, settings } from './rooms.ts'
import { optionsOf, parseZooCfg } from './zoo-cfg.ts'

const hash = 'D/InIHSb7yEEbrWz8b9l71RjZJU='

describe('where a value comes from', () => {
  const flags = (text: string): [string, string][] => [['SERVER_JVMFLAGS', text]]

  test('the command line counts more than the file, the file more than a flag of the Java machine', () => {
    const { options, origins, notes } = parseZooCfg('# a file\ntickTime=2000\n\nsnapCount=\\\n 500\nmaxCnxns=7\n', {
      name: 'conf/zoo.cfg',
      more: [['zookeeper.maxCnxns', '8']],
      jvmFlags: flags('-Xmx1g -Dzookeeper.snapCount=400 -Dzookeeper.enforceQuota=true -Dzookeeper.maxCnxns=9'),
    })
    expect(options).toMatchObject({ tickTime: 2000, snapCount: 500, maxCnxns: 8, enforceQuota: true })
    expect(Object.fromEntries(origins)).toMatchObject({
      tickTime: 'conf/zoo.cfg:2',
      snapCount: 'conf/zoo.cfg:4',
      maxCnxns: '--set',
      enforceQuota: '-Dzookeeper.enforceQuota of SERVER_JVMFLAGS',
    })
    expect(notes).toEqual([
      '-Dzookeeper.snapCount of SERVER_JVMFLAGS has no effect, as in Apache: conf/zoo.cfg:4 sets it',
      '-Dzookeeper.maxCnxns of SERVER_JVMFLAGS has no effect, as in Apache: conf/zoo.cfg:6 sets it',
    ])
  })

  test('a flag that Apache reads without the prefix is read so, one that it reads from the file alone is not', () => {
    const text = `-Djute.maxbuffer=2097152 -Dzookeeper.clientPort=2182 -DtickTime=5 -Djava.awt.headless=true -Dzookeeper.server.1=a:1:2
      -Dzookeeper.DigestAuthenticationProvider.superDigest=admin:${hash} -Dzookeeper.snapCont=3`
    const { options, notes, unknown } = optionsOf([], { jvmFlags: flags(text) })
    expect(options).toEqual({ juteMaxbuffer: 2_097_152, superDigest: `admin:${hash}` })
    expect(notes).toEqual([
      '-Dzookeeper.clientPort -Dzookeeper.server.1 of SERVER_JVMFLAGS: no effect, as in Apache, which reads this from the file alone',
    ])
    expect(unknown).toEqual(['snapCont (snapCount?)'])
  })

  test('a flag that means security is done or refused, as in a file', () => {
    // Apache reads these two from the file alone.
    expect(
      optionsOf([], { jvmFlags: flags('-Dzookeeper.quorum.auth.enableSasl=true -Dzookeeper.sslQuorum=true') }).options,
    ).toEqual({})
    expect(parseZooCfg('', { jvmFlags: flags('-Dzookeeper.audit.enable=true') }).options.auditEnabled).toBe(true)
    expect(() => parseZooCfg('', { jvmFlags: flags('-Dzookeeper.maxCnxns=many') })).toThrow(/^maxCnxns is "many"/)
  })

  test('a port of the command line is no contradiction of the line of the member', () => {
    const { options, origins } = parseZooCfg('server.1=a:2888:3888;10.0.0.1:2181', { more: [['clientPort', '3000']] })
    expect(options).toMatchObject({ clientPort: 3000, clientPortAddress: '10.0.0.1' })
    expect(origins.get('clientPortAddress')).toBe('zoo.cfg:1')
  })

  test('a file that does not name a key means the default of Apache, no file that of the server', () => {
    expect(resolveConfig({}, 0).extendedTypesEnabled).toBe(true)
    expect(optionsOf([['tickTime', '2000']]).options).toEqual({ tickTime: 2000 })
    const { options, origins } = parseZooCfg('tickTime=2000')
    expect(options.extendedTypesEnabled).toBe(false)
    expect(origins.get('extendedTypesEnabled')).toBe('default of a zoo.cfg')
    expect(parseZooCfg('extendedTypesEnabled=true').options.extendedTypesEnabled).toBe(true)
    expect(parseZooCfg('', { more: [['extendedTypesEnabled', 'true']] }).options.extendedTypesEnabled).toBe(true)
  })

  test('every setting is shown with its value and its origin, but no secret is', () => {
    const { options, origins } = parseZooCfg(
      `DigestAuthenticationProvider.superDigest=super:${hash}\nforceSync=no\n4lw.commands.whitelist=ruok, mntr`,
    )
    const lines = effectiveSettings(resolveConfig(options, 0), origins)
    const shown = (key: string): unknown => lines.find((line) => line.key === key)
    expect(shown('forceSync')).toMatchObject({ option: 'forceSync', value: 'no', origin: 'zoo.cfg:2' })
    expect(shown('4lw.commands.whitelist')).toMatchObject({ value: 'ruok,mntr', origin: 'zoo.cfg:3', isLive: true })
    expect(shown('dataDir')).toMatchObject({ value: '(none)', origin: 'default' })
    expect(shown('minSessionTimeout')).toMatchObject({ value: '6000', origin: 'default' })
    expect(shown('DigestAuthenticationProvider.superDigest')).toMatchObject({ value: '(not shown)' })
    expect(JSON.stringify(lines)).not.toContain(hash)
    expect(lines.length).toBe(settings.size)
  })
})

test('one error names everything that is wrong, each under the name that the file has for it', () => {
  const wrong = 'tickTime=2000 # ms\nclientPort=70000\noraclePath=/o\ninitLimit=ten\nmaxClientCnxns=60\nelectionAlg=1'
  const problemsOf = (read: () => unknown): readonly string[] => {
    try {
      read()
      return []
    } catch (error) {
      return (error as ConfigError).problems.map(({ setting }) => setting)
    }
  }
  expect(problemsOf(() => parseZooCfg(wrong))).toEqual([
    'oraclePath',
    'tickTime',
    'clientPort',
    'initLimit',
    'electionAlg',
  ])
  expect(() => parseZooCfg(wrong)).toThrow(
    /^oraclePath .*; tickTime is "2000 # ms".*; clientPort is 70000.*; initLimit/,
  )
  const options = { port: -1, tickTime: '5', forceSync: 0, clientport: 1 } as unknown as ServerOptions
  expect(problemsOf(() => resolveConfig(options, 0))).toEqual(['clientport', 'port', 'forceSync', 'tickTime'])
  expect(problemsOf(() => resolveConfig({ host: 'a:1', dataLogDir: '/l', minSessionTimeout: 90_000 }, 0))).toEqual([
    'host',
    'dataDir',
    'minSessionTimeout',
  ])
})

test('an interval of purges may have a unit, as from Apache 3.10 on', () => {
  const hours = (value: string): unknown =>
    parseZooCfg(`autopurge.purgeInterval=${value}`).options.autopurgePurgeInterval
  expect(['24', '0', '-1', '30m', '2d', '0s', '1ms'].map(hours)).toEqual([24, 0, 0, 1, 48, 0, 1])
  for (const value of ['', '5 m', 'm', '1w', '1.5h']) expect(() => hours(value)).toThrow(/^autopurge\.purgeInterval is/)
})

test('no room has a key or an option of another room', () => {
  const keys = [...rooms.flatMap((room) => Object.keys(room.idle ?? {})), ...honoured.keys()]
  expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([])
  const options = [...rooms.flatMap((room) => Object.keys(room.settings)), ...aliases.keys()]
  expect(options.filter((option, i) => options.indexOf(option) !== i)).toEqual([])
  expect([honoured.size, idle.size].map((size) => size > 30)).toEqual([true, true])
  for (const { option } of families) expect(settings.has(option), option).toBe(true)
  for (const long of aliases.values()) expect(settings.has(long), long).toBe(true)
})
