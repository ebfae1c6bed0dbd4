/** F30: `ruok` is what probes ask; it must not say `imok` where no write can be acknowledged and only a restart helps. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { startServer } from '@lightkeeper/server'
import { ask } from '@lightkeeper/testing'
import { expect, test } from 'vitest'

test('ruok, isro, srvr and mntr while the log works, when it has failed, and after a restart', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-probe-'))
  const { disk } = nodeRuntime()
  let isFull = false
  const failing: typeof disk = {
    ...disk,
    async open(path, options) {
      const file = await disk.open(path, options)
      const writeDurably = file.writeDurably.bind(file)
      file.writeDurably = (position, chunk) =>
        isFull ? Promise.reject(new Error('ENOSPC: the disk is full')) : writeDurably(position, chunk)
      return file
    },
  }
  const options = { dataDir, fourLetterWordWhitelist: '*', preAllocSize: 64 }
  const words = async (port: number): Promise<string[]> => {
    const [srvr, mntr] = [await ask(port, 'srvr'), await ask(port, 'mntr')]
    const mode = /^Mode: (.*)$/m.exec(srvr)?.[1] ?? ''
    return [await ask(port, 'ruok'), await ask(port, 'isro'), mode, /zk_server_state\t(.*)/.exec(mntr)?.[1] ?? '']
  }
  const server = await startServer({ ...options, port: 0 }, { disk: failing })
  const { port } = server
  await using zk = await connect(server.connectString, { readOnly: true })
  await zk.create('/x', '')
  expect(await words(port)).toEqual(['imok', 'rw', 'standalone', 'standalone'])
  isFull = true
  await zk.set('/x', 'lost', { timeout: 500 }).catch(() => {})
  while ((await ask(port, 'isro')) !== 'ro') await new Promise((resolve) => setImmediate(resolve))
  const failed = ['the log failed; restart this server\n', 'ro', 'read-only', 'read-only']
  expect(await words(port)).toEqual(failed)
  // It has room again, and still knows what it has lost.
  isFull = false
  expect(await words(port)).toEqual(failed)
  expect((await zk.get('/x')).stat.version).toBe(0)
  await server.close()
  const again = await startServer({ ...options, port })
  expect(await words(port)).toEqual(['imok', 'rw', 'standalone', 'standalone'])
  await zk.set('/x', 'kept')
  await again.close()
  rmSync(dataDir, { recursive: true, force: true })
})
