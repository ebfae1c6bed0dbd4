/** Field case F01: `update` of a znode whose parent is missing asked again for ever, 40,000 times a second. */
import { connect, json, KeeperError } from '@lightkeeper/client'
import { startServer } from '@lightkeeper/server'
import { expect, test } from 'vitest'

test('an update below a missing parent, or a missing chroot, says NO_NODE at the first refusal', async () => {
  const server = await startServer({ port: 0, host: '127.0.0.1' })
  for (const chroot of ['', '/not/there']) {
    const zk = await connect(`${server.connectString}${chroot}`)
    const calls = [
      () => zk.update('/no/such/x', () => 'v'),
      () => zk.update('/no/such/x', () => 'v', { timeout: 3_000 }),
      () => zk.node('/no/such/x', json()).update(() => ({})),
      ...(chroot === '' ? [] : [() => zk.update('/x', () => 'v', { create: { parents: true } })]),
    ]
    for (const call of calls) {
      const before = zk.stats().requests.sent
      const failure = await call().catch((error: unknown) => error)
      expect(KeeperError.is(failure, 'NO_NODE')).toBe(true)
      expect(zk.stats().requests.sent - before).toBeLessThan(10)
    }
    await zk.close()
  }
  await server.close()
})
