/** Ports for servers that must return on the same port. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Free ports below the range that systems use for outgoing connections and for port 0: a server that is down must find
 * its port free again.
 */
export async function freePorts(count: number): Promise<number[]> {
  const free = new Set<number>()
  for (let tries = 0; free.size < count; tries++) {
    if (tries > 1_000) throw new Error('no free ports on this machine')
    const port = randomInt(12_000, 32_000)
    if (await isFree(port)) free.add(port)
  }
  return [...free]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
