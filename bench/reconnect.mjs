// @ts-check
/**
 * Clients over real sockets while their server is away: how many lose their sessions, and how long after its return they are
 * connected again. The server is stopped and started again on its directory, several times. `--help` lists the options.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connect } from '@lightkeeper/client'
import { startServer } from '@lightkeeper/server'

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '200' },
    timeout: { type: 'string', default: '6000' },
    outage: { type: 'string', default: '4000' },
    rounds: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(`npm run bench -- reconnect [--clients N] [--timeout MS] [--outage MS] [--rounds N]

--clients   with a session each (default 200)
--timeout   of the sessions, milliseconds (default 6000)
--outage    how long the server is away, milliseconds (default 4000)
--rounds    outages (default 3)`)
  process.exit(0)
}
const [count, sessionTimeout, outageMs, rounds] = [
  Number(values.clients),
  Number(values.timeout),
  Number(values.outage),
  Number(values.rounds),
]

const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-reconnect-'))
const start = (port = 0) => startServer({ host: '127.0.0.1', port, dataDir, tickTime: 500, maxClientCnxns: 0 })
let server = await start()
const { port } = server
const clients = await Promise.all(
  Array.from({ length: count }, () => connect(server.connectString, { sessionTimeout, connectTimeout: 30_000 })),
)
try {
  for (let round = 1; round <= rounds; round++) {
    await sleep(sessionTimeout)
    const epochs = clients.map(({ epoch }) => epoch)
    await server.close()
    await sleep(outageMs)
    server = await start(port)
    const began = performance.now()
    const back = await Promise.all(
      clients.map(async (client) => {
        for await (const state of client.states()) if (state.kind === 'connected') break
        return performance.now() - began
      }),
    )
    const lost = clients.filter(({ epoch }, i) => epoch !== epochs[i]).length
    const sorted = back.toSorted((a, b) => a - b)
    const at = (/** @type {number} */ share) => Math.round(sorted[Math.ceil(share * count) - 1] ?? 0)
    console.log(
      `round ${round}: ${lost} of ${count} sessions lost; back after ${at(0.5)} ms (half), ${at(0.99)} ms (99 %), ${at(1)} ms (all)`,
    )
  }
} finally {
  await Promise.all(clients.map((client) => client.close({ timeout: 5_000 })))
  await server.close()
  rmSync(dataDir, { recursive: true, force: true })
}
