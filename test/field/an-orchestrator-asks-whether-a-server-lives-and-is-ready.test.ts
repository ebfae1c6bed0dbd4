/** Two questions of an orchestrator, over HTTP: restart it? send clients to it? A server that starts must not be restarted for that. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { startServer } from '@lightkeeper/server'
import { expect, test } from 'vitest'
import { freePort } from '../support/our-process.ts'

async function health(url: string): Promise<[live: number, ready: number, says: string]> {
  const [live, ready] = [await fetch(`${url}/livez`), await fetch(`${url}/readyz`)]
  await live.text()
  return [live.status, ready.status, (await ready.text()).trim()]
}

const options = { adminEnableServer: true, preAllocSize: 64, port: 0 }

test('a server that serves is alive and ready', async () => {
  await using server = await startServer({ ...options, adminServerPort: 0 })
  expect(await health(`http://${server.adminAddress}`)).toEqual([200, 200, 'ok'])
})

test('a server that still reads its directory is alive and not ready', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-probe-'))
  const { disk } = nodeRuntime()
  let goOn: () => void = () => {}
  const mayGoOn = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const slow: typeof disk = {
    ...disk,
    async list(directory) {
      await mayGoOn
      return disk.list(directory)
    },
  }
  const adminServerPort = await freePort()
  const starting = startServer({ ...options, dataDir, adminServerPort }, { disk: slow })
  const url = `http://127.0.0.1:${adminServerPort}`
  while ((await fetch(`${url}/livez`).catch(() => undefined)) === undefined) await new Promise(setImmediate)
  expect(await health(url)).toEqual([200, 503, 'the data directory is being read'])
  const page = (await (await fetch(`${url}/commands/ruok`)).json()) as object
  expect(page).toEqual({ command: 'ruok', error: 'This ZooKeeper instance is not currently serving requests' })
  goOn()
  await using server = await starting
  expect(await health(url)).toEqual([200, 200, 'ok'])
  await server.close()
  rmSync(dataDir, { recursive: true, force: true })
})

test('a server whose log has failed is neither', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-probe-'))
  const { disk } = nodeRuntime()
  let isFull = false
  const failing: typeof disk = {
    ...disk,
    async open(path, openOptions) {
      const file = await disk.open(path, openOptions)
      const writeDurably = file.writeDurably.bind(file)
      file.writeDurably = (position, chunk) =>
        isFull ? Promise.reject(new Error('ENOSPC: the disk is full')) : writeDurably(position, chunk)
      return file
    },
  }
  const server = await startServer({ ...options, dataDir, adminServerPort: 0 }, { disk: failing })
  const url = `http://${server.adminAddress}`
  await using zk = await connect(server.connectString, { readOnly: true })
  await zk.create('/x', '')
  isFull = true
  await zk.set('/x', 'lost', { timeout: 500 }).catch(() => {})
  while (server.logFailure === undefined) await new Promise(setImmediate)
  expect(await health(url)).toEqual([503, 503, 'the log failed; restart this server'])
  const ruok = (await (await fetch(`${url}/commands/ruok`)).json()) as object
  expect(ruok).toEqual({ command: 'ruok', error: 'the log failed; restart this server' })
  await server.close()
  rmSync(dataDir, { recursive: true, force: true })
})

test('a port that is taken does not keep the server from serving', async () => {
  const lines: string[] = []
  await using first = await startServer({ ...options, adminServerPort: 0 })
  const taken = Number(first.adminAddress?.split(':').at(-1))
  await using second = await startServer(
    { ...options, adminServerPort: taken },
    { log: (level, message) => void lines.push(`${level} ${message}`) },
  )
  expect(second.adminAddress).toBe(undefined)
  expect(lines).toContain('warn the admin port cannot be opened, and the server goes on without it')
  await using zk = await connect(second.connectString)
  expect(await zk.exists('/')).toBeTruthy()
})
