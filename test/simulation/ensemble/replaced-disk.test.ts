/** A member whose disk was replaced by an empty one has no vote before it has everything, also where it dies in between. */
import { afterEach, expect, test } from 'vitest'
import { seeds } from '../stage.ts'
import { host, type Sid, sids, Three } from './three.ts'

let three: Three
afterEach(() => three.close())

/** The number in a file of epochs on the disk of a server; 0 where there is none. */
function acceptedEpoch(sid: Sid): number {
  const bytes = three.world.disk(host(sid)).files('data/version-2').get('acceptedEpoch')
  return bytes === undefined ? 0 : Number(new TextDecoder().decode(bytes))
}

test.each(seeds(2))(
  'it dies behind LEADERINFO, and does not help to elect one that lacks a write: seed %i',
  async (seed) => {
    three = new Three(seed)
    await three.start()
    const { leader, followers } = await three.settled()
    const [late, replaced] = followers as [Sid, Sid]
    three.kill(late)
    const zk = await three.connect([leader])
    await three.run(zk.create('/acknowledged', ''))
    await three.run(zk.close())
    three.kill(replaced)
    three.wipe(replaced)
    three.kill(leader)

    // The late one is slow to take what it lacks, and until then the ensemble has no quorum with it.
    three.world.disk(host(late)).faults.latencyMs = 2_000
    await three.start(leader, late, replaced)
    await three.until(
      async () => acceptedEpoch(late) > 1 || acceptedEpoch(replaced) > 0,
      'a learner has got LEADERINFO',
    )
    for (const sid of sids) three.kill(sid, 'power')
    three.world.disk(host(late)).faults.latencyMs = 1

    await three.start(late, replaced)
    await three.world.advance(60_000)
    for (const sid of [late, replaced]) expect(await three.mode(sid), `${sid}`).toBe(undefined)
    await three.start(leader)
    await three.settled()
    const again = await three.connect()
    await three.run(again.sync('/'))
    expect((await three.run(again.children('/'))).children).toContain('acknowledged')
    await three.run(again.close())
  },
)
