/**
 * What locks promise, under lost connections, expired sessions, stopped and killed processes: no two who may rely on it at a
 * time, guarded writes in the order of the tokens, a turn for everybody, and nothing left in the line.
 */
import { type Client, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import { type Held, type Lockable, lock, readWriteLock, semaphore } from '@lightkeeper/recipes'
import type { SeededRandom } from '@lightkeeper/testing/sim'
import { describe, expect, test } from 'vitest'
import { Trouble } from '../../support/trouble.ts'
import { delay } from '../../support/wait.ts'
import { Stage, seeds, serverHost } from '../stage.ts'
import { expectOneToWake } from './scene.ts'

const path: ZnodePath = '/locks/one'
const register: ZnodePath = '/register'

/** Something to acquire, and whether it keeps all others out. */
interface Asked {
  readonly lockable: Lockable
  readonly isExclusive: boolean
}

type Recipe = (zk: Client, random: SeededRandom) => Asked

const recipes: Record<string, { readonly asked: Recipe; readonly shared: number }> = {
  mutex: {
    asked: (zk, random) => ({
      lockable: lock(zk, path, { names: random.oneIn(3) ? 'kazoo' : 'curator' }),
      isExclusive: true,
    }),
    shared: 1,
  },
  'read-write lock': {
    asked(zk, random) {
      const { read, write } = readWriteLock(zk, path, { names: random.oneIn(3) ? 'kazoo' : 'curator' })
      const isExclusive = random.oneIn(2)
      return { lockable: isExclusive ? write : read, isExclusive }
    },
    shared: Number.POSITIVE_INFINITY,
  },
  semaphore: {
    asked: (zk) => ({ lockable: semaphore(zk, path, { leases: 2 }), isExclusive: false }),
    shared: 2,
  },
  'semaphore of kazoo': {
    asked: (zk) => ({ lockable: semaphore(zk, path, { leases: 2, names: 'kazoo' }), isExclusive: false }),
    shared: 2,
  },
}

/** Knows every holder of the lock, as no client does. */
class Judge {
  readonly problems: string[] = []
  readonly writes: { readonly zxid: bigint; readonly token: bigint }[] = []
  grants = 0
  readonly #shared: number
  readonly #held = new Set<{ readonly held: Held; readonly isExclusive: boolean }>()

  constructor(shared: number) {
    this.#shared = shared
  }

  enter(held: Held, isExclusive: boolean, time: number): () => void {
    this.grants++
    const own = { held, isExclusive }
    this.#held.add(own)
    // A stopped process may not know yet that its time is over: its clock does.
    const certain = [...this.#held].filter((each) => each.held.remaining() > 0)
    const hasWriter = certain.some((each) => each.isExclusive)
    if (certain.length > (hasWriter ? 1 : this.#shared)) {
      this.problems.push(`at ${time}: ${certain.map((each) => each.held.path).join(' and ')}`)
    }
    return () => void this.#held.delete(own)
  }
}

/** One process: asks, holds, writes, lets go, some times over. */
async function work(zk: Client, recipe: Recipe, random: SeededRandom, judge: Judge, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const { lockable, isExclusive } = recipe(zk, random)
    let held: Held | undefined
    try {
      if (random.oneIn(6)) held = await lockable.tryAcquire()
      else if (random.oneIn(4)) held = await lockable.acquire({ timeout: 1 + random.below(400) })
      else held = await lockable.acquire()
    } catch (error) {
      // Without a timeout of its own it may fail for one reason: no server has answered for a minute.
      if (!KeeperError.is(error, 'TIMEOUT')) judge.problems.push(String(error))
    }
    if (held === undefined) {
      await delay(zk, random.below(50))
      continue
    }
    const leave = judge.enter(held, isExclusive, zk.clock.now())
    held.signal.addEventListener('abort', leave)
    // A znode of an earlier session goes with that session, so it gives nobody the lock.
    const [{ path: own }, { epoch, sessionId }] = [held, zk]
    const isOwn = zk.exists(own).then((stat) => {
      const owner = stat?.ephemeralOwner ?? sessionId
      if (zk.epoch === epoch && owner !== sessionId) judge.problems.push(`${own} belongs to another session`)
    })
    await isOwn.catch(() => {})
    const writes = random.below(4)
    for (let i = 0; i < writes; i++) {
      await delay(zk, random.below(random.oneIn(10) ? 2000 : 30))
      if (!isExclusive) continue
      try {
        const [, stat] = await zk.transaction(held.guard(), op.set(register, `${held.fencingToken}`))
        judge.writes.push({ zxid: stat.mzxid, token: held.fencingToken })
      } catch (error) {
        if (!KeeperError.is(error)) throw error
      }
    }
    await held.release()
  }
}

async function story(seed: number, name: string): Promise<void> {
  const { asked, shared } = recipes[name] as (typeof recipes)[string]
  const stage = new Stage(seed)
  const { world } = stage
  const random = world.random.fork()
  await stage.startServer()
  const count = 2 + random.below(4)
  const clients = await world.run(Promise.all(Array.from({ length: count }, () => stage.connect())))
  const operator = await world.run(stage.connect())
  await world.run(operator.create(register, ''))
  const judge = new Judge(shared)
  // Whose znode is deleted by hand has company before it can hear of it: then only the guard keeps order.
  const hasOperator = random.oneIn(4)
  const alive = new Map<Client, () => void>()
  const all = clients.map((client) => {
    const died = new Promise<void>((resolve) => void alive.set(client, resolve))
    return Promise.race([work(client, asked, random, judge, 6), died])
  })
  const trouble = new Trouble(world, random, serverHost)
  trouble.begin({ spreadMs: 500 }, () => {
    trouble.strikeOneOf(clients, alive)
    if (hasOperator && random.oneIn(4)) {
      const parent: ZnodePath = name === 'semaphore' ? `${path}/leases` : path
      void operator
        .children(parent)
        .then(async ({ children }) => {
          if (children.length > 0) await operator.delete(`${parent}/${random.pick([...children])}`)
        })
        .catch(() => {})
    }
  })
  world.after(12_000, () => trouble.end())
  await world.advance(12_000)
  await world.advance(9_000)
  const told = `replay with SEED=${seed}`
  // Every client gets a turn once the trouble is over: none was forgotten.
  await world.run(Promise.all(all), 120_000)
  if (!hasOperator) expect(judge.problems, told).toEqual([])
  const inOrder = [...judge.writes].sort((a, b) => (a.zxid < b.zxid ? -1 : 1)).map(({ token }) => token)
  expect(inOrder, told).toEqual([...inOrder].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)))
  expect(judge.grants, told).toBeGreaterThan(0)
  // The sessions of the killed clients end; all others live, and have no znodes there.
  await world.advance(10_000)
  const parents: ZnodePath[] = name === 'semaphore' ? [`${path}/locks`, `${path}/leases`] : [path, `${path}-__lock__`]
  for (const parent of parents) {
    const children = await world.run(operator.children(parent).catch(() => ({ children: [] })))
    expect(children.children, told).toEqual([])
  }
  const living = clients.filter((client) => alive.has(client))
  await world.run(Promise.all([operator, ...living].map((client) => client.close())))
  await world.run(Promise.resolve(stage.close()))
}

describe.each(Object.keys(recipes))('a %s', (name) => {
  test.each(seeds(120))('goes to the clients that may have it, in order, and no client is forgotten, seed %i', (seed) =>
    story(seed, name),
  )
})

test('a release wakes one of the waiting clients, and no other', () =>
  expectOneToWake(async (zk) => {
    const held = await lock(zk, path).acquire()
    return () => held.release()
  }))
