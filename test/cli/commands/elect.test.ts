import { connect } from '@lightkeeper/client'
import { election } from '@lightkeeper/recipes'
import { proxy } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../support/target.ts'
import { isAlive, numbersIn, Running } from '../running.ts'

const reason = missingTarget()
if (reason !== undefined) console.log(`lightkeeper elect on ${targetName}: skipped, because ${reason}`)

/** Says in which epoch it runs, as which process, and goes on until it is stopped. */
const office = ['sh', '-c', "trap 'echo told; exit 3' TERM; echo $LIGHTKEEPER_EPOCH $$; while :; do sleep 0.1; done"]

describe.skipIf(reason !== undefined)(`lightkeeper elect on ${targetName}`, () => {
  let server: TargetServer
  beforeAll(async () => {
    server = await startTarget({ tickTime: 500 })
  })
  afterAll(() => server.close())
  const run = (path: string, args: readonly string[], command: readonly string[], to = server.connectString): Running =>
    new Running(['elect', path, '-s', to, '--session-timeout', '4000', '--grace', '300', ...args, '--', ...command])
  /** Epoch and process of the command, when it has begun for the `n`th time. */
  const begun = (running: Running, n = 1): Promise<number[]> => {
    return running.until(
      ({ lines }) => lines.flatMap((line) => [numbersIn(line) ?? []].filter(({ length }) => length > 0))[n - 1],
    )
  }

  test('runs the command where it leads, one at a time, and the next when that has ended', async () => {
    await using zk = await connect(server)
    await using first = run('/office', ['--id', 'first'], office)
    const [epoch = 0] = await begun(first)
    const leader = await election(zk, '/office').leader()
    expect([leader?.id, Number(leader?.epoch)]).toEqual(['first', epoch])
    await using second = run('/office', ['--id', 'second'], ['sh', '-c', 'echo $LIGHTKEEPER_EPOCH; exit 9'])
    while ((await election(zk, '/office').candidates()).length < 2) await zk.sync()
    expect(second.output).toBe('')
    const since = leader?.since.toISOString()
    const words = `lightkeeper elect: waits at /office: "first" ${leader?.path} leads since ${since}\n`
    await second.until(({ errors }) => errors.includes(words) || undefined)
    // The command decides how it ends, and its exit code is kept.
    expect(await first.end('SIGTERM')).toBe(3)
    expect(first.lines.at(-1)).toBe('told')
    // A leader does not wait.
    expect(first.errors).not.toContain('waits')
    expect((await second.ended).code).toBe(9)
    expect(Number(second.lines[0])).toBeGreaterThan(epoch)
    expect(await election(zk, '/office').candidates()).toEqual([])
  })

  test('leaves the line by a signal while it waits', async () => {
    await using zk = await connect(server)
    await using first = run('/line', [], office)
    await begun(first)
    await using second = run('/line', [], ['echo', 'never'])
    while ((await election(zk, '/line').candidates()).length < 2) await zk.sync()
    expect(await second.end('SIGINT')).toBe(130)
    expect(await election(zk, '/line').candidates()).toHaveLength(1)
    expect(second.output).toBe('')
  })

  test('with --yield makes room for a higher priority, and leads again afterwards', async () => {
    await using zk = await connect(server)
    await using low = run('/yield', ['--yield', '--json'], office)
    await begun(low)
    await using high = run('/yield', ['--priority', '7'], ['sh', '-c', 'echo in; read x'])
    await high.untilLine('in')
    expect(low.lines.at(-1)).toBe('told')
    while ((await election(zk, '/yield').candidates()).length < 2) await zk.sync()
    high.child.stdin?.end()
    await begun(low, 2)
    const events = low.facts('errors').map(({ event }) => event)
    // It may wait long enough to print the leader.
    expect(events.filter((event) => event !== 'waiting')).toEqual([
      ...['standing', 'elected', 'started', 'stopping', 'ended', 'deposed'],
      ...['standing', 'elected', 'started'],
    ])
  })

  test.concurrent('stops the command before another can lead where the network is cut, and stands again', async () => {
    await using wire = await proxy(server.port)
    await using zk = await connect(server)
    await using running = run('/cut', [], office, wire.connectString)
    const [epoch = 0, pid = 0] = await begun(running)
    const rival = election(zk, '/cut').terms()
    const next = rival.next()
    wire.hang()
    expect((await next).done).toBe(false)
    expect(isAlive(pid)).toBe(false)
    expect(running.lines.at(-1)).toBe('told')
    wire.heal()
    await rival.return()
    const [later = 0] = await begun(running, 2)
    expect(later).toBeGreaterThan(epoch)
  })

  test.concurrent('stops the command before another can lead where lightkeeper is killed', async () => {
    await using zk = await connect(server)
    await using running = run('/killed', [], office)
    const [, pid = 0] = await begun(running)
    const rival = election(zk, '/killed').terms()
    const next = rival.next()
    running.kill('SIGKILL')
    expect((await next).done).toBe(false)
    expect(isAlive(pid)).toBe(false)
    expect(running.lines.at(-1)).toBe('told')
    await rival.return()
  })
})
