/** The demo as its users run it: a system that is harmed all the time, and an account at its end. */
import { fileURLToPath } from 'node:url'
import { connect } from '@lightkeeper/client'
import { expect, test } from 'vitest'
import { Child } from '../support/process.ts'
import { missingTarget, startTarget, targetName } from '../support/target.ts'

const bin = fileURLToPath(new URL('../../node_modules/.bin/lightkeeper', import.meta.url))
const missing = missingTarget()
if (missing !== undefined) console.log(`the demo on ${targetName}: skipped, because ${missing}`)

interface Told {
  readonly event: string
  readonly [fact: string]: unknown
}

async function demo(...args: readonly string[]): Promise<{ code: number | null; told: Told[]; errors: string }> {
  const running = new Child([bin, 'demo', '--json', ...args])
  const { code } = await running.closed
  return { code, told: running.lines.map((line) => JSON.parse(line) as Told), errors: running.errors }
}

const count = (told: readonly Told[], event: string): number => told.filter((each) => each.event === event).length

test('does every order once, although workers and the server are killed, stopped and sent away', async () => {
  const { code, told, errors } = await demo('--minutes', '0.25', '--seed', '5')
  expect(errors).toBe('')
  expect(told.at(-1)).toEqual({ event: 'end', problems: [] })
  expect(code).toBe(0)
  expect(count(told, 'kill') + count(told, 'pause') + count(told, 'killServer')).toBeGreaterThan(2)
  const { orders } = told.find(({ event }) => event === 'closing') as unknown as { orders: number }
  expect(orders).toBeGreaterThan(20)
})

test.skipIf(missing !== undefined)(
  `leaves the servers it is given alone, and nothing behind: ${targetName}`,
  async () => {
    await using target = await startTarget({ tickTime: 500 })
    const { code, told } = await demo('--minutes', '0.15', '--workers', '2', '-s', target.connectString)
    expect(told.at(-1)).toEqual({ event: 'end', problems: [] })
    expect([code, count(told, 'killServer')]).toEqual([0, 0])
    await using zk = await connect(target.connectString)
    expect((await zk.children('/')).children).toEqual(['zookeeper'])
  },
)

test('the Ctrl-C of a terminal, which goes to a whole group of processes, ends it early and in order', async () => {
  const running = new Child([bin, 'demo', '--json', '--minutes', '5', '--workers', '2', '--calm'], { isGroup: true })
  await running.untilLine('"scheduler"')
  process.kill(-(running.child.pid as number), 'SIGINT')
  const { code, output } = await running.closed
  expect(output.trim().split('\n').at(-1)).toBe('{"event":"end","problems":[]}')
  expect(code).toBe(0)
})

test('says what is wrong with how it is called', async () => {
  for (const [args, complaint] of [
    [['--minutes', 'ten'], '--minutes must be a number from 0.05 to 1440, not "ten"'],
    [['--workers', '2.5'], '--workers must be a whole number from 1 to 100, not "2.5"'],
    [['soon'], 'takes no argument, and got soon too'],
    [['--what'], 'no option --what'],
  ] as const) {
    const { code, errors } = await demo(...args)
    expect(errors).toContain(complaint)
    expect(code).toBe(2)
  }
  const { code, errors } = await demo('-s', '127.0.0.1:1')
  expect(errors).toContain('127.0.0.1:1')
  expect(code).toBe(1)
})
