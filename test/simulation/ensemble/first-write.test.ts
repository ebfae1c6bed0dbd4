/** The history of an ensemble may begin in a later epoch than the first: its first leaders had nothing to write. */
import { afterEach, expect, test } from 'vitest'
import { seeds } from '../stage.ts'
import { type Sid, sids, Three } from './three.ts'

let three: Three
afterEach(() => three.close())

test.each(seeds(2))('its leader dies before the first write, and later all of them do: seed %i', async (seed) => {
  three = new Three(seed)
  await three.start()
  const { leader, followers } = await three.settled()
  three.kill(leader)
  await three.settled()
  const zk = await three.connect(followers)
  await three.run(zk.create('/first', ''))
  await three.run(zk.close())

  // It gets a history that begins in the second epoch.
  await three.start(leader)
  await three.settled()
  for (const sid of sids) three.kill(sid, 'power')
  await three.start()
  await three.settled()
  const [one, ...others] = await three.states(sids as readonly Sid[])
  expect(one).toContain('/first')
  expect(others).toEqual([one, one])
  expect(three.lines(' ERROR ')).toEqual([])
})
