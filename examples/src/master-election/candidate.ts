/**
 * A candidate: creates the master znode, or watches who did and tries again when it goes. What a master does, it does only
 * while it is sure: it steps down at the moment the connection is lost, before any server can let somebody else in.
 */
import { parseArgs } from 'node:util'
import { connect, KeeperError } from 'lightkeeper'
import { report, untilInterrupted } from '../report.ts'

const { values } = parseArgs({
  options: {
    connect: { type: 'string', default: '127.0.0.1:2181' },
    path: { type: 'string', default: '/master' },
    id: { type: 'string', default: `candidate-${process.pid}` },
    'session-timeout': { type: 'string', default: '10000' },
  },
})
const path = `/${values.path.replace(/^\//, '')}` as const
const { id } = values
const signal = untilInterrupted()
await using zk = await connect(values.connect, { sessionTimeout: Number(values['session-timeout']), signal })

/** The epoch of our term: the czxid of our master znode. Undefined while we are not master. */
let term: bigint | undefined

const stepDown = (why: string): void => {
  if (term === undefined) return
  report('stepped-down', { id, term: term.toString(), why })
  term = undefined
}

/** Ends the wait of the election loop. */
let wake = (): void => {}
signal.addEventListener('abort', () => wake(), { once: true })

/** Steps down as soon as the connection is in doubt, and has the loop look again when it is back. */
const guard = (async () => {
  for await (const state of zk.states({ signal })) {
    if (state.kind === 'connected') wake()
    else stepDown(state.kind)
  }
})()

while (!signal.aborted) {
  await connected()
  try {
    await zk.create(path, id, { mode: 'ephemeral', parents: true, signal }).catch((error: unknown) => {
      if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
    })
    // Whether we created it, somebody else did, or our create went through although its reply was lost: the owner tells.
    const master = await zk.get(path, { watch: true, signal })
    if (master.stat.ephemeralOwner === zk.sessionId) {
      // The read may have been answered just before the connection broke.
      if (zk.state.kind === 'connected' && term !== master.stat.czxid) {
        term = master.stat.czxid
        report('master', { id, term: term.toString() })
      }
    } else report('follower', { id, master: new TextDecoder().decode(master.data) })
    const woken = new Promise<undefined>((resolve) => {
      wake = () => resolve(undefined)
    })
    // It may have been lost and found again before we came to wait.
    if (zk.state.kind !== 'connected') continue
    const event = await Promise.race([master.changed, woken])
    if (event?.type === 'deleted' || event?.type === 'none') stepDown('the master znode is gone')
  } catch (error) {
    const passing = (['NO_NODE', 'CONNECTION_LOSS', 'SESSION_EXPIRED'] as const).some((code) =>
      KeeperError.is(error, code),
    )
    if (!passing && !signal.aborted) throw error
  }
}
stepDown('leaving')
await guard

/** Waits until requests are served, or until we are asked to stop. */
async function connected(): Promise<void> {
  for await (const state of zk.states({ signal })) if (state.kind === 'connected') return
}
