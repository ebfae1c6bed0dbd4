/** Barriers: no member passes early, and none waits for ever while all are there. */
import { type Client, KeeperError } from '@lightkeeper/client'
import { barrier, doubleBarrier } from '@lightkeeper/recipes'
import { describe, expect, test } from 'vitest'
import { seeds } from '../stage.ts'
import { everything, scene } from './scene.ts'

const count = 3

describe('a double barrier', () => {
  test.each(seeds(150))('is passed by all members or by none, round after round, seed %i', (seed) =>
    scene(
      seed,
      { clients: count, cutMsMax: 600 },
      async ({ clients, random, pause }) => {
        const rounds = 4
        const entered: number[] = new Array<number>(rounds).fill(0)
        const leaving: number[] = new Array<number>(rounds).fill(0)
        const came: number[] = new Array<number>(rounds).fill(0)
        const problems: string[] = []
        const all = clients.map(async (zk, i) => {
          const own = doubleBarrier(zk, '/app/b', { count })
          for (let round = 0; round < rounds; round++) {
            await pause(random.below(300))
            came[round] = (came[round] ?? 0) + 1
            const inside = await own.enter()
            if (came[round] !== count) problems.push(`${i} is in round ${round} with ${came[round]} there`)
            entered[round] = (entered[round] ?? 0) + 1
            await pause(random.below(200))
            leaving[round] = (leaving[round] ?? 0) + 1
            await inside.leave()
            if (leaving[round] !== count) problems.push(`${i} has left round ${round} with ${leaving[round]} done`)
          }
        })
        await Promise.all(all)
        expect(problems).toEqual([])
        expect(entered).toEqual(new Array(rounds).fill(count))
      },
      async ({ clients: [zk], world }) => {
        await world.delay(3_000)
        expect(await everything(zk as Client)).toEqual(['/', '/app', '/app/b'])
      },
    ),
  )

  test.each(seeds(150))(
    'is open only when all were there at one time, though sessions end and some give up, seed %i',
    (seed) =>
      scene(
        seed,
        { clients: 4, cutMsMax: 9_000 },
        async ({ clients, random, pause, stage }) => {
          // Judged by the server's order: a member of ours is there from its creation to its deletion.
          const there = new Map<string, { from: bigint; to?: bigint }>()
          const opened: bigint[] = []
          const watcher = await stage.connect()
          const stop = new AbortController()
          const watching = (async () => {
            for await (const change of watcher.watch('/b', { children: true, signal: stop.signal })) {
              if (change.kind === 'created' || change.kind === 'changed') {
                if (change.path === '/b/ready') opened.push(change.stat.mzxid)
                else there.set(change.path, { from: change.stat.czxid })
              } else if (change.kind === 'deleted' && change.previous !== undefined && change.path !== '/b/ready') {
                const member = there.get(change.path)
                if (member !== undefined && change.zxid !== undefined) member.to = change.zxid
              }
            }
          })()
          let passed = 0
          const all = clients.map(async (zk) => {
            const own = doubleBarrier(zk, '/b', { count })
            for (let round = 0; round < 4; round++) {
              try {
                const inside = await own.enter({ timeout: 200 + random.below(6_000) })
                passed++
                await pause(random.below(100))
                await inside.leave({ timeout: 200 + random.below(6_000) })
              } catch (error) {
                if (!KeeperError.is(error, 'TIMEOUT')) throw error
              }
              await pause(random.below(300))
            }
          })
          await Promise.all(all)
          await pause(100)
          stop.abort()
          await watching
          await watcher.close()
          for (const zxid of opened) {
            const present = [...there.values()].filter(({ from, to }) => from < zxid && (to === undefined || to > zxid))
            expect(present.length, `at 0x${zxid.toString(16)}`).toBeGreaterThanOrEqual(count)
          }
          if (passed > 0) expect(opened.length).toBeGreaterThan(0)
        },
        async ({ clients: [zk], world }) => {
          await world.delay(6_000)
          const left = await everything(zk as Client)
          expect(left.filter((path) => !['/', '/b', '/b/ready'].includes(path))).toEqual([])
        },
      ),
  )
})

describe('a barrier', () => {
  test.each(seeds(100))('holds every client that comes while it exists, and none after its deletion, seed %i', (seed) =>
    scene(
      seed,
      { clients: 4, cutMsMax: 9_000 },
      async ({ clients, random, pause }) => {
        const [first, ...others] = clients as [Client, ...Client[]]
        const gate = barrier(first, '/gates/g')
        await gate.set()
        let isRemoving = false
        const early: number[] = []
        const waiting = others.map(async (zk, i) => {
          await pause(random.below(1_000))
          await barrier(zk, '/gates/g').wait()
          if (!isRemoving) early.push(i)
        })
        const impatient = barrier(others[0] as Client, '/gates/g').wait({ timeout: 300 })
        await expect(impatient).rejects.toMatchObject({ code: 'TIMEOUT' })
        await pause(500 + random.below(2_000))
        isRemoving = true
        await gate.remove()
        await Promise.all(waiting)
        expect(early).toEqual([])
        await gate.remove()
        await barrier(others[0] as Client, '/gates/g').wait()
      },
      async ({ clients: [zk] }) => expect(await everything(zk as Client)).toEqual(['/', '/gates']),
    ),
  )
})
