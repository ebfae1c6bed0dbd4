/** A client whose program blocks its event loop: on our server or, by LIGHTKEEPER_TARGET, on Apache ZooKeeper. */
import { type Client, type ConnectOptions, connect } from '@lightkeeper/client'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Running } from '../cli/running.ts'
import { ourProcess } from '../support/our-process.ts'
import { missingTarget, startTarget, targetName } from '../support/target.ts'

const reason = missingTarget()
if (reason !== undefined) console.log(`heartbeats on ${targetName}: skipped, because ${reason}`)

/** This thread does nothing at all for so long: no timer, no socket. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** `lightkeeper ensemble` with these arguments. */
async function ourEnsemble(args: readonly string[]): Promise<AsyncDisposable & { readonly connectString: string }> {
  const running = new Running(['ensemble', ...args])
  const connectString = (await running.firstLine()).split(' ').at(-1) as string
  return { connectString, [Symbol.asyncDispose]: async () => void (await running.end('SIGTERM')) }
}

const sessionTimeout = 1500

describe.skipIf(reason !== undefined)(`a blocked event loop, on ${targetName}`, () => {
  let server: AsyncDisposable & { readonly connectString: string }
  beforeAll(async () => {
    // Processes of their own: ours must go on while this one is blocked.
    const args = ['--port', '0', '--set', 'tickTime=500']
    if (targetName === 'ours') server = await ourProcess(args)
    else if (targetName === 'ours-ensemble') server = await ourEnsemble(args)
    else server = await startTarget({ tickTime: 500 })
  })
  const open: Client[] = []
  afterEach(() => Promise.all(open.splice(0).map((zk) => zk.close())))
  afterAll(() => server[Symbol.asyncDispose]())

  /** Blocks for twice the timeout of a session that has an ephemeral; then whether it is still there. */
  async function blocked(options: ConnectOptions): Promise<{ zk: Client; hasEphemeral: boolean; lease: AbortSignal }> {
    const zk = await connect(server, { sessionTimeout, ...options })
    open.push(zk)
    const { signal } = zk.lease()
    await zk.create('/e', '', { mode: 'ephemeral' })
    block(sessionTimeout * 2)
    const hasEphemeral = (await zk.find('/e')) !== undefined
    // Timers that came due meanwhile run before this one.
    await new Promise((resolve) => setTimeout(resolve))
    return { zk, hasEphemeral, lease: signal }
  }

  test('costs the session without a thread for the pings', async () => {
    const { zk, hasEphemeral, lease } = await blocked({})
    expect([hasEphemeral, zk.epoch, lease.aborted]).toEqual([false, 1, true])
  })

  test('costs nothing with one: session, ephemeral and lease live on', async () => {
    const { zk, hasEphemeral, lease } = await blocked({ heartbeatThread: true })
    expect([hasEphemeral, zk.epoch, lease.aborted]).toEqual([true, 0, false])
    expect(zk.stats().eventLoop.stalls).toBeGreaterThan(0)
    expect(zk.stats().connections.pings).toBeGreaterThan(0)
  })

  test('costs the session where it lasts longer than the patience: who hangs does not keep its locks', async () => {
    const { zk, hasEphemeral, lease } = await blocked({ heartbeatThread: { patience: 300 } })
    expect([hasEphemeral, zk.epoch, lease.aborted]).toEqual([false, 1, true])
  })

  test('patience that is none is refused', async () => {
    await expect(connect(server, { heartbeatThread: { patience: 0 } })).rejects.toThrow(
      'heartbeatThread.patience must be more than 0 milliseconds, not 0',
    )
  })
})
