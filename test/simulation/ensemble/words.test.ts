/** What a member says to its operator when something is wrong with the ensemble: what, where, and once. */
import { connect } from '@lightkeeper/client'
import { loadMember, type RunningServer, type ServerOptions, startServer } from '@lightkeeper/server'
import { World } from '@lightkeeper/testing/sim'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'

const lines = { 'server.1': 'm1:2888:3888', 'server.2': 'm2:2888:3888', 'server.3': 'm3:2888:3888' }

let world: World
beforeAll(loadMember)
beforeEach(() => {
  world = new World(1)
})

/** Starts a server on `host`; `options` may contradict what the others have. */
function start(host: string, myid: number, options: ServerOptions = {}): Promise<RunningServer> {
  const settings: ServerOptions = {
    members: lines,
    myid,
    host,
    tickTime: 200,
    initLimit: 10,
    syncLimit: 5,
    maxSessionTimeout: 60_000,
    clientPort: 2181,
    dataDir: 'data',
    preAllocSize: 64,
    adminEnableServer: false,
    ...options,
  }
  return world.run(startServer(settings, world.runtime(host)))
}

/** The lines of a host with `part`, without their time. */
const said = (host: string, part: string): string[] =>
  world.trace.filter((line) => line.slice(13).startsWith(host) && line.includes(part)).map((line) => line.slice(22))

async function untilSaid(host: string, part: string): Promise<string> {
  while (said(host, part).length === 0) {
    if (world.time > 300_000) throw new Error(`${host} never said: ${part}\n${world.trace.slice(-40).join('\n')}`)
    await world.advance(100)
  }
  return said(host, part)[0] as string
}

/** A member of the two leads, and the other one follows it. */
async function untilLed(...servers: readonly RunningServer[]): Promise<void> {
  const modes = (): string =>
    servers
      .map(({ mode }) => mode)
      .sort()
      .join(' ')
  while (!modes().endsWith('follower leader')) {
    if (world.time > 300_000) throw new Error(`there is no leader: ${modes()}\n${world.trace.slice(-40).join('\n')}`)
    await world.advance(100)
  }
}

describe('a quorum that does not come', () => {
  const stillNone = 'there is still no leader to follow'

  test('is one line after ten seconds and one a minute later: since when, who answers, and who is missing', async () => {
    await start('m1', 1)
    await world.advance(9_000)
    expect(said('m1', stillNone)).toEqual([])
    await world.advance(2_000)
    expect(said('m1', stillNone)).toEqual([
      'warn there is still no leader to follow; clients are not served seconds=10 heardOf="no voter" missing="2 3"',
    ])
    await world.advance(75_000)
    expect(said('m1', stillNone)).toHaveLength(2)
    expect(said('m1', stillNone)[1]).toContain('seconds=80')
  })

  /** The second member is back, and the third one is there with an empty directory. Returns how many lines there were before. */
  async function startBesideEmpty(): Promise<number> {
    const servers = [await start('m1', 1), await start('m2', 2)]
    await untilLed(...servers)
    for (const host of ['m1', 'm2']) world.crash(host, 'kill')
    const before = said('m2', stillNone).length
    await start('m2', 2)
    await start('m3', 3)
    await world.advance(11_000)
    return before
  }

  test('names those that have no data, and so no vote', async () => {
    const before = await startBesideEmpty()
    expect(said('m2', stillNone).slice(before)).toEqual([expect.stringMatching(/ heardOf=3 missing=1 withoutData=3$/)])
  })

  test('says of one that had no data and is gone that it is missing, and no more', async () => {
    const before = await startBesideEmpty()
    world.crash('m3', 'kill')
    await world.advance(140_000)
    const [first, ...later] = said('m2', stillNone).slice(before)
    expect(first).toMatch(/ heardOf=3 missing=1 withoutData=3$/)
    expect(later.at(-1)).toMatch(/ heardOf="no voter" missing="1 3"$/)
  })

  test('names those that answer', async () => {
    const five = { ...lines, 'server.4': 'm4:2888:3888', 'server.5': 'm5:2888:3888' }
    await start('m1', 1, { members: five })
    await start('m3', 3, { members: five })
    await world.advance(12_000)
    expect(said('m1', stillNone)[0]).toContain('heardOf=3 missing="2 4 5"')
  })
})

test('a member that cannot be reached is one line, however often it is dialed, and one more when it is there', async () => {
  const [one, two] = [await start('m1', 1), await start('m2', 2)]
  await untilLed(one, two)
  const away = 'a member cannot be reached at its election port'
  for (const host of ['m1', 'm2']) world.crash(host, 'kill')
  await start('m2', 2)
  await world.advance(200_000)
  const about = (sid: number): string[] => said('m2', away).filter((line) => line.includes(`server=${sid}`))
  // One in each of its lives: m2 began twice.
  expect(about(3)).toHaveLength(2)
  expect(about(3)[1]).toContain('address=m3:3888 cause=')
  await start('m3', 3)
  await world.advance(5_000)
  expect(said('m2', 'a member that could not be reached is there')).toEqual([
    'info a member that could not be reached is there server=3',
  ])
})

describe('lines server.N that differ', () => {
  const differ = 'another member has other server.N lines than this one'

  test('are named on both sides, once', async () => {
    const other = { ...lines, 'server.3': 'm3:2888:4888' }
    const [one, two] = [await start('m1', 1), await start('m2', 2, { members: other })]
    await untilLed(one, two)
    await world.advance(300_000)
    expect(said('m1', differ)).toEqual([
      'warn another member has other server.N lines than this one; make them the same on all members server=2 ' +
        'onlyHere="server.3=m3:2888:3888:participant" onlyThere="server.3=m3:2888:4888:participant"',
    ])
    expect(said('m2', differ)).toHaveLength(1)
  })

  test('a server that has no line is refused, and is named', async () => {
    const [one, two] = [await start('m1', 1), await start('m2', 2)]
    await untilLed(one, two)
    await start('m4', 4, { members: { ...lines, 'server.4': 'm4:2888:3888' } })
    for (const host of ['m1', 'm2'])
      expect(await untilSaid(host, 'refused a server that has no server.N line here')).toContain('server=4')
  })
})

describe('two servers with one id', () => {
  const twin = { members: { ...lines, 'server.2': 'm9:2888:3888' } }
  const same = 'another server has the same myid as this one; give each server its own'

  test('are named by a third one with a larger number, in a few lines', async () => {
    const servers = [await start('m1', 1), await start('m2', 2), await start('m3', 3)]
    await untilLed(...servers)
    await start('m9', 2, twin)
    const line = await untilSaid('m3', 'two servers seem to have the same myid')
    expect(line).toMatch(/server=2 one=\S+ another=\S+$/)
    const before = said('m3', 'warn ').length
    await world.advance(300_000)
    // A few kinds of lines, each once a minute.
    expect(said('m3', 'warn ').length - before).toBeLessThan(5 * 4)
  })

  test('one of them says it when the other one leads', async () => {
    const servers = [await start('m1', 1), await start('m2', 2)]
    await untilLed(...servers)
    await start('m9', 2, twin)
    expect(await untilSaid('m9', same)).toBe(`warn ${same} server=2 isFollowedBy=1`)
    await world.advance(300_000)
    expect(said('m9', same).length).toBeLessThan(7)
  })

  test('a server says it when one with its own number dials it', async () => {
    await start('m2', 2)
    await start('m9', 2, { members: { ...lines, 'server.1': 'm2:2888:3888', 'server.2': 'm9:2888:3888' } })
    expect(await untilSaid('m2', same)).toMatch(/server=2 remote=\S+$/)
  })

  test('on one machine the second one cannot open its election port, and its error says what to correct', async () => {
    await start('m2', 2)
    await expect(start('m2', 2, { clientPort: 2182, dataDir: 'other' })).rejects.toThrow(
      'the election port of this member, m2:3888 of its line server.2, cannot be opened: address in use m2:3888; ' +
        'end the program that has the port, or correct myid, which is 2, or the line',
    )
  })
})

describe('an epoch that cannot be', () => {
  async function withEpochs(accepted: string, current: string): Promise<Promise<RunningServer>> {
    const { disk } = world.runtime('m1')
    for (const directory of ['data', 'data/version-2']) await world.run(disk.makeDirectory(directory))
    world.disk('m1').put('data/version-2/acceptedEpoch', new TextEncoder().encode(accepted))
    world.disk('m1').put('data/version-2/currentEpoch', new TextEncoder().encode(current))
    return start('m1', 1)
  }

  test('ends the start, and the error names the file and what to do', async () => {
    await expect(withEpochs('4', '5')).rejects.toThrow(
      /^data\/version-2: acceptedEpoch is 4, below currentEpoch, which is 5\. .* empty this directory/,
    )
  })

  test('a file without an epoch does so too', async () => {
    await expect(withEpochs('four', '4')).rejects.toThrow(
      /^data\/version-2\/acceptedEpoch holds no epoch: .*Empty its /,
    )
  })
})

test('a member whose disk fails says so and ends, and the others go on', async () => {
  const servers = [await start('m1', 1), await start('m2', 2), await start('m3', 3)] as const
  await untilLed(servers[0], servers[1], servers[2])
  const index = servers.findIndex(({ mode }) => mode === 'follower')
  const host = `m${index + 1}`
  world.disk(host).faults.writeErrors = 1000
  const addresses = [1, 2, 3].map((sid) => `m${sid}:2181`).join(',')
  const zk = await world.run(connect(addresses, { sessionTimeout: 10_000, runtime: world.runtime('c') }))
  await world.run(zk.create('/a', ''))
  const failure = await world.run((servers[index] as RunningServer).stopped)
  expect(failure?.message).toMatch(/^the disk failed below \S+version-2: .*EIO/)
  expect(said(host, 'THE DISK OF THIS MEMBER FAILED')).toEqual([
    expect.stringMatching(
      /^error THE DISK OF THIS MEMBER FAILED: it leaves the ensemble; see to the disk and restart directory=\S+version-2 cause=.*EIO/,
    ),
  ])
  await world.run(zk.set('/a', 'goes on'))
  await world.run(zk.close())
})
