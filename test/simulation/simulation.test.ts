import { openAcl } from '@lightkeeper/client'
import { type SeededRandom, World } from '@lightkeeper/testing/sim'
import { describe, expect, test } from 'vitest'
import { text } from '../support/text.ts'
import { ending, Stage, seeds, serverHost } from './stage.ts'

describe('the world', () => {
  test('runs events in the order of time, and of scheduling at one instant', async () => {
    const world = new World(1)
    const order: string[] = []
    world.after(5, () => order.push('late'))
    world.after(1, () => order.push('early'))
    world.after(1, () => order.push('early too'))
    world.after(1, () => order.push('cancelled')).cancel()
    await world.advance(10)
    expect(order).toEqual(['early', 'early too', 'late'])
    expect(world.time).toBe(10)
  })

  test('waits for no timer of a process that a crash has ended', async () => {
    const world = new World(2)
    const ran: string[] = []
    world.runtime('a').clock.after(5, () => ran.push('before'))
    world.crash('a', 'power')
    expect(world.pending).toBe(0)
    world.runtime('a').clock.after(5, () => ran.push('after'))
    expect(world.pending).toBe(1)
    await world.advance(10)
    expect(ran).toEqual(['after'])
  })

  test('delivers bytes whole and in order, however it cuts them', async () => {
    const world = new World(3)
    const got: number[] = []
    await world.network.host('b').listen('b:1', () => ({ data: (chunk) => void got.push(...chunk), closed() {} }))
    const link = world.network.host('a').connect('b:1', { data() {}, closed() {} })
    for (let i = 0; i < 50; i++) link.write(Uint8Array.of(i, i + 100))
    await world.advance(1000)
    expect(got).toEqual(Array.from({ length: 50 }, (_, i) => [i, i + 100]).flat())
    expect(link.queuedBytes).toBe(0)
  })

  test('holds bytes back while two hosts are cut, and delivers them when healed', async () => {
    const world = new World(4)
    const got: number[] = []
    await world.network.host('b').listen('b:1', () => ({ data: (chunk) => void got.push(...chunk), closed() {} }))
    const link = world.network.host('a').connect('b:1', { data() {}, closed() {} })
    await world.advance(10)
    world.network.cut('a', 'b')
    link.write(Uint8Array.of(1, 2))
    await world.advance(1000)
    expect(got).toEqual([])
    world.network.heal('a', 'b')
    await world.advance(10)
    expect(got).toEqual([1, 2])
  })

  test('notifies each side once, as the last event, that a link is closed', async () => {
    const world = new World(5)
    const told: string[] = []
    const events = (name: string) => ({
      data: () => void told.push(`${name} data`),
      closed: () => void told.push(`${name} closed`),
    })
    await world.network.host('b').listen('b:1', () => events('b'))
    const link = world.network.host('a').connect('b:1', events('a'))
    await world.advance(10)
    link.write(Uint8Array.of(1))
    link.end()
    await world.advance(100)
    expect(told.filter((each) => each === 'b data').length).toBeGreaterThan(0)
    expect(told.filter((each) => each.endsWith('closed')).sort()).toEqual(['a closed', 'b closed'])
    expect(told.at(-1)).toContain('closed')
  })

  test('answers nothing for a machine without power, and resets its former connections when it is back', async () => {
    const world = new World(6)
    const told: string[] = []
    const events = (name: string) => ({
      opened: () => void told.push(`${name} opened`),
      data: () => void told.push(`${name} data`),
      closed: (reason: Error | undefined) => void told.push(`${name} closed: ${reason?.message}`),
    })
    const listen = () => world.network.host('b').listen('b:1', () => events('b'))
    world.runtime('b')
    await listen()
    const link = world.network.host('a').connect('b:1', events('before'))
    await world.advance(10)
    world.crash('b', 'power')
    link.write(Uint8Array.of(1))
    world.network.host('a').connect('b:1', events('meanwhile'))
    await world.advance(10_000)
    expect(told).toEqual(['before opened'])
    world.runtime('b')
    await listen()
    await world.advance(60_000)
    expect(told.toSorted()).toEqual(['before closed: connection reset by peer', 'before opened', 'meanwhile opened'])
  })

  test('does not reset the former connections of a machine to which nothing is sent', async () => {
    const world = new World(7)
    const told: string[] = []
    const listen = () => world.network.host('b').listen('b:1', () => ({ data() {}, closed() {} }))
    world.runtime('b')
    await listen()
    const link = world.network.host('a').connect('b:1', { data() {}, closed: () => void told.push('closed') })
    await world.advance(10)
    world.crash('b', 'power')
    world.runtime('b')
    await listen()
    await world.advance(60_000)
    expect(told).toEqual([])
    link.write(Uint8Array.of(1))
    await world.advance(10)
    expect(told).toEqual(['closed'])
  })
})

/** One random operation on one of few paths. */
function operate(
  client: Awaited<ReturnType<Stage['connect']>>,
  random: SeededRandom,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const path = `/p${random.below(5)}` as const
  const timeout = random.oneIn(5) ? 1 + random.below(3000) : undefined
  const options = { signal, timeout }
  switch (random.below(12)) {
    case 0:
      return client.create(path, 'x', { ...options, mode: random.oneIn(2) ? 'ephemeral' : 'persistent' })
    case 1:
      return client.create(`${path}-`, 'x', { ...options, mode: 'ephemeral', sequential: true, protected: true })
    case 2:
      return client.delete(path, options)
    case 3:
      return client.set(path, `${random.below(100)}`, options)
    case 4:
      return client.children('/', { ...options, watch: random.oneIn(2) }).then(({ changed }) => changed)
    case 5:
      return client.existence(path, { ...options, watch: true }).then(({ changed }) => changed)
    case 6:
      return client.transactionOf([], options)
    case 7:
      return client.sync('/', options)
    case 8:
      return client.setAcl(path, openAcl, options)
    case 9:
      return client.delete('/deep', { ...options, recursive: true })
    case 10:
      return client.create('/deep/er/and/deeper', 'x', { ...options, parents: true })
    default:
      return client.get(path, options)
  }
}

/** A run with faults at random moments; returns how every call ended. */
async function storm(seed: number): Promise<{ endings: string[]; hash: string; world: World }> {
  const stage = new Stage(seed)
  const { world } = stage
  const random = world.random.fork()
  await stage.startServer()
  const clients = await world.run(Promise.all([stage.connect(), stage.connect()]))
  const endings: Promise<string>[] = []
  for (let round = 0; round < 60; round++) {
    const client = random.pick(clients)
    const abort = random.oneIn(6) ? new AbortController() : undefined
    if (abort !== undefined) world.after(random.below(50), () => abort.abort())
    const call = ending(operate(client, random, abort?.signal))
    endings.push(call.then((how) => (world.note('test', how), how)))
    const host = `c${1 + random.below(2)}`
    if (random.oneIn(8)) world.network.reset(host, serverHost)
    if (random.oneIn(10)) {
      world.network.cut(host, serverHost)
      world.after(random.below(9000), () => world.network.heal(host, serverHost))
    }
    if (random.oneIn(15)) world.network.vanish(random.oneIn(2) ? host : serverHost)
    if (random.oneIn(20)) {
      await stage.crashServer()
      await world.advance(random.below(6000))
      await stage.startServer()
    }
    if (random.oneIn(3)) await world.advance(random.below(random.oneIn(4) ? 5000 : 20))
  }
  for (const host of ['c1', 'c2']) world.network.heal(host, serverHost)
  await world.advance(20_000)
  await world.run(Promise.all(clients.map((client) => client.close())))
  const all = await world.run(Promise.all(endings))
  await world.run(Promise.resolve(stage.close()))
  return { endings: all, hash: world.traceHash(), world }
}

const allowed =
  /^(ok|aborted|(NO_NODE|NODE_EXISTS|NOT_EMPTY|NO_CHILDREN_FOR_EPHEMERALS|BAD_VERSION) rejected|(CONNECTION_LOSS|TIMEOUT|SESSION_EXPIRED|CLOSED) (unknown|not-sent)|SESSION_EXPIRED rejected)$/

describe('faults', () => {
  test.each(seeds(300))('every promise settles in a way that is allowed, seed %i', async (seed) => {
    const { endings } = await storm(seed)
    expect(
      endings.filter((each) => !allowed.test(each)),
      `replay with SEED=${seed}`,
    ).toEqual([])
    expect(endings).toHaveLength(60)
  })

  test.each([1, 2, 3, 4, 5])('two runs of seed %i leave the same trace', async (seed) => {
    const [first, second] = [await storm(seed), await storm(seed)]
    expect(second.hash).toBe(first.hash)
    expect(first.world.trace.length).toBeGreaterThan(60)
  })

  test('different seeds leave different traces', async () => {
    expect((await storm(1)).hash).not.toBe((await storm(2)).hash)
  })
})

describe('sessions', () => {
  test('keep the ephemeral when the client returns within the timeout', async () => {
    const stage = new Stage(11)
    const { world } = stage
    await stage.startServer()
    const [owner, observer] = await world.run(Promise.all([stage.connect(), stage.connect()]))
    await world.run(owner.create('/lease', '', { mode: 'ephemeral' }))
    const { sessionId } = owner
    world.network.cut('c1', serverHost)
    await world.advance(3500)
    world.network.heal('c1', serverHost)
    await world.advance(6000)
    expect(owner.sessionId).toBe(sessionId)
    expect((await world.run(observer.exists('/lease')))?.ephemeralOwner).toBe(sessionId)
  })

  test('lose the ephemeral, and learn it before the server deletes it, when they stay away', async () => {
    const stage = new Stage(12)
    const { world } = stage
    await stage.startServer()
    const [owner, observer] = await world.run(Promise.all([stage.connect(), stage.connect()]))
    await world.run(owner.create('/lease', '', { mode: 'ephemeral' }))
    const watched = await world.run(observer.existence('/lease', { watch: true }))
    let doubtedAt = Number.POSITIVE_INFINITY
    void (async () => {
      for await (const state of owner.states())
        if (state.kind === 'disconnected') doubtedAt = Math.min(doubtedAt, world.time)
    })()
    world.network.cut('c1', serverHost)
    const event = await world.run(watched.changed as Promise<{ type: string }>)
    expect(event.type).toBe('deleted')
    expect(doubtedAt).toBeLessThan(world.time)
  })

  test('open anew after expiry, in the next epoch, on the same client object', async () => {
    const stage = new Stage(13)
    const { world } = stage
    await stage.startServer()
    const client = await world.run(stage.connect())
    const { sessionId } = client
    world.network.cut('c1', serverHost)
    await world.advance(20_000)
    world.network.heal('c1', serverHost)
    await world.advance(10_000)
    expect(client.epoch).toBe(1)
    expect(client.sessionId).not.toBe(sessionId)
    expect(await world.run(client.exists('/'))).toBeDefined()
  })

  test('notice a server that vanished without a word', async () => {
    const stage = new Stage(14)
    const { world } = stage
    await stage.startServer()
    const client = await world.run(stage.connect())
    world.network.vanish(serverHost)
    const how = await world.run(ending(client.create('/a-', '', { sequential: true })), 10_000)
    expect(how).toBe('CONNECTION_LOSS unknown')
  })

  test('a protected create whose reply is lost leaves one znode', async () => {
    for (const seed of seeds(100)) {
      const stage = new Stage(seed)
      const { world } = stage
      await stage.startServer()
      const [client, observer] = await world.run(Promise.all([stage.connect(), stage.connect()]))
      await world.run(client.create('/group'))
      const creating = client.create('/group/member-', '', { mode: 'ephemeral', sequential: true, protected: true })
      await world.advance(world.random.below(50) / 10)
      world.network.reset('c1', serverHost)
      const { path } = await world.run(creating)
      const { children } = await world.run(observer.children('/group'))
      expect([children.length, `/group/${children[0]}`], `replay with SEED=${seed}`).toEqual([1, path])
    }
  })
})

describe('watch streams', () => {
  test.each(seeds(200))('end at the state of the server through resets, cuts and expiries, seed %i', async (seed) => {
    const stage = new Stage(seed)
    const { world } = stage
    const random = world.random.fork()
    await stage.startServer()
    const [writer, reader] = await world.run(Promise.all([stage.connect(), stage.connect()]))
    await world.run(writer.create('/tree'))
    const view = new Map<string, string>()
    let ready = 0
    const problems: string[] = []
    const following = (async () => {
      for await (const change of reader.watch('/tree', { recursive: true })) {
        if (change.kind === 'ready') ready++
        else if (change.kind === 'created') {
          if (view.has(change.path)) problems.push(`created twice ${change.path}`)
          view.set(change.path, text(change.value))
        } else if (change.kind === 'changed') {
          if (view.get(change.path) !== text(change.previous.value)) problems.push(`broken chain at ${change.path}`)
          view.set(change.path, text(change.value))
        } else if (change.kind === 'deleted') {
          if (!view.delete(change.path)) problems.push(`deleted what was not there ${change.path}`)
        }
      }
    })()
    for (let round = 0; round < 80; round++) {
      const path = `/tree/n${random.below(4)}${random.oneIn(3) ? '/below' : ''}` as const
      const choice = random.below(3)
      const call =
        choice === 0
          ? writer.create(path, `${round}`, { parents: true })
          : choice === 1
            ? writer.set(path, `${round}`)
            : writer.delete(path, { recursive: true })
      void ending(call)
      if (random.oneIn(10)) world.network.reset('c2', serverHost)
      if (random.oneIn(20)) {
        world.network.cut('c2', serverHost)
        world.after(random.below(8000), () => world.network.heal('c2', serverHost))
      }
      await world.advance(random.oneIn(5) ? random.below(3000) : random.below(4))
    }
    world.network.heal('c2', serverHost)
    await world.advance(30_000)
    const truth = new Map<string, string>()
    const walk = async (path: `/${string}`): Promise<void> => {
      truth.set(path, text((await writer.get(path)).data))
      for (const name of (await writer.children(path)).children) await walk(`${path}/${name}`)
    }
    await world.run(walk('/tree'))
    expect(problems, `replay with SEED=${seed}`).toEqual([])
    expect([...view].sort(), `replay with SEED=${seed}`).toEqual([...truth].sort())
    expect(ready).toBeGreaterThan(0)
    await world.run(Promise.all([writer.close(), reader.close()]))
    await world.run(following)
  })
})
