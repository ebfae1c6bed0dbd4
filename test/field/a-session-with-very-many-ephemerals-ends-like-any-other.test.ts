/** The end of a session names its ephemerals in one record of the log: of any size it would end the process, or the next start. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { opCode } from '@lightkeeper/protocol'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { inspect, startServer } from '@lightkeeper/server'
import { afterAll, expect, test } from 'vitest'
import { RawClient } from '../support/raw-client.ts'

const directory = mkdtempSync(join(tmpdir(), 'lightkeeper-ephemerals-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('its ephemerals go, and a start on that log finds them gone and everybody else’s there', async () => {
  const dataDir = join(directory, 'data')
  const options = { port: 0, dataDir, preAllocSize: 1024, forceSync: false }
  {
    await using server = await startServer(options)
    await using owner = await RawClient.open(server.port)
    await using zk = await connect(server.connectString)
    await zk.create('/theirs')
    const name = 'e'.repeat(100_000)
    for (let i = 0; i < 30; i++) expect((await owner.create(`/${name}${i}`, 1)).err).toBe(0)
    expect((await owner.call(opCode.closeSession)).err).toBe(0)
    expect((await zk.children('/')).children).toEqual(expect.arrayContaining(['theirs']))
    expect((await zk.children('/')).children).toHaveLength(2)
    await zk.create('/after')
  }
  let largest = 0
  let before = 0
  await inspect(nodeRuntime().disk, [dataDir], (entry) => {
    expect(entry.kind).not.toBe('damage')
    if (entry.kind !== 'txn') return
    largest = Math.max(largest, entry.offset - before)
    before = entry.offset
  })
  expect(largest).toBeLessThan(300_000)
  const errors: string[] = []
  await using server = await startServer(options, {
    log: (level, message) => {
      if (level === 'error') errors.push(message)
    },
  })
  await using zk = await connect(server.connectString)
  expect([...(await zk.children('/')).children].sort()).toEqual(['after', 'theirs', 'zookeeper'])
  expect(errors).toEqual([])
})
