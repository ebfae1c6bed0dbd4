/** Members that stand in two networks, a and b: what becomes of them when one of the two is dead, or dies. */
import { expect, test } from 'vitest'
import { type Sid, sids, Three } from './three.ts'

const members = Object.fromEntries(sids.map((sid) => [`server.${sid}`, `m${sid}a:2888:3888|m${sid}b:2888:3888`]))

function world(seed: number): Three {
  const three = new Three(seed, { members, multiAddressEnabled: true })
  three.networkOf = (sid, network) => {
    /** A server speaks to an address in the same network from its own address there. */
    const at = (address: string) => {
      const [, letter] = /^m\d([ab]):/.exec(address) ?? []
      return letter === undefined ? network : three.world.runtime(`m${sid}${letter}`).network
    }
    return {
      ...network,
      connect: (address, ...rest) => at(address).connect(address, ...rest),
      service: (name) => network.service(name),
      listen: (address, ...rest) => at(address).listen(address, ...rest),
    }
  }
  return three
}

/** Nothing goes between a server and these others by network a. What was open there stays open, and is silent. */
function cut(three: Three, sid: Sid, others: readonly Sid[]): void {
  for (const other of others) if (other !== sid) three.world.network.cut(`m${sid}a`, `m${other}a`)
}

const said = 'a member does not answer at an address where it was looked for'

async function writes(three: Three, path: `/${string}`): Promise<void> {
  const zk = await three.connect()
  await three.run(zk.create(path, 'x'))
  await three.run(zk.close())
}

/** All have the same, the writes of the test included. */
async function areEqual(three: Three, ...paths: readonly string[]): Promise<void> {
  const [first, ...others] = await three.states()
  for (const other of others) expect(other).toBe(first)
  for (const path of paths) expect(first).toContain(path)
}

test.each([1, 2, 3])(
  'the first address of server %i is dead from the beginning: there is a leader, and all are equal',
  async (sid) => {
    const three = world(10 + sid)
    three.world.network.losesFirstPackets = true
    cut(three, sid as Sid, sids)
    await three.start()
    expect((await three.settled()).leader).toBe(3)
    await writes(three, '/one')
    await areEqual(three, '/one')
    expect(three.lines(said).length).toBeGreaterThan(0)
    await three.close()
  },
)

test('an empty server gets all it lacks from a leader with a dead address', async () => {
  const three = world(20)
  await three.start(1, 2)
  await three.settled()
  await writes(three, '/before')
  cut(three, 2, sids)
  await three.start(3)
  expect((await three.settled()).followers).toContain(3)
  await areEqual(three, '/before')
  await three.close()
})

test('the address of a leader dies in service: a follower comes back by the other one, and the leader stays', async () => {
  const three = world(30)
  await three.start()
  expect((await three.settled()).leader).toBe(3)
  await writes(three, '/before')
  cut(three, 3, [1])
  await three.until(async () => three.lines('lost its leader').length > 0, 'a follower that lost its leader')
  expect(await three.settled()).toEqual({ leader: 3, followers: [1, 2] })
  await writes(three, '/after')
  await areEqual(three, '/before', '/after')
  expect(three.lines('does not lead any more')).toEqual([])
  await three.close()
})

test('a whole network dies in service: the servers find each other in the other one', async () => {
  const three = world(40)
  await three.start()
  await three.settled()
  await writes(three, '/before')
  for (const sid of sids) cut(three, sid, sids)
  await three.until(async () => three.lines('does not lead any more').length > 0, 'a leader without followers')
  await three.settled()
  await writes(three, '/after')
  await areEqual(three, '/before', '/after')
  await three.close()
})
