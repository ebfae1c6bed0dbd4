import { proxy } from '@lightkeeper/testing'
import { connect } from 'lightkeeper'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../../test/support/target.ts'
import { Program, type Report } from '../testing/program.ts'
import { lookUp, pick, register } from './registry.ts'

const ports = (report: Report): string => String(report['ports'])

test('picks in proportion to the weights', () => {
  const instances = [
    { address: 'a', port: 1, weight: 1 },
    { address: 'b', port: 2, weight: 3 },
  ]
  const counts = [0, 0, 0]
  for (let i = 0; i < 400; i++) {
    const index = pick(instances, i / 400)?.port ?? 0
    counts[index] = (counts[index] ?? 0) + 1
  }
  expect(counts).toEqual([0, 100, 300])
  expect(pick([], 0.5)).toBeUndefined()
})

const reason = missingTarget()
if (reason !== undefined) console.log(`service discovery on ${targetName}: skipped, because ${reason}`)

describe.skipIf(reason !== undefined)(`service discovery on ${targetName}`, () => {
  let server: TargetServer
  beforeAll(async () => {
    server = await startTarget({ tickTime: 500 })
  })
  afterAll(() => server.close())
  const provider = (service: string, port: number, weight = 1): Program =>
    new Program(
      'service-discovery/provider',
      service,
      '--connect',
      server.connectString,
      '--port',
      `${port}`,
      '--weight',
      `${weight}`,
      '--session-timeout',
      '2000',
    )
  const consumer = (service: string): Program =>
    new Program('service-discovery/consumer', service, '--connect', server.connectString)

  test('shows providers as they come, and picks them by weight', async () => {
    await using watcher = consumer('weights')
    await watcher.until(({ event }) => event === 'found')
    await using one = provider('weights', 1001, 1)
    await using two = provider('weights', 1002, 9)
    const report = await watcher.until((each) => ports(each) === '1001,1002')
    const picks = report['picks'] as Record<string, number>
    expect((picks['1001'] ?? 0) + (picks['1002'] ?? 0)).toBe(1000)
    expect(picks['1002']).toBeGreaterThan(800)
    expect(await one.stop()).toBe(0)
    expect(await two.stop()).toBe(0)
  })

  test('drops a provider that exits cleanly at once, and a killed one after its session timeout', async () => {
    await using watcher = consumer('leaving')
    await using polite = provider('leaving', 1001)
    await using killed = provider('leaving', 1002)
    await watcher.until((each) => ports(each) === '1001,1002')
    const both = watcher.reports.length
    await polite.stop()
    await watcher.until((each) => ports(each) === '1002', both)
    const alone = watcher.reports.length
    await killed.kill()
    await watcher.until((each) => ports(each) === '', alone)
  })

  test('leaves one registration when the connection is lost right after a create', async () => {
    await using wire = await proxy(server.port)
    await using zk = await connect(wire.connectString, { sessionTimeout: 4000 })
    await zk.create('/services/lost-reply', '', { parents: true })
    const stop = new AbortController()
    wire.swallowReplies()
    const sent = wire.sentBytes
    let registered: string | undefined
    const registration = register(zk, 'lost-reply', { address: 'a', port: 7, weight: 1 }, stop.signal, (path) => {
      registered = path
    })
    await using observer = await connect(server.connectString)
    while ((await observer.children('/services/lost-reply')).children.length === 0) await observer.sync()
    expect(wire.sentBytes).toBeGreaterThan(sent)
    expect(registered).toBeUndefined()
    wire.heal()
    wire.cut()
    while (registered === undefined) await observer.sync()
    expect(await lookUp(observer, 'lost-reply')).toEqual([{ address: 'a', port: 7, weight: 1 }])
    stop.abort()
    await registration
  })

  test('takes a znode that vanishes between the list and the read, or that holds no instance, for no error', async () => {
    await using zk = await connect(server.connectString)
    await zk.create('/services/odd/garbage', 'not json', { parents: true })
    await zk.create('/services/odd/instance-1', '{"address":"a","port":1,"weight":1}')
    const looking = lookUp(zk, 'odd')
    const removed = zk.delete('/services/odd/instance-1')
    expect((await looking).length).toBeLessThanOrEqual(1)
    await removed
    expect(await lookUp(zk, 'odd')).toEqual([])
    expect(await lookUp(zk, 'never-registered')).toEqual([])
  })
})
