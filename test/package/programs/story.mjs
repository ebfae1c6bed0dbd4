// @ts-check
/**
 * What the published client is asked to do on every runtime. A line a step, as JSON; at `cut` the parent resets the connection.
 * The process must end by itself afterwards: nothing may be left open.
 */

/** @param {typeof import('@lightkeeper/client')} lib @param {string} connectString */
export async function story({ connect, json, KeeperError, op }, connectString) {
  /** @param {string} step @param {boolean} ok @param {unknown} [detail] */
  const tell = (step, ok, detail) =>
    console.log(JSON.stringify({ step, ok, detail: detail === undefined ? '' : String(detail) }))

  const zk = await connect(connectString, { sessionTimeout: 20_000, backoff: { baseMs: 10, maxMs: 50 } })
  tell('connect', zk.state.kind === 'connected' && zk.sessionId !== 0n, zk.state.kind)

  const made = await zk.create('/story/n-', 'first', { sequential: true, parents: true })
  tell('create', made.path === '/story/n-0000000000' && made.stat.version === 0, made.path)
  const got = await zk.get(made.path)
  tell('get', new TextDecoder().decode(got.data) === 'first' && got.stat.dataLength === 5, got.data)

  const large = new Uint8Array(500_000).fill(7)
  await zk.create('/story/large', large)
  const back = await zk.get('/story/large')
  tell('large', back.data.length === large.length && back.data.every((byte) => byte === 7), back.data.length)

  const handle = zk.node('/story/handle', json())
  await zk.create('/story/handle', '{"pool":1}')
  const stat = await handle.set({ pool: 2 })
  tell('set', stat.version === 1, stat.version)

  const [created, checked, written] = await zk.transaction(
    op.create('/story/t', 'x'),
    op.check('/story/handle', 1),
    op.set(made.path, 'second', { version: 0 }),
  )
  tell('transaction', created.path === '/story/t' && checked === undefined && written.version === 1, created.path)

  const refusal = await zk.set('/story/t', 'y', { version: 9 }).catch((/** @type {unknown} */ error) => error)
  tell('error', KeeperError.is(refusal, 'BAD_VERSION') && refusal.path === '/story/t', refusal)

  /** @type {string[]} */
  const seen = []
  for await (const change of zk.watch('/story/t')) {
    seen.push(change.kind)
    const wasLost = seen.includes('stale')
    if (change.kind === 'ready') await (wasLost ? zk.delete('/story/t') : zk.set('/story/t', 'z'))
    else if (change.kind === 'changed') console.log(JSON.stringify({ step: 'cut', ok: true, detail: '' }))
    else if (change.kind === 'deleted') break
  }
  tell('watch', seen.join() === 'created,ready,changed,stale,ready,deleted', seen)

  const threaded = await connect(connectString, { heartbeatThread: true })
  const byThread = await threaded.get('/story/large')
  await threaded.close()
  tell('thread', byThread.data.length === large.length, byThread.data.length)

  await zk.close()
  tell('close', String(zk.state.kind) === 'closed', zk.state.kind)
}
