/** A partitioner: never two at work on one item, and everything is worked on in the end, evenly. */
import { partitioner } from '@lightkeeper/recipes'
import { describe, expect, test } from 'vitest'
import { seeds } from '../stage.ts'
import { everything, scene } from './scene.ts'

const items = Array.from({ length: 7 }, (_, i) => `item ${i}`)

describe('a partitioner', () => {
  test.each(seeds(150))('gives each item to one member at a time, and to one in the end, seed %i', (seed) =>
    scene(
      seed,
      { clients: 4, cutMsMax: 9_000 },
      async ({ clients, random, pause }) => {
        const workers = new Map<string, number>()
        const problems: string[] = []
        const work =
          (i: number) =>
          async (item: string, signal: AbortSignal): Promise<void> => {
            if (workers.has(item)) problems.push(`${i} works on ${item} beside ${workers.get(item)}`)
            workers.set(item, i)
            await new Promise<void>((resolve) => {
              if (signal.aborted) resolve()
              else signal.addEventListener('abort', () => resolve(), { once: true })
            })
            // A lease ends before its session does: there is time to stop.
            await pause(random.below(50))
            workers.delete(item)
          }
        const join = (i: number) => {
          const zk = clients[i]
          if (zk === undefined) throw new Error('no client')
          return partitioner(zk, '/app/p', { items, work: work(i), identifier: `m${i}` })
        }
        const members = new Map<number, Awaited<ReturnType<typeof join>>>()
        for (let step = 0; step < 6; step++) {
          const i = random.below(clients.length)
          const member = members.get(i)
          if (member === undefined) members.set(i, await join(i))
          else if (random.oneIn(2)) {
            members.delete(i)
            await member.close()
          }
          await pause(random.below(3_000))
        }
        if (members.size === 0) members.set(0, await join(0))
        return { members, workers, problems }
      },
      async ({ clients, pause }, { members, workers, problems }) => {
        await pause(20_000)
        expect(problems).toEqual([])
        const shares = [...members.values()].map(({ held }) => held.size)
        expect(
          shares.reduce((sum, n) => sum + n, 0),
          'items held',
        ).toBe(items.length)
        expect(Math.max(...shares) - Math.min(...shares), `shares ${shares.join()}`).toBeLessThanOrEqual(1)
        expect(workers.size).toBe(items.length)
        await Promise.all([...members.values()].map((member) => member.close()))
        expect(workers.size).toBe(0)
        await pause(3_000)
        const [zk] = clients
        const left = zk === undefined ? ['no client'] : await everything(zk)
        const containers = ['', '/assignment', '/locks', '/locks/%marks', '/members'].map((name) => `/app/p${name}`)
        expect(left.filter((path) => !['/', '/app', ...containers].includes(path))).toEqual([])
      },
    ),
  )
})
