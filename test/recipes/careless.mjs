// @ts-check
// A leader that does not listen: careless.mjs HOSTS RECIPE ID. It writes until a server refuses it, and ignores its
// signal.
import process from 'node:process'
import { connect, KeeperError, op } from '@lightkeeper/client'
import { election, masterElection } from '@lightkeeper/recipes'

const [, , hosts = '', recipe = '', id = ''] = process.argv
const zk = await connect(hosts, { sessionTimeout: 3000 })
const one = { election, masterElection }[recipe]?.(zk, '/leader', { id })
if (one === undefined) throw new Error(`there is no recipe ${recipe}`)
/** @param {string} event @param {Record<string, unknown>} facts */
const report = (event, facts) => process.stdout.write(`${JSON.stringify({ event, id, ...facts })}\n`)

for await (const term of one.terms()) {
  const epoch = term.epoch.toString()
  report('term', { epoch })
  for (;;) {
    try {
      const [, { mzxid }] = await zk.transaction(term.guard(), op.set('/register', epoch))
      report('written', { epoch, zxid: mzxid.toString() })
    } catch (error) {
      if (!KeeperError.is(error)) throw error
      report('refused', { epoch, code: error.code, remaining: term.remaining(), hasEnded: term.signal.aborted })
      // Refused by the server, and not for a lost connection.
      if (error.code === 'TRANSACTION_FAILED') break
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
