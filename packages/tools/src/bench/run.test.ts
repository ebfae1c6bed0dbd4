import { type Client, connect } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { benchRoot, clearGround, leftBehind, openGround } from './ground.ts'
import { type BenchPlan, benchOperations } from './operations.ts'
import { runBench } from './run.ts'

let server: RunningServer
let clients: Client[]
beforeAll(async () => {
  server = await startServer({ port: 0 })
  clients = [await connect(server), await connect(server)]
})
afterAll(async () => {
  for (const zk of clients) await zk.close()
  await server.close()
})

const zk = (): Client => clients[0] as Client
const plan = async (more: Partial<BenchPlan> = {}): Promise<BenchPlan> => ({
  operations: benchOperations,
  window: 4,
  timeMs: 40,
  bytes: 20,
  znodes: 50,
  createdMax: 300,
  writes: 0.1,
  root: await openGround(zk()),
  ...more,
})

test('measures every operation, counts what it says, and leaves nothing behind', async () => {
  const own = await plan()
  const seen: string[] = []
  const results = await runBench(clients, own, { onResult: ({ operation }) => seen.push(operation) })
  expect(results.map(({ operation }) => operation)).toEqual([...benchOperations])
  expect(seen).toEqual([...benchOperations])
  for (const { operation, count, errors, histogram, latency, perSecond } of results) {
    expect([operation, errors]).toEqual([operation, 0])
    expect(count, operation).toBeGreaterThan(0)
    expect(histogram.reduce((sum, each) => sum + each.count, 0)).toBe(count)
    for (const [i, { fromMs, toMs }] of histogram.entries()) {
      expect(toMs).toBeGreaterThan(fromMs)
      if (i > 0) expect(fromMs).toBeGreaterThan(histogram[i - 1]?.fromMs ?? 0)
    }
    expect(latency.maxMs).toBeGreaterThanOrEqual(latency.p50Ms)
    expect(perSecond).toBeGreaterThan(0)
  }
  // As many were deleted as were created, at most.
  const [made, deleted] = [results[0], results.at(-1)]
  expect(made?.count).toBeLessThanOrEqual(300)
  expect(deleted?.count).toBeLessThanOrEqual(300)
  await clearGround(zk(), own.root)
  expect(await zk().exists(benchRoot)).toBeUndefined()
})

test('create stops at its bound, and says so', async () => {
  const own = await plan({ operations: ['create'], createdMax: 20, timeMs: 60_000 })
  const [result] = await runBench(clients, own)
  expect(result).toMatchObject({ count: 20, isExhausted: true })
  await clearGround(zk(), own.root)
})

test('an aborted run rejects with the reason, and its znodes can still be deleted', async () => {
  const own = await plan({ operations: ['get', 'set'], timeMs: 60_000 })
  const stop = new AbortController()
  const run = runBench(clients, own, { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) })
  await expect(run).rejects.toThrow('enough')
  await clearGround(zk(), own.root)
  expect(await zk().exists(own.root)).toBeUndefined()
})

test('a run that was killed is found by the next one, and one that goes on is left alone', async () => {
  const other = await connect(server)
  const killed = await openGround(other)
  const running = await openGround(zk())
  expect(await leftBehind(zk())).toEqual([])
  await other.close()
  expect(await leftBehind(zk())).toEqual([killed])
  await clearGround(zk(), killed)
  // The parent stays for the other run.
  expect(await zk().exists(running)).toBeDefined()
  await clearGround(zk(), running)
  expect(await leftBehind(zk())).toEqual([])
})

test('a run whose writes all fail is given up with the reason', async () => {
  const own = await plan({ operations: ['create'], timeMs: 60_000, createdMax: 1_000_000, root: '/nowhere' })
  await expect(runBench(clients, own)).rejects.toThrow(/NO_NODE|No such znode|does not exist/i)
})
