/**
 * Locks of ours among those of others: processes with our lock and processes with Curator's, or kazoo's, work under one lock of a
 * real Apache 3.8 while some of them are killed, or stopped for less or more than their sessions. Elections likewise: terms of
 * ours among those of Curator's LeaderLatch, and of kazoo's Election. Judged by the server: whoever is
 * inside makes an ephemeral `witness` in one transaction with a check of its lock's znode, and leaves in another that counts and
 * takes a number in `log`; two inside would meet in either.
 *
 * LOCK_ROUNDS=1000 for the long version: turns until it ends; default 40. A tenth as many kills and stops, and at least eight.
 */
import { type Client, connect, type ZnodePath } from '@lightkeeper/client'
import { election, lock } from '@lightkeeper/recipes'
import { type ApacheServer, apache } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sleep } from '../../../support/wait.ts'
import { buildCurator, type Library, missing, Program } from './peers.ts'

const recipes = ['lock', 'election'] as const
type Recipe = (typeof recipes)[number]

const rounds = Number(process.env['LOCK_ROUNDS'] ?? 40)

/** One process that takes its turn again and again. */
class Contender extends Program {
  constructor(library: Library, hosts: string, root: string, names: 'curator' | 'kazoo', recipe: Recipe = 'lock') {
    super(library, 'Contender', [hosts, root, names, recipe])
  }

  /** Resolves when it says that it has the lock, and has not let go of it; after a while in any case. */
  async inside(): Promise<void> {
    for (let waits = 0; waits < 2_000 && this.said.at(-1)?.step !== 'inside'; waits++) await sleep(2)
  }
}

interface Outcome {
  readonly contenders: readonly Contender[]
  readonly turns: number
  readonly logged: readonly string[]
  readonly count: number
  readonly left: readonly string[]
}

async function prepare(zk: Client, root: ZnodePath): Promise<void> {
  await zk.create(root)
  await Promise.all([zk.create(`${root}/log`), zk.create(`${root}/count`, '0')])
}

/** Until `rounds` turns are taken: five processes, of which one after the other is killed and replaced, or stopped a while. */
async function contention(server: ApacheServer, zk: Client, theirs: Library, recipe: Recipe): Promise<Outcome> {
  const root: ZnodePath = `/mixed-${recipe}`
  await prepare(zk, root)
  const names = theirs === 'kazoo' ? 'kazoo' : 'curator'
  const start = (kind: Library): Contender => new Contender(kind, server.connectString, root, names, recipe)
  const alive = [start('ours'), start(theirs), start('ours'), start(theirs), start('ours')]
  const all = [...alive]
  const turns = async (): Promise<number> => (await zk.exists(`${root}/log`))?.numChildren ?? 0
  try {
    while (all.some((each) => each.steps('in').length === 0)) {
      await sleep(50)
      const dead = all.find(({ child }) => child.exitCode !== null)
      if (dead !== undefined) throw new Error(`a contender with ${dead.library} ended: ${dead.errors}`)
    }
    for (let at = 0; at < Math.max(8, rounds / 10) || (await turns()) < rounds; at++) {
      // Each in its turn, each way in its turn, neither in step with the other.
      const i = at % alive.length
      const { child, library } = alive[i] as Contender
      const way = (['long', 'kill', 'brief', 'long inside', 'kill inside', 'brief inside'] as const)[at % 6] ?? 'brief'
      if (way.endsWith('inside')) await (alive[i] as Contender).inside()
      if (way.startsWith('kill')) {
        child.kill('SIGKILL')
        const next = start(library)
        alive[i] = next
        all.push(next)
      } else {
        child.kill('SIGSTOP')
        await sleep(way.startsWith('brief') ? 300 : 3_500)
        child.kill('SIGCONT')
      }
      await sleep(300)
    }
    await Promise.all(alive.map((each) => each.finish()))
  } finally {
    for (const { child } of all) child.kill('SIGKILL')
  }
  // Those that were killed last are gone with their sessions.
  while ((await zk.children(`${root}/lock`)).children.length > 0) await sleep(100)
  return {
    contenders: all,
    turns: await turns(),
    logged: (await zk.children(`${root}/log`)).children,
    count: Number(new TextDecoder().decode((await zk.get(`${root}/count`)).data)),
    left: (await zk.children(root)).children,
  }
}

describe.each(['curator', 'kazoo'] as const)('among those of %s', (theirs) => {
  describe.skipIf(missing(theirs) !== undefined)('locks of ours', () => {
    let server: ApacheServer
    let zk: Client
    beforeAll(async () => {
      if (theirs === 'curator') buildCurator()
      server = await apache({ version: '3.8', config: { tickTime: 500 } })
      zk = await connect(server.connectString)
    })
    afterAll(async () => {
      await zk?.close()
      await server?.close()
    })

    test.each(recipes)(
      '(%s) are never had by two, through kills and stops',
      async (recipe) => {
        const { contenders, turns, logged, count, left } = await contention(server, zk, theirs, recipe)
        const told = contenders.map(({ library, said, errors }) => ({
          library,
          last: said.slice(-3),
          errors: errors.slice(-300),
        }))
        expect(contenders.flatMap((each) => each.steps('violation'))).toEqual([])
        // Nobody counted what another had counted, and everybody had a turn.
        expect(count, JSON.stringify(told)).toBe(turns)
        expect(logged.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: turns }, (_, i) => i + 1))
        expect(turns).toBeGreaterThanOrEqual(rounds)
        expect([...left].sort()).toEqual(['count', 'lock', 'log'])
        // Who was stopped inside for longer than its session was refused, of whatever kind.
        expect(contenders.flatMap((each) => [...each.steps('refused'), ...each.steps('lost')]).length).toBeGreaterThan(
          0,
        )
        for (const kind of ['ours', theirs] as const) {
          const own = contenders.filter((each) => each.library === kind)
          expect(own.flatMap((each) => each.steps('in')).length, `turns of ${kind}`).toBeGreaterThan(0)
        }
        const sum = (step: string): number => contenders.reduce((n, each) => n + each.steps(step).length, 0)
        console.log(
          `${recipe}s with ${theirs}: ${turns} turns of ${contenders.length} processes, ` +
            `${sum('refused')} refused by the guard, ${sum('lost')} lost, ${sum('failed')} without a turn`,
        )
      },
      60_000 + rounds * 2_000,
    )

    test.each(['ours', theirs] as const)(
      'shut out one of %s that was stopped inside, and its writes are refused',
      async (kind) => {
        const root: ZnodePath = `/stopped-${kind}`
        await prepare(zk, root)
        const names = theirs === 'kazoo' ? 'kazoo' : 'curator'
        const contender = new Contender(kind, server.connectString, root, names)
        const refused = (): number => contender.steps('refused').length + contender.steps('lost').length
        try {
          while (refused() === 0) {
            await contender.inside()
            contender.child.kill('SIGSTOP')
            // Its session ends, whether it was still inside or had left a moment before.
            const mine = lock(zk, `${root}/lock`, { names })
            const held = await mine.acquire({ timeout: 20_000 })
            const { data } = await zk.get(`${root}/count`)
            await sleep(4_000)
            contender.child.kill('SIGCONT')
            await sleep(500)
            expect((await zk.get(`${root}/count`)).data, 'written by one who had lost the lock').toEqual(data)
            await held.release()
            await sleep(200)
          }
          await contender.finish()
          expect(contender.steps('violation')).toEqual([])
        } finally {
          contender.child.kill('SIGKILL')
        }
      },
    )

    test('terms follow theirs, and theirs ours, and each sees who leads', async () => {
      const root: ZnodePath = '/terms'
      await prepare(zk, root)
      const names = theirs === 'kazoo' ? 'kazoo' : 'curator'
      const one = election(zk, `${root}/lock`, { id: 'ours', names })
      const terms = one.terms()
      const { value: first } = await terms.next()
      const contender = new Contender(theirs, server.connectString, root, names, 'election')
      try {
        while ((await one.candidates()).length < 2) await sleep(20)
        expect((await one.candidates()).map(({ id }) => id)).toEqual(['ours', theirs])
        expect(contender.steps('in')).toEqual([])
        await first?.resign()
        while (contender.steps('in').length === 0) await sleep(20)
        const { value: second } = await terms.next()
        expect(second?.epoch).toBeGreaterThan(first?.epoch ?? 0n)
        expect((await one.leader())?.id).toBe('ours')
        await terms.return()
        await contender.finish()
        expect(contender.steps('violation')).toEqual([])
      } finally {
        contender.child.kill('SIGKILL')
      }
    })

    test('are waited for by theirs, and wait for them', async () => {
      const root: ZnodePath = '/turns'
      await prepare(zk, root)
      const names = theirs === 'kazoo' ? 'kazoo' : 'curator'
      const held = await lock(zk, `${root}/lock`, { names }).acquire()
      const contender = new Contender(theirs, server.connectString, root, names)
      try {
        while ((await lock(zk, `${root}/lock`).waiting()).length === 0) await sleep(20)
        expect(contender.steps('in')).toEqual([])
        await held.release()
        while (contender.steps('in').length === 0) await sleep(20)
        // It goes on taking turns: between two of them it lets us in.
        await using again = await lock(zk, `${root}/lock`, { names }).acquire({ timeout: 20_000 })
        expect(again.fencingToken).toBeGreaterThan(held.fencingToken)
        await again.release()
        await contender.finish()
        expect(contender.steps('violation')).toEqual([])
      } finally {
        contender.child.kill('SIGKILL')
      }
    })
  })
})
