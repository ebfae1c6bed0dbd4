/** What a client says of its writes is true: under lost connections, what succeeded happened once, what failed did not happen. */
import { type Client, KeeperError, op, readOnlyAcl } from '@lightkeeper/client'
import { describe, expect, test } from 'vitest'
import { text } from '../support/text.ts'
import { Trouble } from '../support/trouble.ts'
import { Stage, seeds, serverHost } from './stage.ts'

type Outcome = 'ok' | 'unknown' | 'not-sent' | 'rejected'

const outcomeOf = (call: Promise<unknown>): Promise<Outcome> =>
  call.then(
    () => 'ok',
    (error: unknown) => (KeeperError.is(error) ? error.outcome : Promise.reject(error as Error)),
  )

/** Two clients run `work` under resets and cuts; then the network heals and `look` reads the result. */
async function under<R>(
  seed: number,
  work: (client: Client, index: number, round: number) => Promise<void>,
  look: (client: Client) => Promise<R>,
): Promise<R> {
  const stage = new Stage(seed)
  const { world } = stage
  const random = world.random.fork()
  await stage.startServer()
  const clients = await world.run(Promise.all([stage.connect(), stage.connect()]))
  const trouble = new Trouble(world, random, serverHost)
  trouble.begin({ spreadMs: 400 }, () => {
    const host = `c${1 + random.below(2)}`
    if (random.oneIn(3)) world.network.cut(host, serverHost)
    else trouble.reset(host)
    world.after(random.below(600), () => world.network.heal(host, serverHost))
  })
  const all = clients.map(async (client, index) => {
    for (let round = 0; round < 15; round++) await work(client, index, round)
  })
  await world.run(Promise.all(all))
  trouble.end()
  for (const host of ['c1', 'c2']) world.network.heal(host, serverHost)
  await world.advance(1000)
  const seen = await world.run(stage.connect().then(look))
  await world.run(Promise.all(clients.map((client) => client.close())))
  await world.run(Promise.resolve(stage.close()))
  return seen
}

describe('under lost connections', () => {
  test.each(seeds(60))('a counter counts every update that succeeded, and no other, seed %i', async (seed) => {
    const count: Record<Outcome, number> = { ok: 0, unknown: 0, 'not-sent': 0, rejected: 0 }
    const n = await under(
      seed,
      async (client) => {
        const call = client.update('/n', (data) => `${data === undefined ? 1 : Number(text(data)) + 1}`)
        count[await outcomeOf(call)]++
      },
      async (client) => Number(text((await client.find('/n'))?.data ?? new Uint8Array())),
    )
    expect(n, JSON.stringify(count)).toBeGreaterThanOrEqual(count.ok)
    expect(n, JSON.stringify(count)).toBeLessThanOrEqual(count.ok + count.unknown)
  })

  test.each(seeds(60))(
    'with data that names its writer an update is distinguished from others, seed %i',
    async (seed) => {
      let updates = 0
      const n = await under(
        seed,
        async (client, index, round) => {
          const change = (data?: Uint8Array): string => {
            const before = data === undefined ? 0 : (JSON.parse(text(data)) as { n: number }).n
            return JSON.stringify({ n: before + 1, by: `${index}.${round}` })
          }
          for (;;) {
            const outcome = await outcomeOf(client.update('/n', change, { idempotent: true }))
            if (outcome === 'ok') updates++
            if (outcome !== 'not-sent') break
          }
        },
        async (client) => (JSON.parse(text((await client.get('/n')).data)) as { n: number }).n,
      )
      expect(n).toBeGreaterThanOrEqual(updates)
    },
  )

  test.each(seeds(60))(
    'a transaction with a marker never ends in doubt while its session lives, seed %i',
    async (seed) => {
      const made = new Map<string, string>()
      const never: string[] = []
      let n = 0
      const there = await under(
        seed,
        async (client, index, round) => {
          const { epoch } = client
          const name = `/t-${index}-${round}-` as const
          const call = client
            .transactionOf([op.create(name, 'x', { sequential: true }), op.create('/tn-', '', { sequential: true })], {
              marker: '/marks',
            })
            .then(([{ path }, { path: second }]) => {
              made.set(name, path)
              made.set(path, second)
            })
          const outcome = await outcomeOf(call)
          if (outcome === 'ok') n++
          else if (outcome === 'unknown') expect(client.epoch, 'in doubt').not.toBe(epoch)
          else never.push(name)
        },
        async (client) => new Set((await client.children('/')).children.map((each) => `/${each}`)),
      )
      expect(made.size).toBe(2 * n)
      for (const [name, path] of made) {
        expect(there.has(path), `${name} ${path}`).toBe(true)
        if (name.startsWith('/t-') && name.endsWith('-')) {
          expect([...there].filter((each) => each.startsWith(name))).toEqual([path])
        }
      }
      for (const name of never) expect([...there].filter((each) => each.startsWith(name))).toEqual([])
    },
  )

  test.each(seeds(60))('a znode is created by one at most, and a failed create left nothing, seed %i', async (seed) => {
    const outcomes = new Map<string, Outcome[]>()
    const names = await under(
      seed,
      async (client, index, round) => {
        for (const path of [`/shared-${round}`, `/own-${index}-${round}`] as const) {
          const outcome = await outcomeOf(client.create(path, 'same'))
          outcomes.set(path, [...(outcomes.get(path) ?? []), outcome])
        }
      },
      async (client) => new Set((await client.children('/')).children.map((name) => `/${name}`)),
    )
    for (const [path, of] of outcomes) {
      const told = `${path} ${of.join()}`
      expect(of.filter((each) => each === 'ok').length, told).toBeLessThanOrEqual(1)
      if (names.has(path)) expect(of.includes('ok') || of.includes('unknown'), told).toBe(true)
      else expect(of, told).not.toContain('ok')
    }
  })

  test.each(seeds(60))(
    'a znode is deleted by one client at most: the one that succeeded has the claim, seed %i',
    async (seed) => {
      const outcomes = new Map<string, Outcome[]>()
      const made = new Set<string>()
      const names = await under(
        seed,
        async (client, index, round) => {
          const path = `/job-${round}` as const
          if (index === 0 && (await outcomeOf(client.create(path, '', { idempotent: true }))) === 'ok') made.add(path)
          const outcome = await outcomeOf(client.delete(path))
          if (outcome !== 'rejected') outcomes.set(path, [...(outcomes.get(path) ?? []), outcome])
        },
        async (client) => new Set((await client.children('/')).children.map((name) => `/${name}`)),
      )
      for (const [path, of] of outcomes) {
        const told = `${path} ${of.join()}`
        expect(of.filter((each) => each === 'ok').length, told).toBeLessThanOrEqual(1)
        if (made.has(path) && !names.has(path)) expect(of.includes('ok') || of.includes('unknown'), told).toBe(true)
      }
    },
  )

  test.each(seeds(60))('an ephemeral whose reply was lost is found by its session, seed %i', async (seed) => {
    const outcomes = new Map<string, Outcome>()
    const names = await under(
      seed,
      async (client, index, round) => {
        const path = `/e-${index}-${round}` as const
        const { epoch } = client
        const outcome = await outcomeOf(client.create(path, '', { mode: 'ephemeral' }))
        if (client.epoch === epoch) outcomes.set(path, outcome)
        // A znode that is gone with its session proves nothing.
        else outcomes.delete(path)
      },
      async (client) => new Set((await client.children('/')).children.map((name) => `/${name}`)),
    )
    for (const [path, outcome] of outcomes) {
      if (outcome === 'not-sent' || outcome === 'rejected') expect(names.has(path), `${path} ${outcome}`).toBe(false)
    }
    expect([...outcomes.values()].filter((each) => each === 'ok').length).toBeGreaterThan(0)
  })
})

test.each<[string, (client: Client) => Promise<unknown>]>([
  ['create', (client) => client.create('/e', '', { mode: 'ephemeral', timeout: Number.POSITIVE_INFINITY })],
  ['set', (client) => client.set('/n', 'x', { idempotent: true, timeout: Number.POSITIVE_INFINITY })],
  ['setAcl', (client) => client.setAcl('/n', readOnlyAcl, { timeout: Number.POSITIVE_INFINITY })],
  ['delete', (client) => client.delete('/n', { idempotent: true, timeout: Number.POSITIVE_INFINITY })],
  [
    'transaction',
    (client) =>
      client.transactionOf([op.create('/e', '', { mode: 'ephemeral' })], { timeout: Number.POSITIVE_INFINITY }),
  ],
])('a %s without a limit learns its outcome, however long no server is reached', async (_, call) => {
  const stage = new Stage(1)
  const { world } = stage
  await stage.startServer()
  const client = await world.run(stage.connect({ sessionTimeout: 20_000, requestTimeout: 500 }))
  await world.run(client.create('/n'))
  let isHeld = true
  world.network.holdWhere((from, to) => isHeld && from === serverHost && to === 'c1')
  const outcome = outcomeOf(call(client))
  await world.advance(20)
  world.network.cut('c1', serverHost)
  world.network.reset('c1', serverHost)
  isHeld = false
  await world.advance(8_000)
  world.network.heal('c1', serverHost)
  expect(await world.run(outcome)).toBe('ok')
  expect(client.epoch).toBe(0)
  await world.run(client.close())
  await world.run(Promise.resolve(stage.close()))
})
