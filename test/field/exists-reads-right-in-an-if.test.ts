/** Users of other clients write `if (await zk.exists(path))`. */
import { connect, KeeperError } from '@lightkeeper/client'
import { startServer } from '@lightkeeper/server'
import { expect, test } from 'vitest'

test('exists of a missing znode is false in an if, and of one that is there it is its Stat', async () => {
  await using server = await startServer({ port: 0, host: '127.0.0.1' })
  await using zk = await connect(server)
  expect(Boolean(await zk.exists('/missing'))).toBe(false)
  expect(Boolean(await zk.exists('/missing', { atLeast: 0n, timeout: 5_000 }))).toBe(false)
  await zk.create('/there', 'data')
  const stat = await zk.exists('/there')
  expect([Boolean(stat), stat?.dataLength, stat?.version]).toEqual([true, 4, 0])
})

test('existence gives the Stat with the watch, for a missing znode and for an existing one', async () => {
  await using server = await startServer({ port: 0, host: '127.0.0.1' })
  await using zk = await connect(server)
  const missing = await zk.existence('/flag', { watch: true })
  expect(missing.stat).toBeUndefined()
  await zk.create('/flag')
  expect((await missing.changed)?.type).toBe('created')
  const there = await zk.existence('/flag', { watch: true })
  expect(there.stat?.version).toBe(0)
  await zk.delete('/flag')
  expect((await there.changed)?.type).toBe('deleted')
})

test('a refusal is never taken for absence', async () => {
  await using server = await startServer({ port: 0, host: '127.0.0.1' })
  const zk = await connect(server)
  await zk.close()
  const asked = await zk.exists('/x').catch((error: unknown) => KeeperError.is(error, 'CLOSED'))
  expect(asked).toBe(true)
})
