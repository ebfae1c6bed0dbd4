/** Node calls `checkServerIdentity` where a throw ends the process; ours makes it a refusal of that one server. */
import { createServer } from 'node:tls'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { Authority } from '@lightkeeper/testing'
import { expect, test } from 'vitest'

test('a check that throws refuses the server, with what was thrown as the reason', async () => {
  const authority = new Authority('authority')
  const { key, cert } = authority.issue({ name: 'server', hosts: ['127.0.0.1'] })
  const server = createServer({ key, cert }, (socket) => socket.on('error', () => {}))
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const checkServerIdentity = (): undefined => {
    throw new Error('a planted bug')
  }
  const reason = await new Promise<Error | undefined>((closed) => {
    const tls = { ca: authority.cert, checkServerIdentity }
    nodeRuntime().network.connect(`127.0.0.1:${port}`, { data() {}, closed }, { tls })
  })
  server.close()
  expect(reason?.message).toBe('a planted bug')
})
