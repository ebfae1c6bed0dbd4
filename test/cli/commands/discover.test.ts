import { connect } from '@lightkeeper/client'
import { discovery } from '@lightkeeper/recipes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../support/target.ts'
import { Running } from '../running.ts'

const reason = missingTarget()
if (reason !== undefined) console.log(`lightkeeper discover on ${targetName}: skipped, because ${reason}`)

describe.skipIf(reason !== undefined)(`lightkeeper discover on ${targetName}`, () => {
  let server: TargetServer
  beforeAll(async () => {
    server = await startTarget({ tickTime: 500 })
  })
  afterAll(() => server.close())
  const discover = (...args: readonly string[]): Running =>
    new Running(['discover', ...args, '-s', server.connectString])

  test('prints instances and names of services, and picks by weight', async () => {
    await using zk = await connect(server)
    const services = discovery(zk)
    await services.register({ name: 'users', id: 'a', address: '10.0.0.1', port: 80, weight: 0 })
    await services.register({ name: 'users', id: 'b', address: 'fe80::1', port: 81, zone: 'west' })
    await services.register({ name: 'mail', id: 'c', address: '10.0.0.3', port: 25, enabled: false })

    await using names = discover()
    expect([(await names.ended).code, names.lines]).toEqual([0, ['mail', 'users']])
    await using users = discover('users')
    expect([(await users.ended).code, users.lines]).toEqual([
      0,
      ['a 10.0.0.1:80 weight=0', 'b [fe80::1]:81 weight=1 zone=west'],
    ])
    await using json = discover('mail', '--json')
    await json.ended
    expect(json.facts()).toEqual([expect.objectContaining({ id: 'c', address: '10.0.0.3', port: 25, enabled: false })])
    await using picked = discover('users', '--pick')
    expect([(await picked.ended).code, picked.lines]).toEqual([0, ['[fe80::1]:81']])
    await using none = discover('mail', '--pick')
    expect([(await none.ended).code, none.lines, none.errors]).toEqual([
      1,
      [],
      'lightkeeper discover: no instance of mail takes calls\n',
    ])
  })

  test('follows: who comes, who changes, who goes', async () => {
    await using zk = await connect(server)
    await using watch = discover('shop', '--watch')
    await using json = discover('shop', '--watch', '--json')
    await json.until((each) => each.facts().length > 0)
    const registration = await discovery(zk).register({ name: 'shop', id: 'a', address: 'h', port: 1 })
    await watch.untilLine('+ a h:1 weight=1')
    await registration.update({ weight: 3 })
    await watch.untilLine('= a h:1 weight=3')
    await registration.close()
    await watch.untilLine('- a h:1 weight=3')
    await json.until((each) => each.facts().length >= 4)
    const all = json.facts().map(({ instances }) => (instances as { weight: number }[]).map(({ weight }) => weight))
    expect(all).toEqual([[], [1], [3], []])
    expect(await watch.end('SIGINT')).toBe(0)
  })

  test.each(['curator', 'spring', 'dubbo'] as const)('reads what is registered in the format of %s', async (format) => {
    await using zk = await connect(server)
    const base = `/${format}-there` as const
    await discovery(zk, base, { format }).register({ name: 'svc', address: 'h', port: 9, weight: 2 })
    await using found = discover('svc', '--base', base, '--format', format)
    expect((await found.ended).code).toBe(0)
    expect(found.lines).toEqual([expect.stringMatching(/ h:9 weight=2$/)])
  })
})
