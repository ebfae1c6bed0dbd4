/** What a client sends reaches the log short, printable and counted; identities are few and short. */
import { opCode, type Writer } from '@lightkeeper/protocol'
import { formatLine } from '@lightkeeper/runtime'
import { startServer } from '@lightkeeper/server'
import { expect, test } from 'vitest'
import { RawClient } from '../support/raw-client.ts'

const auth = (scheme: string, credentials: string) => (writer: Writer) => {
  writer.int(0)
  writer.ustring(scheme)
  writer.buffer(new TextEncoder().encode(credentials))
}

test('twenty failed logins with a scheme of a megabyte and an escape in it are a few short lines', async () => {
  const lines: string[] = []
  const log = (level: string, message: string, facts: object = {}) =>
    void lines.push(formatLine(`${level} ${message}`, facts as Record<string, string>))
  const server = await startServer({ port: 0 }, { log })
  for (let i = 0; i < 20; i++) {
    const client = await RawClient.open(server.port)
    client.send(opCode.auth, auth(`\u001b[31m${'s'.repeat(1_000_000)}`, 'x'))
    await client.ended()
  }
  await server.close()
  const failed = lines.filter((line) => line.includes('authentication failed'))
  expect(failed).toHaveLength(11)
  expect(failed.at(-1)).toContain('times=10')
  for (const line of lines) {
    expect(line.length).toBeLessThan(300)
    expect(line).not.toContain('\u001b')
  }
})

test('a connection has 64 identities at the most, and the same one again is none', async () => {
  await using server = await startServer({ port: 0 })
  await using client = await RawClient.open(server.port)
  const login = (credentials: string) => client.call(opCode.auth, auth('digest', credentials))
  // The address is one.
  for (let i = 0; i < 63; i++) expect((await login(`user${i}:secret`)).err).toBe(0)
  expect((await login('user7:secret')).err).toBe(0)
  expect((await login('one:more')).err).toBe(-115)
  await client.ended()
})

test('an identity of a megabyte is refused', async () => {
  await using server = await startServer({ port: 0 })
  await using client = await RawClient.open(server.port)
  expect((await client.call(opCode.auth, auth('digest', `${'u'.repeat(900_000)}:p`))).err).toBe(-115)
  await client.ended()
})
