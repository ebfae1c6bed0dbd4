/** TLS between members: of ours with one of Apache, and how it is switched on one server after the other. */
import { connect as dial } from 'node:net'
import { connect as dialTls } from 'node:tls'
import { describe, test } from 'vitest'
import { tlsStores } from '../../support/tls-stores.ts'
import { closes, eachKindLeads, rolledKinds, switchedOn } from './kinds.ts'
import { missingVersion } from './trio.ts'

const stores = tlsStores()
const certificate = stores.keys('ssl.quorum.')
const packet = '0000000b0000000100000000'

describe.skipIf(missingVersion('3.9') !== undefined)('TLS between members', () => {
  test('one of Apache and two of ours have a leader of either kind, and let no stranger in', async () => {
    await eachKindLeads({ settingsOf: () => ({ ...certificate, sslQuorum: 'true' }) }, async (ours) => {
      for (const port of [ours.quorumPort, ours.electionPort]) {
        await closes(dial(port, '127.0.0.1'), packet)
        await closes(dialTls({ port, host: '127.0.0.1', ca: stores.authority.cert }), packet)
      }
    })
  })

  test.each(rolledKinds)('%s, %s and %s switch it on one after the other', async (...kinds) => {
    const steps = [{ portUnification: 'true' }, { portUnification: 'true', sslQuorum: 'true' }, { sslQuorum: 'true' }]
    await switchedOn(
      kinds,
      steps.map((step) => ({ ...certificate, ...step })),
    )
  })
})
