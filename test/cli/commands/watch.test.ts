import { connect } from '@lightkeeper/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../support/target.ts'
import { Running } from '../running.ts'

const reason = missingTarget()
if (reason !== undefined) console.log(`lightkeeper watch on ${targetName}: skipped, because ${reason}`)

describe.skipIf(reason !== undefined)(`lightkeeper watch on ${targetName}`, () => {
  let server: TargetServer
  beforeAll(async () => {
    server = await startTarget({ tickTime: 500 })
  })
  afterAll(() => server.close())

  test('prints what is there, ready, then each change of the znode, and ends with 0 when it is interrupted', async () => {
    await using zk = await connect(server)
    await zk.create('/one', 'first')
    await using watch = new Running(['watch', '/one', '-s', server.connectString])
    await watch.untilLine('ready')
    await zk.set('/one', 'second\u001b[2J')
    await watch.untilLine('changed')
    await zk.set('/one', Uint8Array.of(0xff))
    await watch.untilLine('base64:/w==')
    await zk.delete('/one')
    await watch.untilLine('deleted /one')
    const shown = watch.lines.map((line) => line.replace(/=0x[0-9a-f]+/, '=X'))
    expect(shown).toEqual([
      'created /one mzxid=X version=0 "first"',
      'ready zxid=X',
      // A terminal must not act on data of a znode.
      'changed /one mzxid=X version=1 "second\\u001b[2J"',
      'changed /one mzxid=X version=2 base64:/w==',
      'deleted /one',
    ])
    expect(await watch.end('SIGINT')).toBe(0)
  })

  test.each([
    [['-r'], ['/tree', '/tree/a', '/tree/a/b']],
    [['--children'], ['/tree/a']],
  ])('with %j shows %j, as JSON where that is asked for', async (flags, expected) => {
    await using zk = await connect(server)
    await zk.create('/tree/a/b', 'x', { parents: true, idempotent: true }).catch(() => {})
    await using watch = new Running(['watch', '/tree', ...flags, '--json', '-s', server.connectString])
    await watch.until((each) => each.facts().some(({ event }) => event === 'ready'))
    const created = watch.facts().filter(({ event }) => event === 'created')
    expect(created.map(({ path }) => path)).toEqual(expected)
    await zk.set('/tree/a', 'é')
    const changed = await watch.until((each) => each.facts().find(({ event }) => event === 'changed'))
    const { stat } = await zk.get('/tree/a')
    expect(changed).toEqual({
      event: 'changed',
      path: '/tree/a',
      via: 'event',
      missed: 0,
      zxid: `0x${stat.mzxid.toString(16)}`,
      data: 'w6k=',
      text: 'é',
      stat: JSON.parse(JSON.stringify(stat)),
    })
  })

  test('says on standard error when no server is reached', async () => {
    const own = await startTarget({ tickTime: 500 })
    await using watch = new Running(['watch', '/x', '-s', own.connectString])
    await watch.untilLine('ready')
    await own.close()
    await watch.until(
      ({ errors }) => /^lightkeeper watch: no server is reached since \S+: the client is /m.test(errors) || undefined,
    )
    expect(await watch.end('SIGTERM')).toBe(0)
  })

  test('says stale when the server goes and ready when it has caught up', async () => {
    await using own = await startTarget({ tickTime: 500 })
    await using watch = new Running(['watch', '/x', '-s', own.connectString])
    await watch.untilLine('ready')
    await own.crashAndRestart()
    await watch.untilLine('stale')
    await watch.until(({ lines }) =>
      lines.slice(lines.findIndex((line) => line.startsWith('stale'))).some((line) => line.startsWith('ready')),
    )
    expect(await watch.end('SIGTERM')).toBe(0)
  })
})
