/** N2 and its kind: after a write has resolved, its writer reads at least that. */
import { type Client, json, text } from '@lightkeeper/client'
import { cache, configuration, counter, sharedValue } from '@lightkeeper/recipes'
import { expect, test } from 'vitest'
import { twoClients } from '../support/clients.ts'

let zk: Client
let other: Client
twoClients('/values', (given) => void ({ a: zk, b: other } = given))

const times = 200

test('a shared value: set, trySet and update, one after the other', async () => {
  await using value = await sharedValue(zk, '/shared', json<number>())
  for (let i = 0; i < times; i++) {
    const stat = await value.set(3 * i)
    expect(value.current).toEqual({ path: '/shared', value: 3 * i, stat })
    expect(await value.trySet(3 * i + 1)).toBeDefined()
    expect(value.current?.value).toBe(3 * i + 1)
    expect(await value.update((current) => (current ?? 0) + 1)).toBe(3 * i + 2)
    expect(value.current?.value).toBe(3 * i + 2)
  }
})

test('a shared value that others write and delete ends at what is there', async () => {
  await using value = await sharedValue(zk, '/contested', text)
  for (let i = 0; i < times; i++) {
    const theirs = i % 3 === 0 ? other.delete('/contested') : other.set('/contested', `theirs ${i}`)
    await Promise.all([value.set(`mine ${i}`), theirs.catch(() => {})])
  }
  await zk.sync()
  const there = await zk.find('/contested')
  while (value.current?.stat.mzxid !== there?.stat.mzxid) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(value.current?.value).toBe(there && text.decode(there.data))
})

test('a shared value whose znode is deleted right behind the write does not show it for ever', async () => {
  await using value = await sharedValue(zk, '/gone', text)
  for (let i = 0; i < times; i++) {
    await Promise.all([value.set('here'), zk.delete('/gone')]).catch(() => {})
    await zk.delete('/gone').catch(() => {})
    while (value.current !== undefined) await new Promise((resolve) => setTimeout(resolve, 1))
  }
})

test('followers of a shared value get each of its own writes once, in order', async () => {
  await using value = await sharedValue(zk, '/followed', json<number>(), { seed: -1 })
  const told: number[] = []
  const following = (async () => {
    for await (const change of value.changes()) {
      if (change.kind === 'changed') told.push(change.value)
      if (change.kind === 'changed' && change.value === times - 1) return
    }
  })()
  for (let i = 0; i < times; i++) await value.set(i)
  await following
  expect(told).toEqual([...new Set(told)].sort((a, b) => a - b))
})

test('a configuration', async () => {
  await using current = await configuration(zk, '/configuration', json<{ n: number }>(), { fallback: { n: -1 } })
  for (let n = 0; n < times; n++) {
    const stat = await current.set({ n: 2 * n })
    expect(current.current).toEqual({ n: 2 * n })
    expect(current.stat?.mzxid).toBe(stat.mzxid)
    expect(await current.set({ n: 2 * n + 1 }, { version: stat.version })).toBeDefined()
    expect(current.current).toEqual({ n: 2 * n + 1 })
    await current.update((value) => ({ n: (value?.n ?? 0) + 1 }))
    expect(current.current).toEqual({ n: 2 * n + 2 })
  }
  expect(current.source).toBe('server')
})

test('a cache: through set, and through atLeast after any other write', async () => {
  await zk.create('/cached/a', 'old', { parents: true })
  await using cached = await cache(zk, '/cached', { recursive: true, codec: text })
  for (let i = 0; i < times; i++) {
    const stat = await cached.set('/cached/a', `${i}`)
    expect(cached.get('/cached/a')).toEqual({ path: '/cached/a', value: `${i}`, stat })
    const { mzxid } = await zk.set('/cached/a', `again ${i}`)
    await cached.atLeast(mzxid)
    expect(cached.get('/cached/a')?.value).toBe(`again ${i}`)
  }
})

test('a counter', async () => {
  const count = counter(zk, '/counter', { format: 'int32' })
  for (let i = 1; i <= times; i++) {
    await count.increment()
    expect(await count.get()).toBe(i)
  }
})
