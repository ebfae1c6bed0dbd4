/** Where the leases of a semaphore are, and the mutex before them: Curator's layout, and kazoo's. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { createBelow } from '../common/container.ts'
import { type Contender, type Contest, enter, enterAs, type Rule } from '../common/contender.ts'
import type { Limit } from '../common/limit.ts'
import { lineOf } from '../common/line.ts'
import { below } from '../common/paths.ts'
import { Races } from '../common/races.ts'
import { lockStanding } from './decide.ts'
import type { LockOptions } from './lock.ts'

export interface Layout {
  readonly mutex: Contest & Rule
  /** Parent of the leases. */
  readonly path: ZnodePath
  /** Those of its children that are leases. */
  leases(children: readonly string[]): { readonly name: string }[]
  /** Makes a lease of our own. */
  enter(limit: Limit): Promise<Contender>
}

const standing: Rule['standing'] = (children, own) => lockStanding(children, own, 'write')

export function curatorLayout(zk: Client, path: ZnodePath, { data, acl }: LockOptions): Layout {
  const leases: Contest = { path: below(path, 'leases'), marker: 'lease-', names: 'curator', data, acl, root: path }
  return {
    mutex: { path: below(path, 'locks'), marker: 'lock-', names: 'curator', data, acl, root: path, standing },
    path: leases.path,
    leases: (children) => lineOf(children, ['lease-']),
    enter: (limit) => enter(zk, leases, limit),
  }
}

/** `count` leases, a number that the parent keeps as text: all who know it otherwise are refused. */
export function kazooLayout(zk: Client, path: ZnodePath, { data, acl }: LockOptions, count: number): Layout {
  const own = acl === undefined ? {} : { acl }
  return {
    mutex: { path: `${path}-__lock__`, marker: '__lock__', names: 'kazoo', data, acl, standing },
    path,
    leases: (children) => children.map((name) => ({ name })),
    async enter(limit) {
      const races = new Races(zk, limit.signal)
      for (;;) {
        const found = await zk.find(path, limit.step)
        if (found === undefined) {
          const options = { ...own, idempotent: true, ...limit.step }
          try {
            await createBelow(zk, path, `${count}`, options, { mode: 'persistent' })
          } catch (error) {
            // Another has made it: the next look finds it.
            if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
            await races.lost(error)
          }
          continue
        }
        const stored = new TextDecoder().decode(found.data)
        // Other data than a number may serve other purposes.
        if (/^\d+$/.test(stored) && Number(stored) !== count) {
          const message = `this semaphore has ${stored} leases, not ${count}`
          throw new KeeperError('INVALID_DATA', { path, operation: 'semaphore', message })
        }
        const id = Array.from(zk.random.bytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('')
        try {
          return await enterAs(zk, below(path, id), { data, acl }, limit)
        } catch (error) {
          // Somebody has deleted the parent meanwhile.
          if (!KeeperError.is(error, 'NO_NODE') || limit.signal.aborted) throw error
          await races.lost(error, `${found.stat.czxid}`)
        }
      }
    },
  }
}
