/**
 * One of several equal workers of the demo. They elect a scheduler, which writes orders. Each worker registers as a service,
 * executes orders under locks, and follows one configuration. You may stop or kill any of them at any time: each order is done
 * once.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Client, connect, json, KeeperError, op } from '@lightkeeper/client'
import { type Configuration, configuration, discovery, election, type Held, lock } from '@lightkeeper/recipes'
import { onEndOfParent } from '../ends-with-parent.ts'
import { untilInterrupted } from '../signals.ts'

interface Settings {
  /** With this many waiting orders the scheduler writes no more. */
  readonly backlog: number
  /** Milliseconds that an order takes. */
  readonly workMs: number
}

const { values } = parseArgs({
  options: {
    connect: { type: 'string', default: '127.0.0.1:2181' },
    id: { type: 'string', default: `worker-${process.pid}` },
    'session-timeout': { type: 'string', default: '10000' },
  },
})
const { id } = values
const signal = untilInterrupted()
onEndOfParent(() => process.kill(process.pid, 'SIGTERM'))

await run().catch((error: unknown) => {
  // A stop before everything was there is an orderly end too.
  if (!signal.aborted) throw error
})

async function run(): Promise<void> {
  await using zk = await connect(values.connect, { sessionTimeout: Number(values['session-timeout']), signal })
  for (const path of ['/orders', '/locks', '/done'] as const) {
    // If the reply to a create was lost, the next round sees whether it was executed.
    while ((await zk.exists(path)) === undefined) await zk.create(path).catch(unlessRejected)
  }
  const fallback: Settings = { backlog: 10, workMs: 20 }
  await using settings = await configuration(zk, '/settings', json<Settings>(), { fallback, signal })
  await using _visible = await discovery(zk).register({ name: 'worker', id, address: '127.0.0.1' }, { signal })
  report('started', { id })
  await Promise.all([schedule(zk, settings), work(zk, settings), followSettings(settings)])
  report('stopped', { id })
}

/** The scheduler numbers the orders without a gap, each number once, even if a new term begins in between. */
async function schedule(zk: Client, settings: Configuration<Settings>): Promise<void> {
  for await (const term of election(zk, '/scheduler', { id }).terms({ signal })) {
    report('scheduler', { id, epoch: term.epoch.toString() })
    while (!term.signal.aborted) {
      try {
        const { data, stat } = await zk.get('/orders', { signal: term.signal })
        const [last, closed] = new TextDecoder().decode(data).split(' ')
        if (closed !== undefined || stat.numChildren >= settings.current.backlog) {
          await sleep(20, undefined, { signal: term.signal })
          continue
        }
        const number = Number(last) + 1
        await zk.transaction(
          term.guard(),
          op.set('/orders', String(number), { version: stat.version }),
          op.create(`/orders/${String(number).padStart(8, '0')}`, term.epoch.toString()),
        )
      } catch (error) {
        // If the reply to a transaction was lost, the next round reads from /orders whether it was executed.
        if (!KeeperError.is(error) && !term.signal.aborted) throw error
      }
    }
    report('no-scheduler', { id, epoch: term.epoch.toString() })
  }
}

/** Executes orders under one of ten locks. The transaction that writes a finished order is refused if the lock is lost. */
async function work(zk: Client, settings: Configuration<Settings>): Promise<void> {
  while (!signal.aborted) {
    let held: Held | undefined
    try {
      const { children, changed } = await zk.children('/orders', { watch: true, signal })
      const name = children[Math.floor(Math.random() * children.length)]
      if (name === undefined) {
        await Promise.race([changed, sleep(1_000, undefined, { signal })])
        continue
      }
      held = await lock(zk, `/locks/${name.slice(-1)}`).acquire({ signal })
      const order = await zk.get(`/orders/${name}`, { signal: held.signal })
      await sleep(settings.current.workMs, undefined, { signal: held.signal })
      await zk.transaction(held.guard(), op.delete(`/orders/${name}`), op.create(`/done/${name}`, order.data))
      report('done', { id, order: name })
    } catch (error) {
      // Another worker was faster, or the lock or the connection was lost: the order is still there, or it is done.
      if (!KeeperError.is(error) && !signal.aborted && held?.signal.aborted !== true) throw error
    } finally {
      await held?.release()
    }
  }
}

async function followSettings(settings: Configuration<Settings>): Promise<void> {
  for await (const change of settings.changes({ signal })) {
    if (change.kind === 'changed') report('settings', { id, ...change.value })
    if (change.kind === 'invalid') report('bad-settings', { id, why: String(change.error) })
  }
}

function unlessRejected(error: unknown): void {
  if (!KeeperError.is(error) || (error.outcome === 'rejected' && error.code !== 'NODE_EXISTS')) throw error
}

/** Prints one JSON line for each event: the demo, tests and people read them. */
function report(event: string, facts: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)
}
