/** Members that log in to each other: who is let in, what is said about the others, and how logins are switched on while all serve. */
import type { ServerOptions } from '@lightkeeper/server'
import { afterEach, expect, test } from 'vitest'
import { type Sid, sids, Three } from './three.ts'

let three: Three
afterEach(() => three.close())

interface Steps {
  readonly password?: string
  readonly learnerRequireSasl?: boolean
  readonly serverRequireSasl?: boolean
}

const sasl = (more: Steps = {}): ServerOptions => ({
  quorumSasl: { username: 'member', password: 'secret', ...more },
})

async function writeAndRead(): Promise<void> {
  const zk = await three.connect()
  const path = `/n${three.world.time}` as const
  await three.run(zk.create(path, 'x'))
  await three.run(zk.close())
  for (const state of await three.states()) expect(state).toContain(path)
}

test('three that know the password form one database, and any of them may die', async () => {
  three = new Three(1, sasl())
  await three.start()
  await writeAndRead()
  const { leader } = await three.settled()
  three.kill(leader)
  await writeAndRead()
  await three.start(leader)
  await three.settled()
  await writeAndRead()
  expect(three.lines('log in')).toEqual([])
})

test('one with a wrong password is let in nowhere; it and the others say so once, and it joins with the right one', async () => {
  three = new Three(2, sasl())
  const wrong: Sid = 3
  three.own.set(wrong, sasl({ password: 'other' }))
  await three.start()
  await three.until(async () => (await three.mode(1)) !== undefined, 'the other two serve')
  // Some hundred tries, within the minute in which a line is not repeated.
  await three.world.advance(40_000)
  expect(await three.mode(wrong)).toBeUndefined()
  await writeOf(1)
  for (const sid of [1, 2]) {
    const refusals = three.lines('the other server did not log in').filter((line) => line.includes(` m${sid} `))
    expect(refusals.length, refusals.join('\n')).toBe(1)
    expect(refusals[0]).toContain('wrong user or password')
  }
  const own = three.lines('could not log in to the election port').filter((line) => line.includes(` m${wrong} `))
  expect(own.length, own.join('\n')).toBe(2)
  for (const line of own) expect(line).toContain('refuses the password of the user member')
  await three.stop(wrong)
  three.own.delete(wrong)
  await three.start(wrong)
  await three.settled()
  await writeAndRead()
})

async function writeOf(sid: Sid): Promise<void> {
  const zk = await three.connect([sid])
  await three.run(zk.create('/written', 'x'))
  await three.run(zk.close())
}

test('one that does not log in is let in nowhere where logins are demanded, and the others say what to set', async () => {
  three = new Three(3, sasl())
  three.own.set(1, { quorumSasl: undefined })
  await three.start()
  await three.until(async () => (await three.mode(2)) !== undefined, 'the other two serve')
  await three.world.advance(10_000)
  expect(await three.mode(1)).toBeUndefined()
  expect(three.lines('it does not log in; set quorum.auth.learnerRequireSasl=true there').length).toBeGreaterThan(0)
  expect(three.lines('quorum.auth.enableSasl must be true there').length).toBeGreaterThan(0)
  expect(three.lines('the other server logs in, and logins are off here').length).toBeGreaterThan(0)
})

test('a leader where logins are off says so once where a member logs in', async () => {
  three = new Three(5)
  // It lets the others in without a login, so that it hears who leads, and logs in at the leader.
  three.own.set(1, sasl({ serverRequireSasl: false }))
  await three.start()
  await three.until(async () => (await three.mode(2)) !== undefined, 'the other two serve')
  await three.world.advance(20_000)
  expect(
    three.lines('closing a connection to the quorum port: the other server logs in, and logins are off here'),
  ).toHaveLength(1)
  expect(three.lines('unknown quorum packet type')).toEqual([])
  expect(three.lines('could not log in to its leader').length).toBeGreaterThan(0)
})

test('logins are switched on one server after the other, and off again, while all of them serve', async () => {
  three = new Three(4)
  await three.start()
  await writeAndRead()
  const steps = [
    sasl({ learnerRequireSasl: false, serverRequireSasl: false }),
    sasl({ serverRequireSasl: false }),
    sasl(),
    sasl({ serverRequireSasl: false }),
    sasl({ learnerRequireSasl: false, serverRequireSasl: false }),
    { quorumSasl: undefined },
  ]
  for (const step of steps) {
    for (const sid of sids) {
      await three.stop(sid)
      three.own.set(sid, step)
      await three.start(sid)
      await three.settled()
    }
    await writeAndRead()
  }
  expect(three.lines('log in')).toEqual([])
})
