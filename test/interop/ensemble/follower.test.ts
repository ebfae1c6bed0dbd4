/** A voter of ours with two servers of Apache: one of the three may go, and the other two go on, whichever it is. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import type { ApacheServer, Guest } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/wait.ts'
import { areEqual, connectTo, leaderOf, missingVersion, Ours, pair, textAt, versions, voting, zxidAt } from './trio.ts'

for (const version of versions) {
  describe.skipIf(missingVersion(version) !== undefined)(`a voter of ours with two of Apache ${version}`, () => {
    let folder: string
    let others: ApacheServer
    let guest: Guest
    let port: number
    let ours: Ours

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'lightkeeper-voter-'))
      others = await pair(version, { dataDir: join(folder, 'apache') })
      guest = others.guests[0] as Guest
      ours = new Ours(guest, join(folder, 'voter'), voting)
      port = ours.port
      await ours.start()
    })
    afterAll(async () => {
      await ours?.stop()
      await others?.close()
      rmSync(folder, { recursive: true, force: true })
    })

    const isEqual = async (): Promise<void> => {
      await leaderOf(others, port)
      await areEqual(port, others.ports.slice(0, 1))
    }

    test('follows, and passes on what its clients write', async () => {
      await using here = await connectTo(port)
      await using there = await connect(others.connectString)
      await there.create('/there', 'a')
      await here.create('/here', 'b')
      expect([await textAt(here, '/there'), await textAt(there, '/here')]).toEqual(['a', 'b'])
      await expect(here.create('/here', '')).rejects.toMatchObject({ code: 'NODE_EXISTS' })
    })

    test('answers writes and syncs in their order, however many are under way', async () => {
      await using here = await connectTo(port)
      await using second = await connectTo(port)
      await here.create('/counted', '')
      const work: Promise<unknown>[] = []
      for (let i = 0; i < 200; i++) {
        for (const zk of [here, second]) work.push(zk.set('/counted', `${i}`), zk.sync('/counted'))
      }
      await Promise.all(work)
      expect((await here.get('/counted')).stat.version).toBe(400)
      await isEqual()
    })

    test('is the vote that decides while another server is away', async () => {
      // Where ours leads, its follower is the vote that decides.
      const left = (await leaderOf(others, port)) % 2
      await others.kill(1 - left)
      await using here = await connectTo(port)
      await using there = await connectTo(others.ports[left] as number)
      for (let i = 0; i < 50; i++) await (i % 2 === 0 ? here : there).create(`/alone-${i}`, '')
      expect(await textAt(there, '/alone-48')).toBe('')
      await others.restart(1 - left)
      await isEqual()
    })

    test('goes on with the other one when the leader is killed, as its follower or its leader', async () => {
      const before = await leaderOf(others, port)
      if (before === 2) await ours.stop()
      else await others.kill(before)
      const left = before === 0 ? 1 : 0
      await using zk = await connect(`127.0.0.1:${others.ports[left]},127.0.0.1:${port}`)
      for (let i = 0; i < 20; i++) {
        await until(() =>
          zk.set('/here', `${i}`).then(
            () => true,
            () => false,
          ),
        )
      }
      if (before === 2) await ours.start()
      else await others.restart(before)
      await isEqual()
    })

    test('has what it missed after a restart, with its sessions', async () => {
      const held = await connectTo(port, { sessionTimeout: 10_000 })
      await held.create('/held', '', { mode: 'ephemeral' })
      await ours.stop()
      await using there = await connect(others.connectString)
      for (let i = 0; i < 50; i++) await there.create(`/missed-${i}`, '')
      await ours.start()
      await isEqual()
      expect((await held.exists('/held'))?.ephemeralOwner).toBe(held.sessionId)
      await held.close()
    })

    test('gives its directory to a server of Apache, and takes it back', async () => {
      await ours.stop()
      const theirs = await guest.start(ours.dataDir)
      expect(await theirs.mode()).toMatch(/follower|leader/)
      await using there = await connect(others.connectString)
      for (let i = 0; i < 20; i++) await there.create(`/theirs-${i}`, '')
      await there.sync('/')
      await until(async () => (await zxidAt(port)) >= (await zxidAt(others.ports[0] as number)))
      await theirs.stop()
      await leaderOf(others)
      for (let i = 0; i < 20; i++) await there.create(`/back-${i}`, '')
      await ours.start()
      await isEqual()
      expect(readdirSync(join(ours.dataDir, 'version-2'))).toEqual(
        expect.arrayContaining(['acceptedEpoch', 'currentEpoch']),
      )
    })

    test('gives no vote from a damaged directory, and gets everything', async () => {
      await ours.stop()
      const version2 = join(ours.dataDir, 'version-2')
      const [newest] = readdirSync(version2)
        .filter((name) => name.startsWith('log.'))
        .sort()
        .reverse()
      writeFileSync(join(version2, newest as string), 'this was a log')
      await ours.start()
      expect(ours.said('the data directory is damaged')).toBe(true)
      expect(ours.said('the leader sends everything')).toBe(true)
      await isEqual()
      await ours.stop()
      await ours.start()
      await isEqual()
    })
  })
}
