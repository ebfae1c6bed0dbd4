/** Containers and TTL znodes that may go (server-semantics §11). */
import { opCode } from '@lightkeeper/protocol'
import { expect } from 'vitest'
import { type Chapter, chapter, fact } from './fact.ts'
import { Wire } from './wire.ts'

const container = { type: opCode.createContainer, flags: 4 } as const
const ttl = (ms: bigint) => ({ type: opCode.createTTL, flags: 5, ttl: ms }) as const

async function gone(wire: Wire, path: string): Promise<void> {
  while ((await wire.read(opCode.exists, path)).code === 'OK') await new Promise((resolve) => setTimeout(resolve, 20))
}
const isThere = async (wire: Wire, path: string): Promise<boolean> =>
  (await wire.read(opCode.exists, path)).code === 'OK'

/** The server's clock, wall-clock milliseconds. */
async function serverTime(c: Chapter): Promise<bigint> {
  const path = await c.wire.made(c.unique())
  return (await c.wire.stat(path)).ctime
}

/** Resolves when at least one round of the reaper has looked at everything that was there at the call. */
async function aRoundLater(c: Chapter): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const probe = await c.wire.made(c.unique(), container)
    await c.wire.made(`${probe}/a`)
    await c.wire.delete(`${probe}/a`)
    await gone(c.wire, probe)
  }
}

chapter('reaping', { extendedTypesEnabled: true, containerCheckMs: 300 }, (c) => {
  fact('an emptied container goes, one never used stays, and the events are those of a delete', async () => {
    const used = await c.wire.made(c.unique(), container)
    const unused = await c.wire.made(c.unique(), container)
    await c.wire.made(`${used}/a`)
    await c.wire.read(opCode.exists, used, true)
    await c.wire.read(opCode.getChildren, '/', true)
    await c.wire.delete(`${used}/a`)
    expect(await c.wire.event()).toMatchObject({ type: 2, path: used })
    expect(await c.wire.event()).toMatchObject({ type: 4, path: '/' })
    await gone(c.wire, used)
    expect(await isThere(c.wire, unused)).toBe(true)
  })
  fact('a container with children stays', async () => {
    const path = await c.wire.made(c.unique(), container)
    await c.wire.made(`${path}/a`)
    await c.wire.made(`${path}/b`)
    await c.wire.delete(`${path}/a`)
    await aRoundLater(c)
    expect(await isThere(c.wire, path)).toBe(true)
  })
  fact('containers in containers go from the inside out', async () => {
    const outer = await c.wire.made(c.unique(), container)
    const inner = await c.wire.made(`${outer}/in`, container)
    await c.wire.made(`${inner}/a`)
    await c.wire.delete(`${inner}/a`)
    await gone(c.wire, outer)
    expect(await isThere(c.wire, inner)).toBe(false)
  })
  fact('a container goes when the session of its last child has ended', async () => {
    const path = await c.wire.made(c.unique(), container)
    const other = await c.connect()
    await other.made(`${path}/e`, { flags: 1 })
    await aRoundLater(c)
    expect(await isThere(c.wire, path)).toBe(true)
    await other.close()
    await gone(c.wire, path)
  })
  fact('a reaped container takes one zxid, and its parent has it as pzxid', async () => {
    const parent = await c.wire.made(c.unique())
    const path = await c.wire.made(`${parent}/c`, container)
    await c.wire.made(`${path}/a`)
    const deleted = await c.wire.delete(`${path}/a`)
    await gone(c.wire, path)
    const { pzxid, cversion } = await c.wire.stat(parent)
    expect([pzxid > deleted.zxid, cversion]).toEqual([true, 2])
  })
  fact('an emptied container goes after a restart as well', async () => {
    const path = await c.wire.made(c.unique(), container)
    await c.wire.made(`${path}/a`)
    await c.wire.delete(`${path}/a`)
    await c.server.crashAndRestart()
    const wire = await Wire.connect(c.server.port)
    await gone(wire, path)
    await wire.close()
  })
})

chapter('reaping of TTL znodes', { extendedTypesEnabled: true, containerCheckMs: 300 }, (c) => {
  fact('a TTL znode goes when its time is up, and not while it has children', async () => {
    const short = await c.wire.made(c.unique(), ttl(100n))
    const parent = await c.wire.made(c.unique(), ttl(100n))
    await c.wire.made(`${parent}/a`)
    await gone(c.wire, short)
    expect(await isThere(c.wire, parent)).toBe(true)
    await c.wire.delete(`${parent}/a`)
    await gone(c.wire, parent)
  })
  fact('a TTL znode stays until its time is up', async () => {
    const path = await c.wire.made(c.unique(), ttl(600_000n))
    await aRoundLater(c)
    expect(await isThere(c.wire, path)).toBe(true)
  })
  fact('setData starts the time anew, what happens to children does not', async () => {
    // A child keeps both of them over their time; then one is set, and both lose their child, in one transaction.
    const ttlMs = 3_000n
    for (let wasInTime = false; !wasInTime; ) {
      const [set, left] = [await c.wire.made(c.unique(), ttl(ttlMs)), await c.wire.made(c.unique(), ttl(ttlMs))]
      for (const path of [set, left]) await c.wire.made(`${path}/a`)
      const { ctime } = await c.wire.stat(left)
      while ((await serverTime(c)) - ctime <= ttlMs) await new Promise((resolve) => setTimeout(resolve, 100))
      await c.wire.multi([
        { type: opCode.setData, path: set, data: null, version: -1 },
        { type: opCode.delete, path: `${set}/a`, version: -1 },
        { type: opCode.delete, path: `${left}/a`, version: -1 },
      ])
      const { mtime } = await c.wire.stat(set)
      await gone(c.wire, left)
      const isStillThere = await isThere(c.wire, set)
      wasInTime = (await serverTime(c)) - mtime < ttlMs
      if (wasInTime) expect(isStillThere).toBe(true)
      await gone(c.wire, set)
    }
  })
  fact('a TTL znode may be deleted and set by hand', async () => {
    const path = await c.wire.made(c.unique(), ttl(600_000n))
    expect((await c.wire.set(path, 'x', 0)).code).toBe('OK')
    expect((await c.wire.delete(path, 1)).code).toBe('OK')
  })
})

chapter('containers that were never used', { containerCheckMs: 300, containerNeverUsedMs: 500 }, (c) => {
  fact('go when they are older than the limit', async () => {
    const path = await c.wire.made(c.unique(), container)
    await gone(c.wire, path)
  })
})

chapter('the pace of reaping', { containerCheckMs: 300, containerMaxPerMinute: 1 }, (c) => {
  fact('no more go in a minute than the limit says', async () => {
    const parent = await c.wire.made(c.unique())
    const paths = ['a', 'b', 'c'].map((name) => `${parent}/${name}`)
    for (const path of paths) {
      await c.wire.made(path, container)
      await c.wire.made(`${path}/x`)
    }
    await c.wire.multi(paths.map((path) => ({ type: opCode.delete, path: `${path}/x`, version: -1 })))
    while ((await c.wire.children(parent)).length === 3) await new Promise((resolve) => setTimeout(resolve, 20))
    const begun = await serverTime(c)
    // Several rounds would have come and gone.
    while ((await serverTime(c)) - begun < 2_000n) await new Promise((resolve) => setTimeout(resolve, 100))
    if ((await serverTime(c)) - begun < 50_000n) expect((await c.wire.children(parent)).length).toBe(2)
  })
})
