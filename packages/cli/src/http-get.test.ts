import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { httpGet } from './http-get.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<URL> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

test('a kept connection has all of the time again for its next request, whatever the server says of idle ones', async () => {
  let count = 0
  const sockets = new Set<Socket>()
  const origin = await serve((request, response) => {
    sockets.add(request.socket)
    const text = `${++count}`
    // The shortest one with which Node keeps a connection: it counts a second less.
    response.setHeader('keep-alive', 'timeout=2')
    if (text === '1') response.end(text)
    else setTimeout(() => response.end(text), 1_200)
  })
  const get = httpGet(origin, { timeoutMs: 30_000 })
  expect(String((await get('/', {})).body)).toBe('1')
  // The connection is free in the next turn.
  await new Promise((resolve) => setImmediate(resolve))
  expect(String((await get('/', {})).body)).toBe('2')
  expect(sockets.size).toBe(1)
})

test('a server that says nothing is given up, in words', async () => {
  const origin = await serve(() => {})
  await expect(httpGet(origin, { timeoutMs: 20 })('/', {})).rejects.toThrow(
    `cannot ask ${origin.host}: nothing came within 20 ms`,
  )
})

test('an answer that has come while this program was busy counts', async () => {
  const origin = await serve((_request, response) => response.end('here'))
  const get = httpGet(origin, { timeoutMs: 50 })
  const answer = get('/', {})
  // The request leaves, and the answer cannot be read before all of the time is over.
  await new Promise((resolve) => servers[0]?.once('request', resolve))
  const until = performance.now() + 100
  while (performance.now() < until);
  expect(String((await answer).body)).toBe('here')
})

test('kept connections that the server has closed meanwhile are no failure', async () => {
  let count = 0
  const seen = new Set<Socket>()
  const origin = await serve((request, response) => {
    count++
    // A request on a kept connection ends without an answer.
    if (seen.has(request.socket)) request.socket.destroy()
    else response.end(`${count}`)
    seen.add(request.socket)
  })
  const get = httpGet(origin, { timeoutMs: 30_000 })
  await Promise.all([get('/', {}), get('/', {}), get('/', {})])
  await new Promise((resolve) => setImmediate(resolve))
  expect(String((await get('/', {})).body)).toBe('7')
})

test('a server that is not there is named', async () => {
  const origin = await serve(() => {})
  servers.splice(0)[0]?.close()
  await expect(httpGet(origin, { timeoutMs: 30_000 })('/', {})).rejects.toThrow(`cannot ask ${origin.host}: `)
})
