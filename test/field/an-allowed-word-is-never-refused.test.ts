/** F25, F26 and their kind: words that monitoring sends, on a server of ours. What Apache answers is in test/conformance. */
import { createConnection } from 'node:net'
import { connect } from '@lightkeeper/client'
import { opCode } from '@lightkeeper/protocol'
import { startServer } from '@lightkeeper/server'
import { ask } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { Wire } from '../conformance/wire.ts'
import { solrStatus } from '../support/monitoring-parsers.ts'

const all = 'ruok srvr stat mntr conf cons dump envi dirs wchs wchc wchp crst srst gtmk isro hash'.split(' ')

test.each(all)('%s is answered where it is listed, and refused by its name where it is not', async (word) => {
  await using listed = await startServer({ port: 0, fourLetterWordWhitelist: `ruok, ${word}` })
  expect(await ask(listed.port, word)).not.toContain('whitelist')
  await using unlisted = await startServer({ port: 0, fourLetterWordWhitelist: '' })
  // Apache's own scripts depend on srvr.
  if (word === 'srvr') expect(await ask(unlisted.port, word)).toContain('Mode: standalone')
  else expect(await ask(unlisted.port, word)).toBe(`${word} is not executed because it is not in the whitelist.\n`)
})

test('a server without a directory answers too', async () => {
  await using server = await startServer({ port: 0, fourLetterWordWhitelist: '*' })
  expect(await ask(server.port, 'conf')).toMatch(
    /^clientPort=\d+\nsecureClientPort=-1\ndataDir=\(memory\)\ndataDirSize=0\n/,
  )
  expect(await ask(server.port, 'conf')).toContain(`clientPort=${server.port}\n`)
  expect(await ask(server.port, 'dirs')).toBe('datadir_size: 0\nlogdir_size: 0\n')
})

test("Solr's status page takes the answers of a server without a directory", async () => {
  await using server = await startServer({ port: 0, fourLetterWordWhitelist: '*' })
  const [ruok, mntr, conf] = [
    await ask(server.port, 'ruok'),
    await ask(server.port, 'mntr'),
    await ask(server.port, 'conf'),
  ]
  expect(solrStatus({ ruok, mntr, conf })).toEqual({ ok: true, errors: [] })
})

test('conf shows no secret', async () => {
  const superDigest = 'super:D/InIHSb7yEEbrWz8b9l71RjZJU='
  await using server = await startServer({ port: 0, fourLetterWordWhitelist: '*', superDigest })
  for (const word of ['conf', 'envi', 'mntr', 'stat', 'dump']) {
    expect(await ask(server.port, word)).not.toContain('D/InIHSb')
  }
})

test('bytes of the word that come one by one make the word', async () => {
  await using server = await startServer({ port: 0, fourLetterWordWhitelist: '*' })
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = createConnection({ port: server.port, host: '127.0.0.1', noDelay: true })
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString()))
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
    const bytes = [...new TextEncoder().encode('stmk'), 0, 0, 0, 0, 0, 0, 0, 9]
    const next = (): void => {
      const byte = bytes.shift()
      if (byte !== undefined) socket.write(Uint8Array.of(byte), () => setImmediate(next))
    }
    next()
  })
  expect(answer).toBe('9')
})

test('an answer about other clients is bounded', async () => {
  await using server = await startServer({ port: 0, fourLetterWordWhitelist: '*' })
  const wire = await Wire.connect(server.port)
  // Paths of 20,000 characters: more than an answer may hold.
  for (let i = 0; i < 300; i++) {
    wire.send(opCode.exists, (writer) => {
      writer.ustring(`/${'x'.repeat(19_990)}${i}`)
      writer.boolean(true)
    })
  }
  for (let i = 0; i < 300; i++) await wire.reply()
  for (const word of ['wchc', 'wchp']) {
    const answer = await ask(server.port, word)
    expect(answer.length).toBeGreaterThan(900_000)
    expect(answer.length).toBeLessThan(1_200_000)
    expect(answer).toMatch(/cut off, there is more\n\n$/)
  }
  wire.destroy()
})

describe('one line, counted', () => {
  const watched = async (options: object) => {
    const lines: { message: string; facts: Readonly<Record<string, unknown>> | undefined }[] = []
    const server = await startServer(
      { port: 0, ...options },
      { log: (_level, message, facts) => void lines.push({ message, facts }) },
    )
    return { server, lines }
  }

  test('for clients that have seen a later zxid, however often they come', async () => {
    const { server, lines } = await watched({ fourLetterWordWhitelist: '*' })
    await using _server = server
    for (let i = 0; i < 50; i++) {
      const wire = await Wire.open(server.port)
      expect(await wire.handshake({ lastZxidSeen: 0x7fff_ffff_ffff_ffffn })).toBeUndefined()
    }
    expect(lines.filter(({ message }) => message.startsWith('refused a client'))).toHaveLength(1)
    expect(await ask(server.port, 'mntr')).toContain('zk_connection_request_count\t50\n')
  })

  test('for connections that are too many', async () => {
    const { server, lines } = await watched({ maxClientCnxns: 2, fourLetterWordWhitelist: '*' })
    await using _server = server
    const zk = await connect(server)
    const held = await Wire.connect(server.port)
    for (let i = 0; i < 30; i++) {
      const wire = await Wire.open(server.port)
      expect(await wire.closes()).toBe(true)
    }
    expect(lines.filter(({ message }) => message.startsWith('too many connections'))).toHaveLength(1)
    held.destroy()
    await zk.close()
  })
})

test('a failed authentication is counted', async () => {
  await using server = await startServer({ port: 0, fourLetterWordWhitelist: '*' })
  const wire = await Wire.connect(server.port)
  await wire.auth('nonsense', 'x')
  expect(await ask(server.port, 'mntr')).toContain('zk_auth_failed_count\t1\n')
  wire.destroy()
})
