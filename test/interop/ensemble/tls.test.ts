/** TLS between members: of ours with one of Apache, and how it is switched on one server after the other. */
import { connect as dial } from 'node:net'
import { connect as dialTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { tlsStores } from '../../support/tls-stores.ts'
import { missingVersion } from './trio.ts'
import { type Kind, Load, type Voter, Voters } from './voters.ts'

const isLong = process.env['INTEROP_LONG'] !== undefined
const stores = tlsStores()
const certificate = stores.keys('ssl.quorum.')

/** Resolves when the server closes the connection. Rejects for a byte of an answer. */
function closes(socket: ReturnType<typeof dial>): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('error', () => {})
    socket.once('data', () => reject(new Error('the server answered')))
    socket.once('close', () => resolve())
  })
}

describe.skipIf(missingVersion('3.9') !== undefined)('TLS between members', () => {
  test('one of Apache and two of ours have a leader of either kind, and let no stranger in', async () => {
    await using voters = await Voters.start('3.9', ['apache', 'ours', 'ours'], {
      settingsOf: () => ({ ...certificate, sslQuorum: 'true' }),
    })
    await using load = await Load.start(voters)
    const [theirs, ours] = voters.all as [Voter, Voter, Voter]
    await voters.lead(theirs, load.goesOn)
    await load.goesOn()
    await voters.lead(ours, load.goesOn)
    await load.goesOn()
    for (const port of [ours.quorumPort, ours.electionPort]) {
      const plain = dial(port, '127.0.0.1')
      plain.write(Buffer.from('0000000b0000000100000000', 'hex'))
      await closes(plain)
      const bare = dialTls({ port, host: '127.0.0.1', ca: stores.authority.cert })
      bare.write(Buffer.from('0000000b0000000100000000', 'hex'))
      await closes(bare)
    }
    await load.goesOn()
    await load.stop()
    await load.check()
    await voters.areEqual()
  })

  // CI has no time for nine restarts.
  const kinds: (readonly [Kind, Kind, Kind])[] = [
    ['ours', 'ours', 'ours'],
    ['ours', 'apache', 'ours'],
  ]
  test.each(isLong ? kinds : [])('%s, %s and %s switch it on one after the other', async (...each) => {
    await using voters = await Voters.start('3.9', each, { settingsOf: () => ({}) })
    await using load = await Load.start(voters)
    for (const step of [
      { portUnification: 'true' },
      { portUnification: 'true', sslQuorum: 'true' },
      { sslQuorum: 'true' },
    ]) {
      for (const voter of voters.all) {
        await voter.end('SIGTERM')
        voter.config = { ...certificate, ...step }
        await voter.start()
        await load.goesOn()
      }
    }
    await load.stop()
    await load.check()
    await voters.areEqual()
    expect(voters.all.every(({ isRunning }) => isRunning)).toBe(true)
  })
})
