/**
 * The directory of an observer: what it lacks after a restart comes as DIFF, TRUNC or SNAP, and a server of Apache may take the
 * directory over and give it back.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, connect } from '@lightkeeper/client'
import type { ApacheServer, Guest } from '@lightkeeper/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { areEqual, connectTo, missingVersion, Ours, serving, textAt, trio, versions } from './trio.ts'

for (const version of versions) {
  describe.skipIf(missingVersion(version) !== undefined)(`the directory of an observer among Apache ${version}`, () => {
    let folder: string
    let others: ApacheServer
    let guest: Guest
    let ours: Ours

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'lightkeeper-observer-'))
      // The leader keeps 500 transactions in memory, the fewest that can be set (ZKDatabase.java), and sends none from its log.
      const config = { 'zookeeper.commitLogCount': 500, 'zookeeper.snapshotSizeFactor': -1 }
      others = await trio(version, { dataDir: join(folder, 'apache'), config })
      guest = others.guests[0] as Guest
      ours = new Ours(guest, join(folder, 'observer'), 'observer')
    })
    afterEach(async () => {
      await ours.stop()
      await others.close()
      rmSync(folder, { recursive: true, force: true })
    })

    /** How the observer got what it lacked, from what it said. */
    const sync = (): string => {
      if (ours.said('the leader sends everything')) return 'SNAP'
      return ours.said('they are removed') ? 'TRUNC' : 'DIFF'
    }
    const write = async (from: number, to: number): Promise<void> => {
      await using zk = await connect(others.connectString)
      await Promise.all(Array.from({ length: to - from }, (_, i) => zk.create(`/n${from + i}`, `${from + i}`)))
    }
    const isEqual = async (): Promise<void> => {
      await areEqual(guest.clientPort, [others.ports[(await others.leader()) as number] as number])
    }

    test('gets an image first, then what it missed, and an image again after a long time', async () => {
      await write(0, 20)
      await ours.start()
      expect(sync()).toBe('SNAP')
      await isEqual()
      await ours.stop()
      await write(20, 60)
      await ours.start()
      expect(sync()).toBe('DIFF')
      await isEqual()
      await ours.stop()
      await write(60, 700)
      await ours.start()
      expect(sync()).toBe('SNAP')
      await isEqual()
      await ours.stop()
      await ours.start()
      expect(sync()).toBe('DIFF')
      await isEqual()
    })

    test('loses what an ensemble does not have that came back from an old copy', async () => {
      await write(0, 20)
      await ours.start()
      await write(20, 40)
      await using here = await connectTo(guest.clientPort)
      expect(await textAt(here, '/n39')).toBe('39')
      for (const index of [0, 1, 2]) await others.stop(index)
      cpSync(join(folder, 'apache'), join(folder, 'copy'), { recursive: true })
      await Promise.all([0, 1, 2].map((index) => others.restart(index)))
      await serving(guest.clientPort)
      await write(40, 60)
      await using again = await connectTo(guest.clientPort)
      expect(await textAt(again, '/n59')).toBe('59')
      await ours.stop()
      for (const index of [0, 1, 2]) await others.stop(index)
      rmSync(join(folder, 'apache'), { recursive: true })
      cpSync(join(folder, 'copy'), join(folder, 'apache'), { recursive: true })
      await Promise.all([0, 1, 2].map((index) => others.restart(index)))
      await ours.start()
      expect(sync()).toBe('TRUNC')
      await isEqual()
      await write(60, 80)
      await isEqual()
      await ours.stop()
      await ours.start()
      await isEqual()
    })

    test('goes to an observer of Apache and back', async () => {
      await write(0, 20)
      await ours.start()
      await write(20, 30)
      const holder: Client = await connectTo(guest.clientPort)
      await holder.create('/held', '', { mode: 'ephemeral' })
      await ours.stop()
      const theirs = await guest.start(ours.dataDir)
      expect(await theirs.mode()).toBe('observer')
      await write(30, 50)
      await isEqual()
      // The client came along.
      expect((await holder.exists('/held'))?.ephemeralOwner).toBe(holder.sessionId)
      await theirs.stop()
      await write(50, 60)
      await ours.start()
      expect(sync()).toBe('DIFF')
      await isEqual()
      expect((await holder.exists('/held'))?.ephemeralOwner).toBe(holder.sessionId)
      await holder.close()
      expect(readdirSync(join(ours.dataDir, 'version-2'))).toEqual(
        expect.arrayContaining(['acceptedEpoch', 'currentEpoch']),
      )
    })
  })
}
