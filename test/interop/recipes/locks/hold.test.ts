/** Locks of ours and of others, one after the other: who waits for whom, of every kind both sides have. On a real Apache 3.8. */
import { type Client, connect, type ZnodePath } from '@lightkeeper/client'
import { type Held, type Lockable, lock, readWriteLock, semaphore } from '@lightkeeper/recipes'
import { type ApacheServer, apache } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sleep } from '../../../support/wait.ts'
import { buildCurator, missing, Program } from './peers.ts'

describe.each(['curator', 'kazoo'] as const)('with %s', (theirs) => {
  describe.skipIf(missing(theirs) !== undefined)('locks of ours', () => {
    let server: ApacheServer
    let zk: Client
    let holder: Program
    let count = 0

    beforeAll(async () => {
      if (theirs === 'curator') buildCurator()
      server = await apache({ version: '3.8', config: { tickTime: 500 } })
      zk = await connect(server.connectString)
      holder = new Program(theirs, 'Holder', [server.connectString])
      await holder.says('started')
    })
    afterAll(async () => {
      await zk?.close()
      holder?.child.kill('SIGKILL')
      await server?.close()
    })

    const fresh = (): ZnodePath => `/hold-${++count}`
    const ours = (kind: string, path: ZnodePath): Lockable => {
      const sides = readWriteLock(zk, path, { names: theirs })
      return kind === 'lock' ? lock(zk, path, { names: theirs }) : kind === 'read' ? sides.read : sides.write
    }
    /** Children of a lock, however it is made. */
    const inLine = async (path: ZnodePath, n: number): Promise<void> => {
      while ((await zk.children(path).catch(() => ({ children: [] }))).children.length < n) await sleep(10)
    }

    const pairs = [
      ['lock', 'lock', 'waits'],
      ['read', 'read', 'enters'],
      ['read', 'write', 'waits'],
      ['write', 'read', 'waits'],
      ['write', 'write', 'waits'],
    ] as const

    test.each(pairs)('%s held by us, and theirs to %s: it %s', async (own, other, what) => {
      const path = fresh()
      const held = await ours(own, path).acquire()
      holder.tell(`acquire ${path} ${other} ${path}`)
      await inLine(path, 2)
      if (what === 'waits') {
        await sleep(100)
        expect(holder.steps('got')).not.toContain(path)
        await held.release()
      }
      await holder.says('got', path)
      holder.tell(`release ${path}`)
      await holder.says('released', path)
      await held.release()
      await zk.sync(path)
      expect((await zk.children(path)).children).toEqual([])
    })

    test.each(pairs)('%s held by them, and ours to %s: it %s', async (other, own, what) => {
      const path = fresh()
      holder.tell(`acquire ${path} ${other} ${path}`)
      await holder.says('got', path)
      expect((await ours(own, path).tryAcquire()) === undefined).toBe(what === 'waits')
      const acquiring = ours(own, path).acquire({ timeout: 20_000 })
      if (what === 'waits') {
        await inLine(path, 2)
        holder.tell(`release ${path}`)
      }
      await using held = await acquiring
      expect(held.signal.aborted).toBe(false)
    })

    test('a reader of theirs behind a writer of ours that waits does not overtake it', async () => {
      const path = fresh()
      holder.tell(`acquire first read ${path}`)
      await holder.says('got', 'first')
      const writing = ours('write', path).acquire({ timeout: 20_000 })
      await inLine(path, 2)
      holder.tell(`acquire second read ${path}`)
      await inLine(path, 3)
      await sleep(100)
      expect(holder.steps('got')).not.toContain('second')
      holder.tell('release first')
      const held = await writing
      expect(holder.steps('got')).not.toContain('second')
      await held.release()
      await holder.says('got', 'second')
      holder.tell('release second')
    })

    test('share the leases of a semaphore', async () => {
      const path = fresh()
      const leases = semaphore(zk, path, { leases: 2, names: theirs })
      const parent: ZnodePath = theirs === 'kazoo' ? path : `${path}/leases`
      holder.tell(`acquire s1 semaphore ${path} 2`)
      await holder.says('got', 's1')
      const held = await leases.acquire({ timeout: 20_000 })
      expect(await leases.tryAcquire()).toBeUndefined()
      holder.tell(`acquire s2 semaphore ${path} 2`)
      while ((await leases.waiting()).length === 0) await sleep(10)
      await sleep(100)
      expect(holder.steps('got')).not.toContain('s2')
      await held.release()
      await holder.says('got', 's2')
      const acquiring = leases.acquire({ timeout: 20_000 })
      await inLine(parent, 3)
      holder.tell('release s1')
      await using again: Held = await acquiring
      expect(again.remaining()).toBeGreaterThan(0)
      holder.tell('release s2')
      await holder.says('released', 's2')
    })

    // Counts that are shared, and revocation, are Curator's alone.
    if (theirs !== 'curator') return

    test('take the number of leases from a shared count', async () => {
      const path = fresh()
      holder.tell(`count ${path}-count 1`)
      await holder.says('counted', `${path}-count`)
      const leases = semaphore(zk, path, { leases: { from: `${path}-count` } })
      await using one = await leases.acquire({ timeout: 20_000 })
      expect(await leases.tryAcquire()).toBeUndefined()
      const acquiring = leases.acquire({ timeout: 20_000 })
      await inLine(`${path}/leases`, 2)
      holder.tell(`count ${path}-count 2`)
      await using two = await acquiring
      expect(two.path).not.toBe(one.path)
    })

    test('ask each other to let go', async () => {
      const path = fresh()
      const held = await lock(zk, path).acquire()
      holder.tell(`revoke ${held.path}`)
      if (!held.revoked.aborted) await new Promise((resolve) => held.revoked.addEventListener('abort', resolve))
      await held.release()
      holder.tell(`acquire r lock ${path}`)
      await holder.says('got', 'r')
      expect(await lock(zk, path).revoke()).toBe(1)
      await holder.says('revoked', 'r')
      holder.tell('release r')
      await holder.says('released', 'r')
    })
  })
})
