/** An observer of ours in a real ensemble of Apache: it has everything they have, and serves clients as they do. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import type { RunningServer } from '@lightkeeper/server'
import type { ApacheServer } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/wait.ts'
import {
  connectTo,
  digestsAt,
  figure,
  missingVersion,
  modeAt,
  observer,
  serving,
  sharedTree,
  textAt,
  trio,
  versions,
} from './trio.ts'

for (const version of versions) {
  describe.skipIf(missingVersion(version) !== undefined)(`an observer among three of Apache ${version}`, () => {
    let folder: string
    let others: ApacheServer
    let ours: RunningServer
    let port: number

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'lightkeeper-observer-'))
      others = await trio(version)
      await using zk = await connect(others.connectString)
      await zk.create('/before', 'it came')
      const [guest] = others.guests
      if (guest === undefined) throw new Error('the ensemble has no guest')
      port = guest.clientPort
      ours = await observer(guest, { dataDir: folder })
      await serving(port)
    })
    afterAll(async () => {
      await ours?.close()
      await others?.close()
      rmSync(folder, { recursive: true, force: true })
    })

    test('has what was there before it came, and what comes afterwards', async () => {
      await using there = await connect(others.connectString)
      await using here = await connectTo(port)
      expect(await textAt(here, '/before')).toBe('it came')
      await there.create('/after', 'it is here')
      expect(await textAt(here, '/after')).toBe('it is here')
    })

    test('passes writes on, and answers them with what the leader made of them', async () => {
      await using here = await connectTo(port)
      await using there = await connect(others.connectString)
      expect((await here.create('/written-', 'x', { sequential: true })).path).toMatch(/^\/written-\d{10}$/)
      await here.create('/versions', 'a')
      expect((await here.set('/versions', 'b')).version).toBe(1)
      await expect(here.set('/versions', 'c', { version: 0 })).rejects.toMatchObject({ code: 'BAD_VERSION' })
      await expect(here.create('/versions', 'again')).rejects.toMatchObject({ code: 'NODE_EXISTS' })
      expect(await textAt(there, '/versions')).toBe('b')
    })

    test('says what an observer of Apache says', async () => {
      expect(await modeAt(port)).toBe('observer')
    })

    test('has the same tree and the same digests as the leader', async () => {
      await using here = await connectTo(port)
      await using there = await connectTo(others.ports[(await others.leader()) as number] as number)
      for (let i = 0; i < 300; i++) await here.create(`/digest-${i}`, `${i}`)
      expect(await sharedTree(here)).toEqual(await sharedTree(there))
      // What each member says of the ensemble is its own text, and the same one.
      expect(await textAt(here, '/zookeeper/config')).toBe(await textAt(there, '/zookeeper/config'))
      const [own, theirs] = [await digestsAt(port), await digestsAt(others.ports[0] as number)]
      const common = [...own.keys()].filter((zxid) => theirs.has(zxid))
      expect(common.length).toBeGreaterThan(0)
      for (const zxid of common) expect(own.get(zxid), zxid).toBe(theirs.get(zxid))
      expect(await figure(port, 'digest_mismatches_count')).toBe(0)
    })

    test('closes a session in the whole ensemble, with its ephemerals', async () => {
      const here = await connectTo(port)
      await using there = await connect(others.connectString)
      await here.create('/ephemeral', '', { mode: 'ephemeral' })
      await there.sync('/ephemeral')
      expect(await there.exists('/ephemeral')).not.toBeUndefined()
      await here.close()
      await until(async () => (await there.exists('/ephemeral')) === undefined)
    })
  })
}
