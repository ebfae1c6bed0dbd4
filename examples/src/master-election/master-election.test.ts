import { connect } from 'lightkeeper'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../../test/support/target.ts'
import { Program } from '../testing/program.ts'

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
      'master-election/candidate',
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
        candidates.map((each) => each.until(({ event }) => event === 'master' || event === 'follower')),
      )
      expect(settled.filter(isMaster)).toHaveLength(1)
      const first = settled.findIndex(isMaster)
      const others = candidates.filter((_, i) => i !== first)
      expect(await candidates[first]?.stop()).toBe(0)
      await Promise.any(others.map((each) => each.until(isMaster)))
      expect(others.filter((each) => each.reports.some(isMaster))).toHaveLength(1)
    } finally {
      await Promise.all(candidates.map((each) => each.kill()))
    }
  })

  test('replaces a killed master once its session has expired, in a later term', async () => {
    await using first = candidate('/killed', 'first')
    const { term } = (await first.until(isMaster)) as unknown as { term: string }
    await using second = candidate('/killed', 'second')
    await second.until(({ event }) => event === 'follower')
    await first.kill()
    const next = (await second.until(isMaster)) as unknown as { term: string }
    expect(BigInt(next.term)).toBeGreaterThan(BigInt(term))
  })

  test('tells a master that its session is lost no later than it wakes up, and never lets it go on', async () => {
    await using first = candidate('/paused', 'first')
    await first.until(isMaster)
    await using second = candidate('/paused', 'second')
    await second.until(({ event }) => event === 'follower')
    first.signal('SIGSTOP')
    await second.until(isMaster)
    const before = first.reports.length
    first.signal('SIGCONT')
    await first.until(({ event }) => event === 'stepped-down')
    await first.until(({ event }) => event === 'follower', before)
    expect(first.reports.slice(before).some(isMaster)).toBe(false)
  })

  test('is led by the last who said so, when the server was away', async () => {
    await using own = await startTarget({ tickTime: 500 })
    await using master = new Program(
      'master-election/candidate',
      '--connect',
      own.connectString,
      '--session-timeout',
      '3000',
    )
    await master.until(isMaster)
    await own.crashAndRestart()
    await using zk = await connect(own.connectString)
    const stat = await zk.exists('/master')
    // The same term where its session was found alive in time, else another.
    await master.until((each) => isMaster(each) && each['term'] === stat?.czxid.toString())
  })
})
