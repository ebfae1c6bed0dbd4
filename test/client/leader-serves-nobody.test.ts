/** `leaderServes=no`: the leader orders writes and has no clients; they are at the others, and go on when another one leads. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { ask, freePorts } from '@lightkeeper/testing'
import { expect, test } from 'vitest'
import { until } from '../support/wait.ts'

test('clients are served by the followers alone, whoever leads', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-leader-serves-'))
  const ports = await freePorts(9)
  const clientPorts = ports.slice(0, 3)
  const lines = clientPorts.map((_, i) => [`server.${i + 1}`, `127.0.0.1:${ports[3 + i]}:${ports[6 + i]}`] as const)
  const start = (port: number, i: number): Promise<RunningServer> =>
    startServer({
      ...{ port, host: '127.0.0.1', dataDir: join(folder, `${i}`), myid: i + 1, members: Object.fromEntries(lines) },
      ...{ tickTime: 200, initLimit: 50, syncLimit: 20, maxSessionTimeout: 30_000, preAllocSize: 64 },
      ...{ leaderServes: false, adminEnableServer: false },
    })
  const servers = await Promise.all(clientPorts.map(start))
  const modes = (): Promise<(string | undefined)[]> =>
    Promise.all(
      clientPorts.map(async (port) => {
        const said = await ask(port, 'srvr').catch(() => undefined)
        return said === undefined ? undefined : (/^Mode: (.*)$/m.exec(said)?.[1] ?? 'not serving')
      }),
    )
  const addresses = clientPorts.map((port) => `127.0.0.1:${port}`)
  try {
    let seen: (string | undefined)[] = []
    await until(async () => {
      seen = await modes()
      return seen.filter((mode) => mode === 'follower').length === 2
    })
    const leader = seen.findIndex((mode) => mode !== 'follower')
    expect(seen[leader]).toBe('not serving')
    await using zk = await connect(addresses.join(','), { sessionTimeout: 20_000 })
    await zk.create('/held', '', { mode: 'ephemeral' })
    const owner = zk.sessionId
    await expect(connect(addresses[leader] as string, { connectTimeout: 300 })).rejects.toThrow()
    await servers[leader]?.close()
    // One of the two leads now, and the other one serves the client.
    await zk.create('/after', '')
    expect([zk.sessionId, (await zk.exists('/held'))?.ephemeralOwner]).toEqual([owner, owner])
    await until(async () => (await modes()).filter((mode) => mode === 'follower').length === 1)
  } finally {
    await Promise.all(servers.map((server) => server.close()))
    rmSync(folder, { recursive: true, force: true })
  }
})
