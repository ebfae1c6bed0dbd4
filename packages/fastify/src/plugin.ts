/**
 * A client of ZooKeeper as a decorator of a Fastify application. The application listens only after the client has a session, and
 * the client is closed after the last request has been answered.
 */
import { type Client, type ConnectOptions, type ConnectTarget, connect, type Log } from '@lightkeeper/client'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'

/** The options of `connect`, and these. */
export interface LightkeeperPluginOptions extends ConnectOptions {
  /** The connect string: servers and an optional chroot, `zk1:2181,zk2:2181/shop`. Not needed with `client`. */
  readonly servers?: ConnectTarget
  /** A client that the program has already. The plugin does not close it, and refuses options of `connect` beside it. */
  readonly client?: Client
  /** The name of the decorator. Default `zk`. Register the plugin again with another name for a second ensemble. */
  readonly name?: string
}

/** Fastify's own limit for a plugin ends the start with a message that names no server, so `connect` must end before it. */
const beforeLimitMs = 1_000

/**
 * Registers `app.zk`. Rejects as `connect` does: AggregateError with one cause for each server, KeeperError AUTH_FAILED, TypeError
 * for a wrong option. The log of the client goes to the log of the application unless `log` is given.
 */
export const lightkeeper: FastifyPluginAsync<LightkeeperPluginOptions> = async (app, options) => {
  const { servers, client: own, name = 'zk', ...more } = options
  if (app.hasDecorator(name)) {
    throw new TypeError(`lightkeeper: the application has "${name}" already; choose another name for this client`)
  }
  if (own !== undefined) {
    const [extra] = Object.keys({ ...more, ...(servers === undefined ? {} : { servers }) })
    if (extra !== undefined) throw new TypeError(`lightkeeper: "${extra}" has no effect beside "client"; leave one out`)
    app.decorate(name, own)
    return
  }
  if (servers === undefined) throw new TypeError('lightkeeper: give "servers" or "client"')
  // An application may end while its client still connects: its start failed, or took longer than Fastify waits.
  const end = new AbortController()
  let zk: Client | undefined
  // Fastify calls this when no request is under way any more.
  app.addHook('onClose', async () => {
    end.abort(new Error('the application was closed'))
    await zk?.close()
  })
  const { signal = end.signal } = more
  const ours = { connectTimeout: patienceOf(app), log: logOf(app), ...more }
  zk = await connect(servers, { ...ours, signal: AbortSignal.any([signal, end.signal]) })
  try {
    app.decorate(name, zk)
  } catch (error) {
    // Fastify takes no decorator after a start that it has given up. Nobody would close this client.
    await zk.close()
    throw error
  }
}

// Without these, Fastify would give the decorator to the plugin's own context alone, and would not know its name.
Object.assign(lightkeeper, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@lightkeeper/fastify',
  [Symbol.for('plugin-meta')]: { name: '@lightkeeper/fastify', fastify: '5.x' },
})

/** Milliseconds for `connect`: its own default, or less where Fastify waits less. */
function patienceOf(app: FastifyInstance): number {
  const limit = app.initialConfig.pluginTimeout ?? 10_000
  return limit === 0 ? 10_000 : Math.max(limit / 2, limit - beforeLimitMs)
}

function logOf(app: FastifyInstance): Log {
  return (level, message, facts = {}) => app.log[level](facts, `lightkeeper: ${message}`)
}
