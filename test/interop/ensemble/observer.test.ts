/** An observer of ours in a real ensemble of Apache: it has everything they have, and serves clients as they do. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, op } from '@lightkeeper/client'
import type { RunningServer } from '@lightkeeper/server'
import { type ApacheServer, ask } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/wait.ts'
import {
  connectTo,
  digestsAt,
  figure,
  member,
  missingVersion,
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
      others = await trio(version, { guests: 2 })
      await using zk = await connect(others.connectString)
      await zk.create('/before', 'it came')
      const [guest] = others.guests
      if (guest === undefined) throw new Error('the ensemble has no guest')
      port = guest.clientPort
      ours = await member(guest, { dataDir: folder })
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

    test('changes nothing for a transaction that failed, whichever server was asked', async () => {
      await using here = await connectTo(port)
      await using there = await connect(others.connectString)
      await here.create('/together', '')
      for (const zk of [here, there]) {
        const failing = zk.transaction(
          op.create('/together/part', ''),
          op.check('/together', 99),
          op.delete('/together'),
        )
        await expect(failing).rejects.toMatchObject({ code: 'TRANSACTION_FAILED' })
        await here.sync('/together')
        expect(await here.exists('/together/part')).toBeUndefined()
        expect((await here.exists('/together'))?.cversion).toBe(0)
      }
      expect(await figure(port, 'digest_mismatches_count')).toBe(0)
    })

    test('says what an observer of Apache says', async () => {
      const [, second] = others.guests
      const theirs = await second?.start(join(folder, 'apache'))
      const [own, other] = [port, second?.clientPort ?? 0]
      const answers = async (word: string): Promise<[string, string]> => [await ask(own, word), await ask(other, word)]
      const keys = (text: string): string[] => text.split('\n').map((line) => line.split(/[:=\t]/, 1)[0] as string)
      for (const word of ['conf', 'srvr']) {
        const [ours, apache] = (await answers(word)).map(keys)
        expect(ours, word).toEqual(apache)
      }
      const [conf, theirConf] = await answers('conf')
      // The lines of all members are the end of both.
      expect(conf.slice(conf.indexOf('membership'))).toBe(theirConf.slice(theirConf.indexOf('membership')))
      for (const name of ['server_state', 'peer_state', 'observer_master_id', 'quorum_size', 'global_sessions']) {
        const [ours, apache] = (await answers('mntr')).map(
          (text) => new RegExp(`^zk_${name}\t.*$`, 'm').exec(text)?.[0],
        )
        expect(ours, name).toBe(apache)
        expect(ours, name).toBeDefined()
      }
      expect((await answers('isro')).join(' ')).toBe('rw rw')
      const [dump, theirDump] = await answers('dump')
      expect(dump.split('ephemeral nodes dump')[0]).toBe(theirDump.split('ephemeral nodes dump')[0])
      await theirs?.stop()
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

    test('serves a session that comes from an Apache server, and one that goes there', async () => {
      const apacheOnly = others.connectString
      const first = await connect(apacheOnly)
      await first.create('/came', '', { mode: 'ephemeral' })
      const id = first.sessionId
      const token = await first.detach()
      const here = await connectTo(port, { attach: token, onExpired: 'close' })
      expect(here.sessionId).toBe(id)
      // What it wrote there it sees here at once.
      expect((await here.exists('/came'))?.ephemeralOwner).toBe(id)
      await here.create('/came-too', '', { mode: 'ephemeral' })
      const back = await connect(apacheOnly, { attach: await here.detach(), onExpired: 'close' })
      expect(back.sessionId).toBe(id)
      expect((await back.exists('/came-too'))?.ephemeralOwner).toBe(id)
      await back.close()
      await using again = await connectTo(port)
      await again.sync('/came')
      expect(await again.exists('/came')).toBeUndefined()
    })

    test('refuses a session that is over', async () => {
      const first = await connect(others.connectString)
      const token = await first.detach()
      const there = await connect(others.connectString, { attach: token })
      await there.close()
      await expect(connectTo(port, { attach: token, onExpired: 'close' })).rejects.toMatchObject({
        code: 'SESSION_EXPIRED',
      })
    })

    test('reports changes that others make, to one-shot and persistent watches', async () => {
      await using here = await connectTo(port)
      await using there = await connect(others.connectString)
      await there.create('/watched', '1')
      await here.sync('/watched')
      const { changed } = await here.get('/watched', { watch: true })
      await there.set('/watched', '2')
      expect((await changed)?.type).toBe('dataChanged')
      const seen: string[] = []
      const watching = (async () => {
        for await (const change of here.node('/watched').watch()) {
          seen.push(change.kind)
          if (change.kind === 'deleted') return
        }
      })()
      await until(() => seen.includes('ready'))
      await there.set('/watched', '3')
      await until(() => seen.includes('changed'))
      await there.delete('/watched')
      await watching
      expect(seen.filter((kind) => kind !== 'ready')).toEqual(['created', 'changed', 'deleted'])
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
