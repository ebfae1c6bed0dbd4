/** Reads of the tree: children page by page, one znode, and what is below a path. */
import { KeeperError, type ZnodePath } from '@lightkeeper/client'
import { isWithin, joinPath } from '@lightkeeper/protocol'
import { readQuota as quotaOf } from '@lightkeeper/tools'
import type { About, Child, Children, Quota, QuotaFigures, Znode } from '../api.ts'
import { aclOf, base64, connectionOf, numberFrom, pathFrom, statOf } from '../forms.ts'
import type { House } from './house.ts'
import type { Routes } from './routes.ts'
import { search } from './search.ts'
import { lineStream } from './streams.ts'

/** Children in one page. */
const pageMax = 500

export function treeRoutes(app: Routes, house: House): void {
  app.get('/api/about', async (c) => c.json(await about(house)))
  app.get('/api/znode', async (c) => c.json(await readZnode(house, pathFrom(c.req.query('path')))))
  app.get('/api/children', async (c) => {
    const path = pathFrom(c.req.query('path'))
    const offset = numberFrom('offset', c.req.query('offset'), 0, 0x7fff_ffff)
    const limit = numberFrom('limit', c.req.query('limit'), 100, pageMax)
    return c.json(await readChildren(house, path, offset, limit, c.req.queries('find') ?? []))
  })
  app.get('/api/below', async (c) => {
    const path = pathFrom(c.req.query('path'))
    return c.json({ path, znodes: await house.zk.countDescendants(path) })
  })
  app.get('/api/search', (c) => {
    const path = pathFrom(c.req.query('path') ?? '/')
    const text = c.req.query('text') ?? ''
    const inData = c.req.query('in') === 'data'
    return lineStream((send, signal) => search(house.zk, house.runtime.clock, { path, text, inData }, send, signal))
  })
}

async function about({ zk, servers, allowsWrites, openPast }: House): Promise<About> {
  const isConnected = zk.state.kind === 'connected'
  const identities = isConnected ? await zk.whoAmI({ timeout: 2_000 }).catch(() => []) : []
  return {
    servers,
    state: connectionOf(zk.state),
    allowsWrites,
    hasPast: openPast !== undefined,
    identities: identities.map(({ scheme, user }) => `${scheme}:${user}`),
  }
}

async function readChildren(
  { zk, lists }: House,
  path: ZnodePath,
  offset: number,
  limit: number,
  find: readonly string[],
): Promise<Children> {
  const { names, state } = await lists.of(path)
  const page = names.slice(offset, offset + limit)
  const stats = await Promise.all(page.map((name) => zk.exists(joinPath(path, name))))
  const children = page.flatMap((name, i): Child[] => {
    const stat = stats[i]
    // One that was deleted between the two reads is shown as it was: the next page read leaves it out.
    if (stat === undefined) return [{ name, numChildren: 0, dataLength: 0, kind: 'persistent' }]
    const { kind, numChildren, dataLength } = statOf(stat)
    return [{ name, numChildren, dataLength, kind }]
  })
  return { path, state, total: names.length, offset, children, places: find.map((name) => names.indexOf(name)) }
}

/** @throws KeeperError NO_NODE, NO_AUTH and those of every read. */
export async function readZnode(house: House, path: ZnodePath): Promise<Znode> {
  const { zk } = house
  const [{ data, stat }, acl, quota] = await Promise.all([zk.get(path), readAcl(house, path), readQuota(house, path)])
  return {
    path,
    data: base64(data),
    stat: statOf(stat),
    ...(acl !== undefined && { acl }),
    ...(quota !== undefined && { quota }),
  }
}

/** Undefined where the console may not read it. */
async function readAcl({ zk }: House, path: ZnodePath): Promise<Znode['acl']> {
  try {
    return aclOf((await zk.getAcl(path)).acl)
  } catch (error) {
    if (KeeperError.is(error, 'NO_AUTH') || KeeperError.is(error, 'NO_NODE')) return undefined
    throw error
  }
}

/** Undefined where the znode can have none, or the console may not see it. */
async function readQuota({ zk, chroot }: House, path: ZnodePath): Promise<Quota | undefined> {
  if (chroot !== '' || path === '/' || isWithin(path, '/zookeeper')) return undefined
  try {
    const found = await quotaOf(zk, path)
    if (found === undefined) return { soft: {}, hard: {}, used: {} }
    const { version, limits, usage } = found
    return {
      version,
      soft: quotaFigures(limits.count, limits.bytes),
      hard: quotaFigures(limits.countHardLimit, limits.byteHardLimit),
      used: quotaFigures(usage?.count, usage?.bytes),
    }
  } catch (error) {
    if (KeeperError.is(error, 'NO_AUTH') || error instanceof RangeError) return undefined
    throw error
  }
}

function quotaFigures(count: bigint | undefined, bytes: bigint | undefined): QuotaFigures {
  // -1 is no limit.
  const number = (value: bigint | undefined): number | undefined =>
    value === undefined || value < 0n ? undefined : Number(value)
  const [znodes, size] = [number(count), number(bytes)]
  return { ...(znodes !== undefined && { znodes }), ...(size !== undefined && { bytes: size }) }
}
