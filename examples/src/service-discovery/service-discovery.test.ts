import { connect } from 'lightkeeper'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { example, Program, type Report } from '../../../test/support/program.ts'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../../test/support/target.ts'

const ports = (report: Report): string => String(report['ports'])

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
      example('service-discovery/provider'),
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
    new Program(example('service-discovery/consumer'), service, '--connect', server.connectString)

  test('shows providers as they come, and picks them by weight', async () => {
    await using watcher = consumer('weights')
    await watcher.untilReport(({ event }) => event === 'found')
    await using one = provider('weights', 1001, 1)
    await using two = provider('weights', 1002, 9)
    const report = await watcher.untilReport((each) => ports(each) === '1001,1002')
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
    await watcher.untilReport((each) => ports(each) === '1001,1002')
    const both = watcher.reports.length
    await polite.stop()
    await watcher.untilReport((each) => ports(each) === '1002', both)
    const alone = watcher.reports.length
    await killed.end('SIGKILL')
    await watcher.untilReport((each) => ports(each) === '', alone)
  })

  test('keeps what it knows while the server is away, and a provider its znode', async () => {
    await using own = await startTarget({ tickTime: 500 })
    const args = ['restart', '--connect', own.connectString, '--session-timeout', '8000']
    await using watcher = new Program(example('service-discovery/consumer'), ...args)
    await using _one = new Program(example('service-discovery/provider'), ...args, '--port', '1001')
    await watcher.untilReport((each) => ports(each) === '1001')
    await using zk = await connect(own.connectString)
    const [name] = (await zk.children('/services/restart')).children
    const before = watcher.reports.length
    await own.crashAndRestart()
    await watcher.untilReport((each) => each['freshness'] === 'stale', before)
    await watcher.untilReport((each) => each['freshness'] === 'live', before + 1)
    expect(new Set(watcher.reports.slice(before).map(ports))).toEqual(new Set(['1001']))
    expect((await zk.children('/services/restart')).children).toEqual([name])
  })
})
