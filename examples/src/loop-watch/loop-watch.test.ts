import { connect } from 'lightkeeper'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { example, Program } from '../../../test/support/program.ts'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../../test/support/target.ts'

const reason = missingTarget()
if (reason !== undefined) console.log(`loop-watch on ${targetName}: skipped, because ${reason}`)

/** What a follower of the reports believes is there. */
function viewOf(program: Program): Map<string, string> {
  const view = new Map<string, string>()
  for (const { event, path, data } of program.reports) {
    if (event === 'created' || event === 'changed') view.set(String(path), String(data))
    else if (event === 'deleted') view.delete(String(path))
  }
  return view
}

describe.skipIf(reason !== undefined)(`loop-watch on ${targetName}`, () => {
  let server: TargetServer
  beforeAll(async () => {
    server = await startTarget({ tickTime: 500 })
  })
  afterAll(() => server.close())

  test('ends at the true state through thousands of rapid changes and a server restart, in order', async () => {
    await using zk = await connect(server.connectString, { sessionTimeout: 5000 })
    await zk.create('/watched')
    await using program = new Program(
      example('loop-watch/main'),
      '/watched',
      '--connect',
      server.connectString,
      '--session-timeout',
      '5000',
    )
    await program.untilReport(({ event }) => event === 'ready')

    const truth = new Map<string, string>()
    const storm = async (from: number, count: number): Promise<void> => {
      const pending: Promise<unknown>[] = []
      for (let i = from; i < from + count; i++) {
        const path = `/watched/n${i % 40}` as const
        if (!truth.has(path)) {
          truth.set(path, `${i}`)
          pending.push(zk.create(path, `${i}`))
        } else if (i % 3 === 0) {
          truth.delete(path)
          pending.push(zk.delete(path))
        } else {
          truth.set(path, `${i}`)
          pending.push(zk.set(path, `${i}`))
        }
        if (pending.length >= 100) await Promise.all(pending.splice(0))
      }
      await Promise.all(pending)
    }
    const agrees = async (): Promise<void> => {
      await zk.create('/watched/end', 'end')
      truth.set('/watched/end', 'end')
      await program.untilReport(({ path, data }) => path === '/watched/end' && data === 'end', program.reports.length)
      while (JSON.stringify([...viewOf(program)].sort()) !== JSON.stringify([...truth].sort())) {
        await program.untilReport(() => true, program.reports.length)
      }
      await zk.delete('/watched/end')
      truth.delete('/watched/end')
    }
    await storm(0, 3000)
    await agrees()

    const before = program.reports.length
    await server.crashAndRestart()
    for await (const state of zk.states()) if (state.kind === 'connected') break
    await program.untilReport(({ event }) => event === 'ready', before)
    await storm(3000, 1000)
    await agrees()

    const perPath = new Map<string, bigint>()
    for (const { event, path, zxid } of program.reports) {
      if (event !== 'created' && event !== 'changed') continue
      const last = perPath.get(String(path))
      const now = BigInt(String(zxid))
      if (last !== undefined) expect(now).toBeGreaterThan(last)
      perPath.set(String(path), now)
    }
    expect(await program.stop()).toBe(0)
  })
})
