/** Writes through a client that leave one of everything in a data directory: every kind of znode and of transaction. */
import { type Client, creatorAcl, KeeperError, op } from '@lightkeeper/client'

/** `other` holds a session of its own, which stays; `client` must have an identity. TTL znodes must be allowed. */
export async function writeVariedTree(client: Client, other: Client): Promise<void> {
  await client.create('/plain', 'data')
  await client.create('/plain/empty', '')
  await client.create('/plain/null', null)
  await client.create('/plain/ümlaut-日本', 'é')
  for (let i = 0; i < 12; i++) await client.create('/plain/s-', `${i}`, { sequential: true })
  await client.delete('/plain/s-0000000003')
  await client.set('/plain', 'changed')
  await client.set('/plain', 'changed again', { version: 1 })
  await client.create('/large', new Uint8Array(300_000).fill(7))
  await client.create('/private', 'secret', { acl: creatorAcl })
  await client.create('/acl', '')
  await client.setAcl('/acl', [
    { perms: 31, id: { scheme: 'world', id: 'anyone' } },
    { perms: 1, id: { scheme: 'ip', id: '10.0.0.0/8' } },
  ])
  await client.create('/container', '', { mode: 'container' })
  await client.create('/container/child', '')
  await client.create('/ttl', 'short', { mode: { ttl: 3_600_000 } })
  await client.create('/zookeeper/quota/plain', '', {})
  await client.create('/zookeeper/quota/plain/zookeeper_limits', 'count=1000,bytes=-1')
  await client.create('/zookeeper/quota/plain/zookeeper_stats', 'count=0,bytes=0')
  await client.create('/plain/counted', '12345')
  await client.transaction(
    op.create('/multi', 'one'),
    op.create('/multi/a', 'two'),
    op.set('/multi', 'three'),
    op.check('/multi', 1),
    op.delete('/multi/a'),
  )
  await expectCode('TRANSACTION_FAILED', client.transaction(op.create('/never', ''), op.delete('/missing')))
  await expectCode('NO_NODE', client.create('/missing/child', ''))
  await expectCode('BAD_VERSION', client.set('/plain', '', { version: 77 }))
  await client.create('/plain/owned', 'mine', { mode: 'ephemeral' })
  await other.create('/other', 'theirs', { mode: 'ephemeral' })
  await other.create('/other-', 'theirs', { mode: 'ephemeral', sequential: true })
}

/** A session that ends and takes its ephemerals along. */
export async function writeAndLeave(client: Client): Promise<void> {
  await client.create('/leaving', '', { mode: 'ephemeral' })
  await client.create('/leaving-', '', { mode: 'ephemeral', sequential: true })
  await client.close()
}

async function expectCode(code: Parameters<typeof KeeperError.is>[1], call: Promise<unknown>): Promise<void> {
  const error = await call.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  if (!KeeperError.is(error, code)) throw new Error(`expected ${code}, got ${String(error)}`)
}
