/** A candidate: creates the master znode, or watches who did and tries again when it goes. What a master does, it does in its term. */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { connect } from 'lightkeeper'
import { masterElection } from 'lightkeeper/recipes'
import { report, run } from '../report.ts'

const { values } = parseArgs({
  options: {
    connect: { type: 'string', default: '127.0.0.1:2181' },
    path: { type: 'string', default: '/master' },
    id: { type: 'string', default: `candidate-${process.pid}` },
    'session-timeout': { type: 'string', default: '10000' },
  },
})
const { id } = values

await run(async (signal) => {
  await using zk = await connect(values.connect, { sessionTimeout: Number(values['session-timeout']), signal })
  const election = masterElection(zk, `/${values.path.replace(/^\//, '')}`, { id })

  const stand = async (): Promise<void> => {
    for await (const term of election.terms({ signal })) {
      report('master', { id, term: term.epoch.toString() })
      if (!term.signal.aborted) await once(term.signal, 'abort')
      report('stepped-down', { id, term: term.epoch.toString(), why: String(term.signal.reason) })
    }
  }

  const lookOn = async (): Promise<void> => {
    for await (const master of election.watchLeader({ signal })) {
      if (master !== undefined && master.id !== id) report('follower', { id, master: master.id })
    }
  }

  await Promise.all([stand(), lookOn()])
})
