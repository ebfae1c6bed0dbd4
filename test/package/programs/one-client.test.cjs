/** A test file for Jest as it comes: its loader knows CommonJS only, and its modules are not those of Node's loader. */
const client = require('@lightkeeper/client')
const lightkeeper = require('lightkeeper')
const recipes = require('lightkeeper/recipes')
const { startServer } = require('lightkeeper/server')

test('one client, one class of errors, one server, whatever the package', async () => {
  expect(Object.keys(client).filter((name) => client[name] !== lightkeeper[name])).toEqual([])
  const server = await startServer({ port: 0 })
  const zk = await lightkeeper.connect(server.connectString)
  try {
    const error = await zk.get('/nowhere').catch((reason) => reason)
    expect(error).toBeInstanceOf(client.KeeperError)
    expect([error instanceof Error, client.KeeperError.is(error, 'NO_NODE')]).toEqual([true, true])
    expect((await zk.create('/a', Buffer.from([1, 2, 3]))).path).toBe('/a')
    const held = await recipes.lock(zk, '/locks/a').acquire({ signal: AbortSignal.timeout(10_000) })
    expect(await held.close()).toBe(undefined)
    expect((await zk.get('/a')).data).toEqual(new Uint8Array([1, 2, 3]))
  } finally {
    await zk.close()
    await server.close()
  }
})
