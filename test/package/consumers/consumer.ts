/** What an application writes, under its own strict settings; it uses no library but the client. */
import {
  type Client,
  type ConnectOptions,
  connect,
  json,
  KeeperError,
  op,
  type SessionState,
  type WatchChange,
  type ZnodePath,
} from '@lightkeeper/client'

interface Db {
  readonly pool: number
}

export async function use(signal: AbortSignal, timeout: number | undefined): Promise<string> {
  const options: ConnectOptions = { sessionTimeout: 15_000, signal, auth: [{ scheme: 'digest', credentials: 'u:p' }] }
  await using zk = await connect('127.0.0.1:2181/shop', options)
  const made = await zk.create('/jobs/j-', 'body', { sequential: true, mode: { ttl: 60_000 }, signal, timeout })
  const db = zk.node('/config/db', json<Db>())
  const { value, stat } = await db.get({ signal, timeout })
  await db.set({ pool: value.pool + 1 }, { version: stat.version })
  const [order, checked, head] = await zk.transaction(op.create(made.path), op.check('/epoch', 7), op.set('/head', 'x'))
  const path: ZnodePath = order.path
  const nothing: undefined = checked
  for await (const change of zk.watch('/config', { recursive: true, codec: json<Db>(), signal })) {
    if (told(change) === undefined) return `${path} ${String(nothing)} ${head.version} ${head.mzxid.toString(16)}`
  }
  return reason(await failure(zk)) + state(zk.state)
}

function told(change: WatchChange<Db>): number | undefined {
  return change.kind === 'created' || change.kind === 'changed' ? change.value.pool : undefined
}

async function failure(zk: Client): Promise<unknown> {
  try {
    return await zk.find('/config')
  } catch (error) {
    return error
  }
}

function reason(error: unknown): string {
  if (KeeperError.is(error, 'TRANSACTION_FAILED')) return String(error.failedOp?.index)
  return KeeperError.is(error) ? `${error.code} ${error.outcome} ${String(error.path)}` : ''
}

function state(now: SessionState): string {
  return now.kind === 'expired' ? now.lost.ephemerals.join() : now.kind
}
