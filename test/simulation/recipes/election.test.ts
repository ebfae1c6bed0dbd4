/**
 * What elections promise, under lost connections, expired sessions, stopped and killed processes: no two terms at a
 * time, guarded writes in the order of the epochs, a leader whenever there is a candidate, observers that end at the
 * truth, and nothing left behind.
 */
import { type Client, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import { type Election, election, masterElection, type Term } from '@lightkeeper/recipes'
import type { SeededRandom } from '@lightkeeper/testing/sim'
import { describe, expect, test } from 'vitest'
import { Trouble } from '../../support/trouble.ts'
import { delay } from '../../support/wait.ts'
import { Stage, seeds, serverHost } from '../stage.ts'
import { expectOneToWake } from './scene.ts'

const path: ZnodePath = '/election/one'
const register: ZnodePath = '/register'

type Recipe = (zk: Client, id: string, random: SeededRandom) => Election

const recipes: Record<string, Recipe> = {
  election: (zk, id, random) => election(zk, path, { id, names: random.oneIn(3) ? 'kazoo' : 'curator' }),
  'election by priority': (zk, id, random) => election(zk, path, { id, priority: random.below(3) }),
  'master election': (zk, id) => masterElection(zk, path, { id }),
}

/** Knows every leader, as no client does. */
class Judge {
  readonly problems: string[] = []
  readonly writes: { readonly zxid: bigint; readonly epoch: bigint }[] = []
  terms = 0
  readonly #leading = new Set<Term>()

  begin(term: Term, time: number): void {
    this.terms++
    this.#leading.add(term)
    term.signal.addEventListener('abort', () => this.#leading.delete(term))
    // A stopped process may not know yet that its time is over: its clock does.
    const certain = [...this.#leading].filter((each) => each.remaining() > 0)
    if (certain.length > 1)
      this.problems.push(`at ${time}: ${certain.map((each) => `${each.path} ${each.id}`).join(' and ')}`)
  }
}

/** One process: leads for a while whenever it is elected, and resigns in any of the ways there are. */
async function stand(zk: Client, one: Election, random: SeededRandom, judge: Judge, stop: AbortSignal): Promise<void> {
  const stepsDown = random.oneIn(2)
  while (!stop.aborted) {
    for await (const term of one.terms({ signal: stop })) {
      judge.begin(term, zk.clock.now())
      const challenged = stepsDown ? term.challenged : undefined
      const steps = random.below(5)
      for (let i = 0; i < steps && !term.signal.aborted && challenged?.aborted !== true; i++) {
        await delay(zk, random.below(random.oneIn(8) ? 2000 : 40))
        try {
          const [, stat] = await zk.transaction(term.guard(), op.set(register, `${term.epoch}`))
          judge.writes.push({ zxid: stat.mzxid, epoch: term.epoch })
        } catch (error) {
          if (!KeeperError.is(error)) throw error
        }
      }
      if (random.oneIn(4)) await term.resign()
      if (random.oneIn(4)) break
    }
    await delay(zk, random.below(30))
  }
}

async function story(seed: number, recipe: Recipe): Promise<void> {
  const stage = new Stage(seed)
  const { world } = stage
  const random = world.random.fork()
  await stage.startServer()
  const count = 2 + random.below(4)
  const clients = await world.run(Promise.all(Array.from({ length: count }, () => stage.connect())))
  const operator = await world.run(stage.connect())
  await world.run(operator.create(register, ''))
  const judge = new Judge()
  const stop = new AbortController()
  // Whose znode is deleted by hand has company before it can hear of it: then only the guard keeps order.
  const hasOperator = random.oneIn(4)
  const alive = new Map<Client, () => void>()
  const all = clients.map((client, i) => {
    const died = new Promise<void>((resolve) => void alive.set(client, resolve))
    return Promise.race([stand(client, recipe(client, `c${i}`, random), random, judge, stop.signal), died])
  })
  const told: (string | undefined)[] = []
  const looker = recipe(operator, 'nobody', random)
  const looking = (async () => {
    for await (const leader of looker.watchLeader({ signal: stop.signal })) told.push(leader?.id)
  })()
  const trouble = new Trouble(world, random, serverHost)
  trouble.begin({ spreadMs: 500 }, () => {
    trouble.strikeOneOf(clients, alive)
    if (hasOperator && random.oneIn(4)) {
      void looker
        .candidates()
        .then(async (candidates) => {
          if (candidates.length > 0) await operator.delete(random.pick(candidates).path)
        })
        .catch(() => {})
    }
  })
  world.after(12_000, () => trouble.end())
  await world.advance(12_000)
  await world.advance(9_000)
  const replay = `replay with SEED=${seed}`
  // Candidates are elected again and again once the trouble is over: none waits for ever.
  const before = judge.terms
  await world.advance(10_000)
  expect(judge.terms, replay).toBeGreaterThan(before)
  if (!hasOperator) expect(judge.problems, replay).toEqual([])
  const inOrder = [...judge.writes].sort((a, b) => (a.zxid < b.zxid ? -1 : 1)).map(({ epoch }) => epoch)
  expect(inOrder, replay).toEqual([...inOrder].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)))
  stop.abort()
  await world.run(Promise.all([...all, looking]), 120_000)
  await world.advance(10_000)
  expect(await world.run(looker.candidates()), replay).toEqual([])
  expect(await world.run(looker.leader()), replay).toBeUndefined()
  expect(told.length, replay).toBeGreaterThan(0)
  const living = clients.filter((client) => alive.has(client))
  await world.run(Promise.all([operator, ...living].map((client) => client.close())))
  await world.run(Promise.resolve(stage.close()))
}

describe.each(Object.entries(recipes))('an %s', (_, recipe) => {
  test.each(seeds(120))('has one term at a time, and always another, seed %i', (seed) => story(seed, recipe))
})

describe('a master whose reply is lost while no server is reached for longer than a request may take', () => {
  /** A client whose first term is executed, and that hears of it only after `away`. */
  async function begun(away: (stop: AbortController) => void): Promise<{
    readonly stage: Stage
    readonly operator: Client
    readonly first: Promise<IteratorResult<Term, void>>
  }> {
    const stage = new Stage(1)
    const { world } = stage
    await stage.startServer()
    const zk = await world.run(stage.connect({ sessionTimeout: 10_000, requestTimeout: 500 }))
    const operator = await world.run(stage.connect())
    await world.run(operator.create(`${path}-epoch`, '', { parents: true }))
    let isHeld = true
    world.network.holdWhere((from, to) => isHeld && from === serverHost && to === 'c1')
    const stop = new AbortController()
    const first = masterElection(zk, path, { id: 'a' }).terms({ signal: stop.signal }).next()
    await world.advance(20)
    expect(await world.run(operator.exists(path))).toBeDefined()
    world.network.cut('c1', serverHost)
    world.network.reset('c1', serverHost)
    isHeld = false
    await world.advance(1_000)
    away(stop)
    await world.advance(4_000)
    world.network.heal('c1', serverHost)
    return { stage, operator, first }
  }

  test('leads when a server is reached again', async () => {
    const { stage, operator, first } = await begun(() => {})
    const { world } = stage
    const { value } = await world.run(first)
    const term = value as Term
    expect([term.signal.aborted, (await world.run(operator.get(path))).stat.czxid]).toEqual([false, term.epoch])
    expect(await world.run(term.resign())).toBeUndefined()
    expect(await world.run(operator.exists(path))).toBeUndefined()
    await world.run(Promise.resolve(stage.close()))
  })

  test('leads where the reply has come, without the Stat of the znode', async () => {
    const stage = new Stage(1)
    const { world } = stage
    await stage.startServer()
    const zk = await world.run(stage.connect({ sessionTimeout: 10_000, requestTimeout: 500 }))
    await world.run(zk.create(`${path}-epoch`, '', { parents: true }))
    const original = zk.transactionOf.bind(zk) as (...given: unknown[]) => Promise<unknown[]>
    // As servers before 3.5 answer.
    const withoutStat = async (...given: unknown[]): Promise<unknown[]> => {
      const [made, ...rest] = await original(...given)
      world.network.cut('c1', serverHost)
      return [{ ...(made as object), stat: undefined }, ...rest]
    }
    Object.assign(zk, { transactionOf: withoutStat })
    const first = masterElection(zk, path, { id: 'a' }).terms().next()
    await world.advance(5_000)
    world.network.heal('c1', serverHost)
    const term = (await world.run(first)).value as Term
    expect(term.signal.aborted).toBe(false)
    expect(await world.run(term.resign())).toBeUndefined()
    await world.run(Promise.resolve(stage.close()))
  })

  test('leaves nothing behind where it has been stopped meanwhile', async () => {
    const { stage, operator, first } = await begun((stop) => stop.abort())
    const { world } = stage
    expect((await world.run(first)).value).toBeUndefined()
    await world.advance(2_000)
    expect(await world.run(operator.exists(path))).toBeUndefined()
    await world.run(Promise.resolve(stage.close()))
  })
})

describe('a master whose client cannot say what became of its transaction', () => {
  /** A client whose first transaction is executed and seems lost; `onLost` is called between the two. */
  async function unsure(onLost: () => void): Promise<{ readonly stage: Stage; readonly zk: Client }> {
    const stage = new Stage(1)
    const { world } = stage
    await stage.startServer()
    const zk = await world.run(stage.connect())
    await world.run(zk.create(`${path}-epoch`, '', { parents: true }))
    const original = zk.transactionOf.bind(zk) as (...given: unknown[]) => Promise<unknown>
    const unknown = async (...given: unknown[]): Promise<never> => {
      Object.assign(zk, { transactionOf: original })
      await original(...given)
      onLost()
      throw new KeeperError('CONNECTION_LOSS', { path, operation: 'transaction', outcome: 'unknown' })
    }
    Object.assign(zk, { transactionOf: unknown })
    return { stage, zk }
  }

  test('removes what it has left, and leads', async () => {
    const { stage, zk } = await unsure(() => {})
    const { world } = stage
    const term = (await world.run(masterElection(zk, path, { id: 'a' }).terms().next())).value as Term
    expect([term.signal.aborted, (await world.run(zk.get(path))).stat.czxid]).toEqual([false, term.epoch])
    expect(zk.epoch).toBe(0)
    await world.run(term.resign())
    await world.run(Promise.resolve(stage.close()))
  })

  test('leaves nothing behind where it has been stopped meanwhile', async () => {
    const stop = new AbortController()
    const { stage, zk } = await unsure(() => stop.abort())
    const { world } = stage
    const { signal } = stop
    expect(await world.run(masterElection(zk, path, { id: 'a' }).terms({ signal }).next())).toMatchObject({
      done: true,
    })
    await world.advance(100)
    expect(await world.run(zk.exists(path))).toBeUndefined()
    await world.run(Promise.resolve(stage.close()))
  })

  test('leaves the term of another candidate of its client alone', async () => {
    const { stage, zk } = await unsure(() => {})
    const { world } = stage
    const given = zk.transactionOf
    Reflect.deleteProperty(zk, 'transactionOf')
    const term = (await world.run(masterElection(zk, path, { id: 'a' }).terms().next())).value as Term
    // The transaction of the second candidate fails, and what it says of that is lost.
    Object.assign(zk, {
      transactionOf: async (...ops: Parameters<typeof given>) => {
        Reflect.deleteProperty(zk, 'transactionOf')
        await zk.transactionOf(...ops).catch(() => {})
        throw new KeeperError('CONNECTION_LOSS', { path, operation: 'transaction', outcome: 'unknown' })
      },
    })
    const second = masterElection(zk, path, { id: 'b' }).terms().next()
    await world.advance(5_000)
    expect(term.signal.aborted).toBe(false)
    await world.run(term.resign())
    await world.run(((await world.run(second)).value as Term).resign())
    await world.run(Promise.resolve(stage.close()))
  })
})

test('an observer sees each leader in turn, and that there is none', async () => {
  const stage = new Stage(1)
  const { world } = stage
  await stage.startServer()
  for (const recipe of [election, masterElection]) {
    const [a, b, observer] = (await world.run(Promise.all(Array.from({ length: 3 }, () => stage.connect())))) as [
      Client,
      Client,
      Client,
    ]
    const place: ZnodePath = `/watched/${recipe.name}`
    const told: (string | undefined)[] = []
    const stop = new AbortController()
    const looking = (async () => {
      for await (const leader of recipe(observer, place).watchLeader({ signal: stop.signal })) told.push(leader?.id)
    })()
    await world.advance(100)
    const lead = async (zk: Client, id: string): Promise<Term> => {
      const next = await recipe(zk, place, { id }).terms().next()
      return next.value as Term
    }
    const first = await world.run(lead(a, 'a'))
    const second = lead(b, 'b')
    await world.advance(100)
    expect(told).toEqual([undefined, 'a'])
    await world.run(first.resign())
    const next = await world.run(second)
    await world.advance(100)
    await world.run(next.resign())
    await world.advance(100)
    expect([told[0], told[1], told.at(-2), told.at(-1)]).toEqual([undefined, 'a', 'b', undefined])
    stop.abort()
    await world.run(looking)
    await world.run(Promise.all([a, b, observer].map((client) => client.close())))
  }
  await world.run(Promise.resolve(stage.close()))
})

test('the end of a term wakes the next in line, and no other', () =>
  expectOneToWake(async (zk) => {
    const { value } = await election(zk, path).terms().next()
    return () => (value as Term).resign()
  }))
