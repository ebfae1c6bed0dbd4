/** The places of a semaphore's leases and of the mutex before them: in Curator's layout, and in kazoo's. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { createBelow } from '../common/container.ts'
import { type EntrySpec, enter, enterAt, type LineSpec } from '../common/contender.ts'
import type { Limit } from '../common/limit.ts'
import { lineOf } from '../common/line.ts'
import type { OwnEphemeral } from '../common/own-ephemeral.ts'
import { below } from '../common/paths.ts'
import { Races } from '../common/races.ts'
import { bareName } from '../common/unique-name.ts'
import { lockStanding } from './decide.ts'
import type { LockOptions } from './lock.ts'

export interface SemaphoreLayout {
  readonly mutex: LineSpec
  /** Parent of the leases. */
  readonly path: ZnodePath
  /** The leases among its children. */
  leases(children: readonly string[]): { readonly name: string }[]
  /** Creates a lease of our own. */
  enter(limit: Limit): Promise<OwnEphemeral>
}

const standing: LineSpec['standing'] = (children, own) => lockStanding(children, own, 'write')

export function curatorLayout(zk: Client, path: ZnodePath, { data, acl }: LockOptions): SemaphoreLayout {
  const leases: EntrySpec = { path: below(path, 'leases'), marker: 'lease-', names: 'curator', data, acl, root: path }
  return {
    mutex: { path: below(path, 'locks'), marker: 'lock-', names: 'curator', data, acl, root: path, standing },
    path: leases.path,
    leases: (children) => lineOf(children, ['lease-']),
    enter: (limit) => enter(zk, leases, limit),
  }
}

/** The parent stores the number of leases as text. A client with another number is refused. */
export function kazooLayout(zk: Client, path: ZnodePath, { data, acl }: LockOptions, count: number): SemaphoreLayout {
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
            // Another client has created it: the next look finds it.
            if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
            await races.lost(error)
          }
          continue
        }
        const stored = new TextDecoder().decode(found.data)
        // Data that is no number may have another purpose.
        if (/^\d+$/.test(stored) && Number(stored) !== count) {
          const message = `the semaphore has ${stored} leases; options.leases says ${count}`
          throw new KeeperError('INVALID_DATA', { path, operation: 'semaphore', message })
        }
        try {
          return await enterAt(zk, () => below(path, bareName(zk.random)), { data, acl }, limit)
        } catch (error) {
          // Another client has deleted the parent meanwhile.
          if (!KeeperError.is(error, 'NO_NODE') || limit.signal.aborted) throw error
          await races.lost(error, `${found.stat.czxid}`)
        }
      }
    },
  }
}
