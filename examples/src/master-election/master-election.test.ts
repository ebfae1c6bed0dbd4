import { connect } from 'lightkeeper'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { example, Program } from '../../../test/support/program.ts'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../../test/support/target.ts'

const reason = missingTarget()
if (reason !== undefined) console.log(`master election on ${targetName}: skipped, because ${reason}`)

describe.skipIf(reason !== undefined)(`master election on ${targetName}`, () => {
  let server: TargetServer
  beforeAll(async () => {
    server = await startTarget({ tickTime: 500 })
  })
  afterAll(() => server.close())
  const candidate = (path: string, id: string): Program =>
    new Program(
      example('master-election/candidate'),
      '--connect',
      server.connectString,
      '--path',
      path,
      '--id',
      id,
      '--session-timeout',
      '3000',
    )
  const isMaster = ({ event }: { event: string }): boolean => event === 'master'

  test('makes exactly one candidate master and replaces it when it leaves', async () => {
    const candidates = ['a', 'b', 'c'].map((id) => candidate('/clean', id))
    try {
      const settled = await Promise.all(
        candidates.map((each) => each.untilReport(({ event }) => event === 'master' || event === 'follower')),
      )
      expect(settled.filter(isMaster)).toHaveLength(1)
      const first = settled.findIndex(isMaster)
      const others = candidates.filter((_, i) => i !== first)
      expect(await candidates[first]?.stop()).toBe(0)
      await Promise.any(others.map((each) => each.untilReport(isMaster)))
      expect(others.filter((each) => each.reports.some(isMaster))).toHaveLength(1)
    } finally {
      await Promise.all(candidates.map((each) => each.end('SIGKILL')))
    }
  })

  test('replaces a killed master once its session has expired, in a later term', async () => {
    await using first = candidate('/killed', 'first')
    const { term } = (await first.untilReport(isMaster)) as unknown as { term: string }
    await using second = candidate('/killed', 'second')
    await second.untilReport(({ event }) => event === 'follower')
    await first.end('SIGKILL')
    const next = (await second.untilReport(isMaster)) as unknown as { term: string }
    expect(BigInt(next.term)).toBeGreaterThan(BigInt(term))
  })

  test('ends the term of a paused master at the latest when it wakes up, and never lets it continue', async () => {
    await using first = candidate('/paused', 'first')
    await first.untilReport(isMaster)
    await using second = candidate('/paused', 'second')
    await second.untilReport(({ event }) => event === 'follower')
    first.kill('SIGSTOP')
    await second.untilReport(isMaster)
    const before = first.reports.length
    first.kill('SIGCONT')
    await first.untilReport(({ event }) => event === 'stepped-down')
    await first.untilReport(({ event }) => event === 'follower', before)
    expect(first.reports.slice(before).some(isMaster)).toBe(false)
  })

  test('is led by the last who said so, when the server was away', async () => {
    await using own = await startTarget({ tickTime: 500 })
    await using master = new Program(
      example('master-election/candidate'),
      '--connect',
      own.connectString,
      '--session-timeout',
      '3000',
    )
    await master.untilReport(isMaster)
    await own.crashAndRestart()
    await using zk = await connect(own.connectString)
    const stat = await zk.exists('/master')
    // The same term where its session was found alive in time, else another.
    await master.untilReport((each) => isMaster(each) && each['term'] === stat?.czxid.toString())
  })
})
