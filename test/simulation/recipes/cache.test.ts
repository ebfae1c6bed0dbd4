/**
 * A cache ends at the true state, its followers see how it came there, and it contains a transaction when it says so.
 */
import { type Client, KeeperError, text, type ZnodePath } from '@lightkeeper/client'
import { type Cache, type CacheChange, cache, configuration, sharedValue } from '@lightkeeper/recipes'
import { describe, expect, test } from 'vitest'
import { seeds } from '../stage.ts'
import { scene } from './scene.ts'

const paths: readonly ZnodePath[] = ['/r', '/r/a', '/r/b', '/r/a/x', '/r/a/y', '/r/b/z']

async function truth(zk: Client): Promise<Record<string, string>> {
  const { nodes } = await zk.tree('/r')
  return Object.fromEntries([...nodes].map(([path, { data }]) => [path, new TextDecoder().decode(data)]))
}

const shown = (of: Cache<string>): Record<string, string> =>
  Object.fromEntries([...of].map(({ path, value }) => [path, value]))

const byPath = (of: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1)))

describe('a cache under lost connections', () => {
  test.each(seeds(200))('ends at the true state, as do those who follow it, seed %i', (seed) =>
    scene(
      seed,
      { clients: 2, cutMsMax: 9_000 },
      async ({ clients, random, pause }) => {
        const [writer, reader] = clients as [Client, Client]
        const filled = await cache(reader, '/r', { codec: text, recursive: true, auditInterval: 0 })
        const told = new Map<string, string>()
        const problems: string[] = []
        const take = (change: CacheChange<string>): void => {
          if (change.kind === 'live' || change.kind === 'stale') return
          const known = told.get(change.path)
          const isChain = change.kind === 'created' ? known === undefined : known !== undefined
          if (!isChain) problems.push(`${change.kind} ${change.path} after ${known}`)
          if (change.kind === 'changed' && change.previous.value !== known) problems.push(`${change.path} skips`)
          if (change.kind === 'deleted') told.delete(change.path)
          else if (change.kind !== 'unreadable') told.set(change.path, change.value)
        }
        for (const each of filled) told.set(each.path, each.value)
        const stop = new AbortController()
        const following = (async () => {
          for await (const change of filled.changes({ signal: stop.signal })) {
            take(change)
            if (random.oneIn(3)) await pause(random.below(200))
          }
        })()
        for (let n = 0; n < 60; n++) {
          const path = random.pick(paths as ZnodePath[])
          const what = random.below(9)
          const call: Promise<unknown> =
            what < 4
              ? writer.create(path, `${n}`)
              : what < 6
                ? writer.delete(path)
                : writer.set(path, `${n}`).then(async ({ mzxid }) => {
                    if (!random.oneIn(3)) return
                    await filled.atLeast(mzxid)
                    const now = filled.get(path)
                    // No other client writes, so the tree holds what was written.
                    if (now?.stat.mzxid !== mzxid) problems.push(`atLeast shows ${now?.stat.mzxid}, not ${mzxid}`)
                  })
          await call.catch((error: unknown) => {
            if (!KeeperError.is(error)) throw error
          })
          if (random.oneIn(4)) await pause(random.below(100))
        }
        return { filled, told, problems, stop, following }
      },
      async ({ clients, pause }, { filled, told, problems, stop, following }) => {
        const [writer] = clients as [Client, Client]
        await pause(20_000)
        expect(problems).toEqual([])
        const now = await truth(writer)
        expect(byPath(shown(filled))).toEqual(byPath(now))
        expect(byPath(Object.fromEntries(told))).toEqual(byPath(now))
        expect(filled.freshness.kind).toBe('live')
        for (const path of paths) {
          const below = Object.keys(now).filter((each) => each.slice(0, each.lastIndexOf('/')) === path)
          expect(filled.children(path).map((name) => `${path}/${name}`)).toEqual(below.sort())
        }
        stop.abort()
        await following
        await filled.close()
        expect(filled.freshness.kind).toBe('stale')
        await expect(filled.atLeast(1n)).rejects.toMatchObject({ code: 'CLOSED' })
      },
    ),
  )

  test.each(seeds(60))('a shared value is never written over unseen, seed %i', (seed) =>
    scene(
      seed,
      { clients: 3, cutMsMax: 600 },
      async ({ clients, random, pause }) => {
        let written = 0
        let unknown = 0
        const all = clients.map(async (zk, i) => {
          await using value = await sharedValue(zk, '/app/v', text, { seed: '' })
          for (let round = 0; round < 6; round++) {
            const before = value.current?.value ?? ''
            await value.trySet(`${before}${i}`).then(
              (stat) => void (written += stat === undefined ? 0 : 1),
              (error: unknown) => {
                if (!KeeperError.is(error) || error.outcome !== 'unknown') throw error
                unknown++
              },
            )
            await pause(random.below(150))
          }
        })
        await Promise.all(all)
        return { written, unknown }
      },
      async ({ clients: [zk] }, { written, unknown }) => {
        const { data } = await (zk as Client).get('/app/v')
        expect(data.length).toBeGreaterThanOrEqual(written)
        expect(data.length).toBeLessThanOrEqual(written + unknown)
      },
    ),
  )

  test.each(seeds(60))('a configuration ends at the last good value that is there, seed %i', (seed) => {
    const codec = {
      ...text,
      decode(data: Uint8Array): string {
        const value = new TextDecoder().decode(data)
        if (value.startsWith('bad')) throw new TypeError('bad')
        return value
      },
    }
    return scene(
      seed,
      { clients: 2, cutMsMax: 9_000 },
      async ({ clients, random, pause }) => {
        const [writer, reader] = clients as [Client, Client]
        const saved: string[] = []
        const store = {
          load: async () => undefined,
          save: async (data: Uint8Array) => void saved.push(new TextDecoder().decode(data)),
        }
        const live = await configuration(reader, '/c', codec, { fallback: 'none', store })
        expect([live.current, live.source]).toEqual(['none', 'fallback'])
        const seen: string[] = []
        const stop = new AbortController()
        const following = (async () => {
          for await (const change of live.changes({ signal: stop.signal })) {
            if (change.kind === 'changed') seen.push(change.value)
          }
        })()
        let last = ''
        for (let n = 0; n < 20; n++) {
          const value = `${random.oneIn(3) ? 'bad' : 'good'} ${n}`
          await writer
            .update('/c', () => value, { idempotent: true })
            .catch((error: unknown) => {
              if (!KeeperError.is(error)) throw error
            })
          last = value
          await pause(random.below(150))
        }
        await writer.update('/c', () => `good ${last}`, { idempotent: true }).catch(() => {})
        return { live, seen, saved, stop, following }
      },
      async ({ clients: [zk], pause }, { live, seen, saved, stop, following }) => {
        await (zk as Client).update('/c', () => 'good at last', { idempotent: true })
        await pause(5_000)
        await (zk as Client).update('/c', () => 'bad again', { idempotent: true })
        await pause(5_000)
        expect([live.current, live.source]).toEqual(['good at last', 'server'])
        expect(seen.at(-1)).toBe('good at last')
        expect(seen.filter((value) => value.startsWith('bad'))).toEqual([])
        expect(saved.at(-1)).toBe('good at last')
        stop.abort()
        await following
        await live[Symbol.asyncDispose]()
      },
    )
  })
})
