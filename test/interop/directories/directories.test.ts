/**
 * One data directory, two servers: what Apache wrote opens in ours and what we wrote opens in Apache, with an equal tree, the same
 * sessions, their ephemerals, and digests that agree. Clients live through every change of server.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { type ApacheServer, apache, apacheAvailable, ask } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { temporaryFolders } from '../../support/folders.ts'
import { freePort, ourProcess } from '../../support/our-process.ts'
import { dumpTree } from '../../support/tree-dump.ts'
import { writeAndLeave, writeVariedTree } from '../../support/varied-tree.ts'

const versions = ['3.8', '3.9'] as const
const auth = [{ scheme: 'digest', credentials: 'joe:pw' }]
const sessionTimeout = 40_000

/** Whether Apache saw another digest in the directory than it came to itself. */
async function digestMismatches(server: ApacheServer): Promise<number> {
  const metrics = await ask(server.ports[0] as number, 'mntr')
  return Number(/zk_digest_mismatches_count\t(\d+)/.exec(metrics)?.[1])
}

for (const version of versions) {
  const found = apacheAvailable(version)
  if (!found.available) {
    if (process.env['INTEROP'] === 'require' && version === '3.8')
      throw new Error(`Apache ${version} is required: ${found.reason}`)
    console.log(`directories of Apache ${version}: skipped, because ${found.reason}`)
  }

  describe.skipIf(!found.available)(`a data directory shared with Apache ${version}`, () => {
    const folder = temporaryFolders('directory')

    const settings = [
      { title: 'as they come', config: {}, ours: [] },
      {
        title: 'with packed snapshots taken all the time',
        config: { snapCount: 10, 'zookeeper.snapshot.compression.method': 'gz', preAllocSize: 64 },
        ours: ['--set', 'snapCount=10', '--set', 'snapshot.compression.method=snappy', '--set', 'preAllocSize=64'],
      },
      {
        title: 'with snappy on their side, gzip on ours',
        config: { snapCount: 10, 'zookeeper.snapshot.compression.method': 'snappy', preAllocSize: 64 },
        ours: ['--set', 'snapCount=10', '--set', 'snapshot.compression.method=gz', '--set', 'preAllocSize=64'],
      },
    ] as const

    for (const { title, config, ours } of settings) {
      test(`goes from them to us and back, and from us to them: ${title}`, async () => {
        const dataDir = folder()
        const real = await apache({
          version,
          dataDir,
          config: { 'zookeeper.extendedTypesEnabled': 'true', tickTime: 2000, ...config },
        })
        await using _real = real
        const port = await freePort()
        const server = join(dataDir, '1')
        const start = () =>
          ourProcess(['--port', String(port), '--data-dir', server, '--set', 'extendedTypesEnabled=true', ...ours])
        const everywhere = `${real.connectString},127.0.0.1:${port}`

        await using zk = await connect(everywhere, { auth, sessionTimeout })
        await using other = await connect(everywhere, { sessionTimeout })
        const { sessionId } = zk
        await writeVariedTree(zk, other)
        await writeAndLeave(await connect(everywhere, { sessionTimeout }))
        const theirs = await dumpTree(zk)
        expect(theirs.length).toBeGreaterThan(30)
        await real.kill()

        const first = await start()
        expect(await dumpTree(zk)).toEqual(theirs)
        expect(zk.sessionId).toBe(sessionId)
        expect(first.errors()).not.toContain('ERROR')
        await zk.create('/by-us', 'ours', { mode: 'ephemeral' })
        await zk.delete('/multi')
        await zk.set('/plain', 'set by us')
        await writeAndLeave(await connect(everywhere, { sessionTimeout }))
        for (let i = 0; i < 25; i++) await zk.create('/plain/s-', `${i}`, { sequential: true })
        const mine = await dumpTree(zk)
        await first.end('SIGKILL')

        await real.restart()
        expect(await dumpTree(zk)).toEqual(mine)
        expect(zk.sessionId).toBe(sessionId)
        expect(await digestMismatches(real)).toBe(0)
        await zk.create('/by-them', 'theirs', { mode: 'ephemeral' })
        const last = await dumpTree(zk)
        await real.stop()

        const second = await start()
        expect(await dumpTree(zk)).toEqual(last)
        // The session is still the same, and its end takes along what it owns, whichever server wrote it.
        expect(zk.sessionId).toBe(sessionId)
        await zk.close()
        const left = await dumpTreeOfOther(other)
        expect(left.filter((line) => /^\/(by-us|by-them|plain\/owned) /.test(line))).toEqual([])
        expect(left.filter((line) => line.startsWith('/other'))).toHaveLength(2)
        expect(second.errors()).not.toContain('ERROR')
        await second.end('SIGTERM')
      })
    }

    test('begun by us opens in Apache from the first snapshot on', async () => {
      const dataDir = folder()
      const own = join(dataDir, '1')
      const first = await ourProcess(['--port', '0', '--data-dir', own, '--set', 'extendedTypesEnabled=true'])
      await using zk = await connect(first.connectString, { auth, sessionTimeout })
      await using other = await connect(first.connectString, { sessionTimeout })
      await writeVariedTree(zk, other)
      const mine = await dumpTree(zk)
      await first.end('SIGKILL')
      expect(readdirSync(join(own, 'version-2'))).toContain('snapshot.0')
      await using real = await apache({ version, dataDir, config: { 'zookeeper.extendedTypesEnabled': 'true' } })
      await using reader = await connect(real, { auth })
      // Reading as another session adds nothing to the tree.
      expect(await dumpTree(reader)).toEqual(mine)
      expect(await digestMismatches(real)).toBe(0)
    })
  })
}

/** Without the znode only its owner may read. */
async function dumpTreeOfOther(client: Parameters<typeof dumpTree>[0]): Promise<string[]> {
  await client.addAuth('digest', 'joe:pw')
  return dumpTree(client)
}
