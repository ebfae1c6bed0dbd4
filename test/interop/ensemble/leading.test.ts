/** A server of ours leads two of Apache, which follow, and another one, which observes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, op } from '@lightkeeper/client'
import type { ApacheServer, Guest, GuestProcess } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sleep, until } from '../../support/wait.ts'
import { areEqual, connectTo, figure, leaderOf, missingVersion, modeAt, Ours, textAt, trio, versions } from './trio.ts'

for (const version of versions) {
  describe.skipIf(missingVersion(version) !== undefined)(`ours leading servers of Apache ${version}`, () => {
    let folder: string
    let others: ApacheServer
    let observer: GuestProcess
    let port: number
    let observerPort: number
    let ours: Ours

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'lightkeeper-leading-'))
      // Ours has the largest number of the voters: among equal histories it is elected.
      others = await trio(version, { size: 2, guests: 2, guestRole: ['participant', 'observer'] })
      const [voter, watcher] = others.guests as [Guest, Guest]
      observerPort = watcher.clientPort
      ours = new Ours(voter, join(folder, 'ours'), 'follower')
      port = ours.port
      await ours.start()
      await lead()
      observer = await watcher.start(join(folder, 'observer'))
    })
    afterAll(async () => {
      await ours?.stop()
      await observer?.kill()
      await others?.close()
      rmSync(folder, { recursive: true, force: true })
      if (process.env['TRACE'] === '1') console.log(ours.lines.join('\n'))
    })

    /** Has ours elected: the leader of Apache's goes, and comes back. */
    const lead = async (): Promise<void> => {
      for (;;) {
        const mode = await modeAt(port)
        if (mode === 'leader') break
        if (mode === 'follower') await others.restart(await leaderOf(others))
        else await sleep(50)
      }
      await until(async () => (await modesOfOthers()).every((mode) => mode === 'follower'))
    }
    const modesOfOthers = (): Promise<(string | undefined)[]> => Promise.all(others.ports.map((each) => modeAt(each)))

    const isEqual = (): Promise<void> => areEqual(port, [...others.ports, observerPort])

    test('orders what clients of all of them write', async () => {
      await using here = await connectTo(port)
      await here.create('/all', '')
      for (const each of [...others.ports, observerPort, port]) {
        await using there = await connectTo(each)
        await there.create(`/all/${each}`, 'x')
        expect((await there.create('/all/n-', '', { sequential: true })).path).toMatch(/^\/all\/n-\d{10}$/)
        await expect(there.create(`/all/${each}`, '')).rejects.toMatchObject({ code: 'NODE_EXISTS' })
        const failing = there.transaction(op.create('/all/half', ''), op.check('/all', 99))
        await expect(failing).rejects.toMatchObject({ code: 'TRANSACTION_FAILED' })
        expect(await textAt(here, `/all/${each}`)).toBe('x')
      }
      for (let i = 0; i < 300; i++) await here.create(`/digest-${i}`, `${i}`)
      await isEqual()
      const followed = { learners: 3, synced_followers: 2, synced_observers: 1, synced_non_voting_followers: 0 }
      for (const [name, count] of Object.entries(followed)) expect(await figure(port, name), name).toBe(count)
    })

    test('answers writes and syncs of one follower in their order, however many are under way', async () => {
      await using here = await connectTo(others.ports[0] as number)
      await using second = await connectTo(others.ports[0] as number)
      await here.create('/counted', '')
      const work: Promise<unknown>[] = []
      for (let i = 0; i < 200; i++) {
        for (const zk of [here, second]) work.push(zk.set('/counted', `${i}`), zk.sync('/counted'))
      }
      await Promise.all(work)
      expect((await here.get('/counted')).stat.version).toBe(400)
    })

    test('ends sessions of their clients, and takes over those that move', async () => {
      const first = await connectTo(others.ports[1] as number)
      await first.create('/mine', '', { mode: 'ephemeral' })
      const second = await connectTo(port, { attach: await first.detach() })
      await second.create('/mine-too', '', { mode: 'ephemeral' })
      const third = await connectTo(observerPort, { attach: await second.detach() })
      expect((await third.exists('/mine-too'))?.ephemeralOwner).toBe(third.sessionId)
      await third.close()
      await using here = await connectTo(port)
      await here.sync('/mine')
      expect(await here.exists('/mine')).toBeUndefined()
      // Nobody is there for this one, so its clock runs out.
      const gone = await connectTo(others.ports[0] as number, { sessionTimeout: 1_000 })
      await gone.create('/gone', '', { mode: 'ephemeral' })
      await gone.detach()
      const kept = await connectTo(others.ports[1] as number, { sessionTimeout: 1_000 })
      await kept.create('/kept', '', { mode: 'ephemeral' })
      await until(async () => (await here.exists('/gone')) === undefined)
      expect((await here.exists('/kept'))?.ephemeralOwner).toBe(kept.sessionId)
      await kept.close()
    })

    test('gives a follower that was away what it missed, and one that lost its data everything', async () => {
      await using here = await connectTo(port)
      await here.create('/missed', '')
      await others.kill(0)
      for (let i = 0; i < 50; i++) await here.create(`/missed/${i}`, '')
      await others.restart(0)
      await isEqual()
      await others.kill(1)
      rmSync(join(others.directoryOf(1), 'version-2'), { recursive: true })
      await others.restart(1)
      await isEqual()
      expect(ours.said('sending everything')).toBe(true)
    })

    test('gives the lead away when it goes, and takes it again', async () => {
      await using zk = await connect(others.connectString, { sessionTimeout: 10_000 })
      await zk.create('/held', '', { mode: 'ephemeral' })
      const owner = zk.sessionId
      await ours.stop()
      await leaderOf(others)
      for (let i = 0; i < 20; i++) await zk.create(`/without-${i}`, '')
      await ours.start()
      await lead()
      await zk.create('/again', '')
      expect([zk.sessionId, (await zk.exists('/held'))?.ephemeralOwner]).toEqual([owner, owner])
      await isEqual()
    })
  })
}
