import { expect, test } from 'vitest'
import { Bench, directory } from './storage.harness.ts'
import { dataFiles, type Gap, visitTransactions } from './transactions.ts'

test('transactions behind a damaged place are visited too, where the next log begins an epoch', async () => {
  const bench = new Bench()
  await bench.open()
  await bench.creates(20)
  await bench.close()
  await bench.open()
  bench.lastZxid = 0x1_0000_0000n
  await bench.creates(3)
  await bench.close()
  bench.damage('log.1', (bytes) => bytes.fill(0x55, 700, 710))
  const zxids: bigint[] = []
  const gaps: Gap[] = []
  const { disk } = bench.world.runtime('server')
  const visit = async (): Promise<void> => {
    const visitor = {
      transaction: ({ zxid }: { zxid: bigint }) => void zxids.push(zxid),
      gap: (gap: Gap) => void gaps.push(gap),
    }
    await visitTransactions(disk, await dataFiles(disk, directory), 1n, visitor)
  }
  await bench.world.run(visit())
  expect(zxids).toHaveLength(22)
  expect(zxids.slice(-4)).toEqual([20n, 0x1_0000_0001n, 0x1_0000_0002n, 0x1_0000_0003n])
  expect(gaps).toHaveLength(1)
  expect(gaps[0]?.next).toBe((gaps[0]?.after ?? 0n) + 2n)
})
