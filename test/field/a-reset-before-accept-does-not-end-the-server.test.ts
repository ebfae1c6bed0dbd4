/** F28: checks of load balancers and port scanners connect and reset; so does an attacker. */
import { createConnection } from 'node:net'
import { connect } from '@lightkeeper/client'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { startServer } from '@lightkeeper/server'
import { ask } from '@lightkeeper/testing'
import { expect, test } from 'vitest'
import { ourProcess } from '../support/our-process.ts'

/** Connects and resets at once; resolves when the socket is gone. */
function reset(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.resetAndDestroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve())
  })
}

async function resets(port: number, count: number): Promise<void> {
  const one = async (): Promise<void> => {
    for (let i = 0; i < count / 4; i++) await reset(port)
  }
  await Promise.all([one(), one(), one(), one()])
}

const connections = async (port: number): Promise<number> =>
  Number(/^Connections: (\d+)$/m.exec(await ask(port, 'srvr'))?.[1])

test('a server process outlives a thousand resets, some of them before it accepts', async () => {
  await using server = await ourProcess(['--port', '0', '--set', 'maxClientCnxns=8'])
  await using zk = await connect(server.connectString)
  await zk.create('/counter', '0')
  let isDone = false
  const writer = (async () => {
    let written = 0
    for (; !isDone; written++) await zk.set('/counter', String(written))
    return written
  })()
  await resets(server.port, 400)
  // While the process is stopped the system accepts for it, and the reset is there before it looks.
  for (let round = 0; round < 3; round++) {
    server.child.kill('SIGSTOP')
    await resets(server.port, 100)
    server.child.kill('SIGCONT')
    await zk.get('/counter')
  }
  await resets(server.port, 400)
  isDone = true
  expect(await writer).toBeGreaterThan(0)
  expect(zk.stats().connections.established).toBe(1)
  // Nothing is counted for the address any more: eight connections are allowed, two of them are used here.
  while ((await connections(server.port)) !== 2) await new Promise((resolve) => setImmediate(resolve))
  const more = await Promise.all(Array.from({ length: 6 }, () => connect(server.connectString)))
  for (const each of more) await each.close()
  expect(server.errors()).not.toContain('ERROR')
  expect(await server.end('SIGTERM')).toBe(0)
})

test('a server within a program does not count what was reset', async () => {
  await using server = await startServer({ port: 0, maxClientCnxns: 3, fourLetterWordWhitelist: '*' })
  await resets(server.port, 200)
  while ((await connections(server.port)) !== 1) await new Promise((resolve) => setImmediate(resolve))
  const clients = await Promise.all([1, 2, 3].map(() => connect(server.connectString)))
  for (const each of clients) await each.close()
})

test('an error of ours while a connection is accepted closes that one', async () => {
  const lines: string[] = []
  const { network } = nodeRuntime()
  let isFirst = true
  const careless: typeof network = {
    ...network,
    listen: (address, accept, options) =>
      nodeRuntime({ log: (_level, message) => void lines.push(message) }).network.listen(
        address,
        (link) => {
          if (!isFirst) return accept(link)
          isFirst = false
          return accept({ ...link, remote: '' })
        },
        options,
      ),
  }
  await using server = await startServer({ port: 0, maxClientCnxns: 1 }, { network: careless })
  await reset(server.port)
  await using zk = await connect(server.connectString)
  expect(await zk.exists('/')).toBeTruthy()
  expect(lines).toEqual(['accepting a connection failed; it is closed'])
})
