/**
 * What a watch stream promises, under faults: it ends at the true state, its changes form chains, no write is yielded
 * twice, parents come before children, and what it says it missed is what it missed.
 */
import { type Client, KeeperError, type WatchChange, type ZnodePath } from '@lightkeeper/client'
import type { SeededRandom } from '@lightkeeper/testing/sim'
import { describe, expect, test } from 'vitest'
import { text } from '../support/text.ts'
import { Stage, seeds, serverHost } from './stage.ts'

const scopes = ['node', 'children', 'tree'] as const
type Scope = (typeof scopes)[number]

/** Follows a stream and judges each change as it comes. */
class Follower {
  readonly view = new Map<string, string>()
  readonly problems: string[] = []
  /**
   * Writes that were yielded or reported as missed, by path and czxid of the znode; undefined where a count was not
   * known.
   */
  readonly told = new Map<string, number | undefined>()
  readies = 0
  readonly #mzxids = new Set<string>()
  readonly #scope: Scope

  constructor(scope: Scope) {
    this.#scope = scope
  }

  take(change: WatchChange): void {
    if (change.kind === 'ready') this.readies++
    if (change.kind === 'ready' || change.kind === 'stale') return
    const { path } = change
    const parent = path.slice(0, path.lastIndexOf('/'))
    const problem = (what: string): void =>
      void this.problems.push(`${what} at ${change.kind} ${path} via ${change.via}`)
    if (change.kind === 'unreadable') return problem(String(change.error))
    if (
      change.kind !== 'created' &&
      change.previous !== undefined &&
      text(change.previous.value) !== this.view.get(path)
    ) {
      problem(`broken chain: ${text(change.previous.value)} after ${this.view.get(path)}`)
    }
    const znode = `${path} ${change.kind === 'deleted' ? change.previous?.stat.czxid : change.stat.czxid}`
    const own = change.kind === 'changed' ? 1 : 0
    const before = this.told.has(znode) ? this.told.get(znode) : 0
    this.told.set(znode, change.missed === undefined || before === undefined ? undefined : before + change.missed + own)
    if (change.kind === 'deleted') {
      if (!this.view.has(path)) problem('unknown')
      if ([...this.view.keys()].some((each) => each.startsWith(`${path}/`))) problem('before its children')
      this.view.delete(path)
      return
    }
    const id = `${path} ${change.stat.mzxid}`
    if (this.#mzxids.has(id)) problem('told twice')
    this.#mzxids.add(id)
    if (change.kind === 'created' && this.view.has(path)) problem('there already')
    if (change.kind === 'created' && this.#scope === 'tree' && path !== '/r' && !this.view.has(parent))
      problem('no parent')
    this.view.set(path, text(change.value))
  }
}

const paths: readonly ZnodePath[] = ['/r', '/r/a', '/r/b', '/r/a/x', '/r/a/y', '/r/b/z', '/r/a/x/deep']

/** Writes at random; counts the writes of each znode, by path and czxid. */
async function write(client: Client, random: SeededRandom, writes: Map<string, number>, n: number): Promise<void> {
  const path = random.pick(paths as ZnodePath[])
  try {
    const what = random.below(9)
    if (what < 3) await client.create(path, `${n}`)
    else if (what < 5) await client.delete(path)
    else {
      const { czxid } = await client.set(path, `${n}`)
      writes.set(`${path} ${czxid}`, (writes.get(`${path} ${czxid}`) ?? 0) + 1)
    }
  } catch (error) {
    if (!KeeperError.is(error)) throw error
  }
}

async function story(seed: number, withFaults: boolean): Promise<void> {
  const stage = new Stage(seed)
  const { world } = stage
  const random = world.random.fork()
  await stage.startServer()
  const writer = await world.run(stage.connect())
  const reader = await world.run(stage.connect())
  const scope = scopes[seed % 3] as Scope
  const follower = new Follower(scope)
  const stop = new AbortController()
  const writes = new Map<string, number>()
  const isSlow = random.oneIn(2)
  const following = (async () => {
    const options = {
      recursive: scope === 'tree',
      children: scope === 'children',
      signal: stop.signal,
      auditInterval: 0,
    }
    for await (const change of reader.watch('/r', options)) {
      follower.take(change)
      if (isSlow && random.oneIn(3)) await new Promise<void>((resolve) => void world.after(random.below(30), resolve))
    }
  })()
  if (!withFaults) while (follower.readies === 0) await world.advance(5)
  const host = `c2`
  for (let round = 0; round < 80; round++) {
    const writing = write(writer, random, writes, round)
    if (random.oneIn(3)) await world.run(writing)
    if (!withFaults) continue
    if (random.oneIn(20)) world.network.reset(host, serverHost)
    if (random.oneIn(25)) {
      world.network.cut(host, serverHost)
      world.after(random.below(random.oneIn(3) ? 9000 : 500), () => world.network.heal(host, serverHost))
    }
    if (random.oneIn(4)) await world.advance(random.below(random.oneIn(8) ? 3000 : 20))
  }
  world.network.heal(host, serverHost)
  await world.advance(20_000)
  const there = new Map<string, string>()
  for (const path of paths) {
    const found = await world.run(writer.find(path))
    const isCovered = scope === 'tree' || (scope === 'node' ? path === '/r' : /^\/r\/[^/]+$/.test(path))
    if (found !== undefined && isCovered) there.set(path, text(found.data))
  }
  stop.abort()
  await world.run(following)
  expect(follower.problems, `replay with SEED=${seed}`).toEqual([])
  expect(Object.fromEntries(follower.view), `replay with SEED=${seed}`).toEqual(Object.fromEntries(there))
  if (!withFaults) {
    for (const [path, count] of follower.told) {
      // A child that is reported as deleted because its parent is.
      if (count === undefined && scope === 'tree') continue
      expect(count, `writes of ${path}, replay with SEED=${seed}`).toBe(writes.get(path) ?? 0)
    }
  }
  await world.run(Promise.all([writer.close(), reader.close()]))
  await world.run(Promise.resolve(stage.close()))
}

describe('a watch stream', () => {
  test.each(seeds(150))('counts exactly what it did not see, where it says so, seed %i', (seed) => story(seed, false))
  test.each(seeds(400))('ends at the true state through lost connections and sessions, seed %i', (seed) =>
    story(seed, true),
  )
})
