import { expect, test } from 'vitest'
import { Bench, directory } from './storage.harness.ts'

test('removes each old file once, however long a removal takes', async () => {
  const bench = new Bench(1, { snapCount: 2 })
  const removed: string[] = []
  const runtimeOf = bench.world.runtime.bind(bench.world)
  bench.world.runtime = (host) => {
    const runtime = runtimeOf(host)
    const remove = async (path: string): Promise<void> => {
      removed.push(path)
      await new Promise<void>((resolve) => runtime.clock.after(50, resolve))
      await runtime.disk.remove(path)
    }
    return { ...runtime, disk: { ...runtime.disk, remove } }
  }
  const storage = await bench.open()
  await bench.creates(60)
  await bench.close()
  const purged = removed.filter((path) => /\/(snapshot|log)\.[0-9a-f]+$/.test(path))
  expect(purged.length).toBeGreaterThan(3)
  expect(new Set(purged).size).toBe(purged.length)
  expect(storage.snapshotDirectory).toBe(directory)
  expect((await bench.recover()).lastZxid).toBe(bench.lastZxid)
})
