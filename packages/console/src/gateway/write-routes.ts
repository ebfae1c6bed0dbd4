/** Writes. Each says which version it expects, so that nothing is overwritten unseen, and each is in the audit log. */
import { KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import { isWithin } from '@lightkeeper/protocol'
import { deleteQuota, QuotaPlaceError, type QuotaValues, quotaText, writeQuota } from '@lightkeeper/tools'
import type { Context } from 'hono'
import { audited, type WriteFacts } from '../audit.ts'
import { aclFrom, bytesFrom, pathFrom, quotaFrom, statOf, versionFrom, WrongRequest } from '../forms.ts'
import type { House } from './house.ts'
import { bodyOf, type Environment, type Routes } from './routes.ts'
import { readZnode } from './tree-routes.ts'

export function writeRoutes(app: Routes, house: House): void {
  const { zk, log } = house
  const write = <T>(c: Context<Environment>, what: WriteFacts, run: () => Promise<T>): Promise<T> =>
    audited(log, c.get('asker'), what, run)

  app.put('/api/znode', async (c) => {
    const body = await bodyOf(c)
    const path = pathFrom(body['path'])
    const data = bytesFrom(body['data'])
    const version = versionFrom(body['version'])
    const what: WriteFacts = { operation: 'set', path, facts: { version, bytes: data.length } }
    try {
      const stat = await write(c, what, () => zk.set(path, data, { version }))
      return c.json({ stat: statOf(stat) })
    } catch (error) {
      return conflict(c, house, path, error)
    }
  })

  app.post('/api/znode', async (c) => {
    const body = await bodyOf(c)
    const path = pathFrom(body['path'])
    const data = bytesFrom(body['data'] ?? '')
    const mode = modeFrom(body['mode'], body['ttl'])
    const sequential = body['sequential'] === true
    const parents = body['parents'] === true
    const facts = { mode: typeof mode === 'object' ? `ttl ${mode.ttl}` : mode, sequential, bytes: data.length }
    const created = await write(c, { operation: 'create', path, facts }, () =>
      zk.create(path, data, { mode, sequential, parents }),
    )
    return c.json({ path: created.path })
  })

  app.delete('/api/znode', async (c) => {
    const body = await bodyOf(c)
    const path = pathFrom(body['path'])
    const version = versionFrom(body['version'])
    const recursive = body['recursive'] === true
    if (path === '/') throw new WrongRequest('the root cannot be deleted')
    try {
      await write(c, { operation: 'delete', path, facts: { version, recursive } }, () =>
        zk.delete(path, { version, recursive }),
      )
      return c.json({})
    } catch (error) {
      return conflict(c, house, path, error)
    }
  })

  app.put('/api/acl', async (c) => {
    const body = await bodyOf(c)
    const path = pathFrom(body['path'])
    const acl = aclFrom(body['acl'])
    const version = versionFrom(body['aversion'])
    // Ids of digests are hashes of passwords: only their number is written.
    const what: WriteFacts = { operation: 'set acl', path, facts: { aversion: version, entries: acl.length } }
    try {
      const stat = await write(c, what, () => zk.setAcl(path, acl, { version }))
      return c.json({ stat: statOf(stat) })
    } catch (error) {
      return conflict(c, house, path, error)
    }
  })

  app.put('/api/quota', async (c) => {
    const body = await bodyOf(c)
    const path = pathFrom(body['path'])
    const limits = quotaFrom(body)
    // A quota that does not exist yet has no version.
    const version = body['version'] === undefined ? undefined : versionFrom(body['version'])
    if (path === '/' || isWithin(path, '/zookeeper')) throw new WrongRequest(`${path} cannot have a quota`)
    const facts = { version: version ?? 'none', quota: quotaText(limits) }
    try {
      const what: WriteFacts = { operation: 'set quota', path, facts }
      const written = await write(c, what, () => putQuota(house, path, limits, version))
      return c.json({ version: written })
    } catch (error) {
      if (error instanceof QuotaPlaceError) throw new WrongRequest(error.message)
      // Two that create it, or one that changes what another one took away.
      const isOvertaken = KeeperError.is(error, 'NODE_EXISTS') || KeeperError.is(error, 'NO_NODE')
      if (isOvertaken && (await zk.exists(path)) !== undefined) return overtaken(c, house, path)
      return conflict(c, house, path, error)
    }
  })
}

/** Gives `path` these limits; without any, the quota that it has is taken away. Resolves to the version of what is there then. */
async function putQuota(
  { zk }: House,
  path: ZnodePath,
  limits: QuotaValues,
  version: number | undefined,
): Promise<number | undefined> {
  if (Object.keys(limits).length > 0) return writeQuota(zk, path, limits, version)
  if (version !== undefined) await deleteQuota(zk, path, version)
  return undefined
}

/** The znode as it is now goes with the answer, so that the page can show both. Other errors are thrown on. */
async function conflict(c: Context<Environment>, house: House, path: ZnodePath, error: unknown): Promise<Response> {
  if (!KeeperError.is(error, 'BAD_VERSION')) throw error
  return overtaken(c, house, path)
}

async function overtaken(c: Context<Environment>, house: House, path: ZnodePath): Promise<Response> {
  const message = `${path} was changed meanwhile; nothing was written`
  return c.json({ code: 'BAD_VERSION', message, current: await readZnode(house, path) }, 409)
}

type Mode = 'persistent' | 'container' | { readonly ttl: number }

/** An ephemeral would belong to the session of the console and go with it. */
function modeFrom(mode: unknown, ttl: unknown): Mode {
  if (mode === undefined || mode === 'persistent' || mode === 'container') return mode ?? 'persistent'
  if (mode === 'ttl' && typeof ttl === 'number' && Number.isInteger(ttl) && ttl > 0) return { ttl }
  throw new WrongRequest('the kind of a new znode is persistent, container, or ttl with milliseconds')
}

/** Deletes znodes, each only if it still belongs to `session`. Resolves to those that are deleted. */
export async function deleteOwned(
  { zk }: House,
  session: bigint,
  paths: readonly ZnodePath[],
): Promise<readonly ZnodePath[]> {
  const owned: { path: ZnodePath; version: number }[] = []
  const stats = await Promise.all(paths.map((path) => zk.exists(path)))
  for (const [i, path] of paths.entries()) {
    const stat = stats[i]
    if (stat?.kind === 'ephemeral' && stat.ephemeralOwner === session) owned.push({ path, version: stat.version })
  }
  for (let at = 0; at < owned.length; at += 500) {
    const batch = owned.slice(at, at + 500)
    await zk.transactionOf(batch.map(({ path, version }) => op.delete(path, { version })))
  }
  return owned.map(({ path }) => path)
}
