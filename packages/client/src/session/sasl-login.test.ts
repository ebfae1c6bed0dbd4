import { inspect } from 'node:util'
import {
  digestProofs,
  KeeperError,
  opCode,
  readGetSASLRequest,
  type Writer,
  writeSetSASLResponse,
} from '@lightkeeper/protocol'
import type { LogFact } from '@lightkeeper/runtime'
import { expect, test } from 'vitest'
import { digestMd5 } from '../auth/digest-md5.ts'
import type { SaslMechanism } from '../auth/sasl.ts'
import { type ServerEnd, type Stage, settle, stage } from '../client.harness.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
/** Says `one`, expects `challenge`, says `two`. */
const twoSteps: SaslMechanism = {
  name: 'TEST',
  start: () => ({ first: bytes('one'), respond: () => ({ token: bytes('two'), isDone: true }) }),
}
const token = (text: string) => (writer: Writer) => writeSetSASLResponse(writer, { token: bytes(text) })

async function shaken(options: Parameters<typeof stage>[0]): Promise<Stage> {
  const made = stage(options)
  await made.clock.advance(0)
  accept(made.peer)
  await made.clock.advance(0)
  return made
}

function accept(peer: ServerEnd): void {
  peer.open()
  peer.accept()
}

/** The next request, which must carry a token. */
function tokenOf(peer: ServerEnd): { xid: number; text: string } {
  const { xid, type, body } = peer.request()
  expect(type).toBe(opCode.sasl)
  return { xid, text: new TextDecoder().decode(readGetSASLRequest(body).token) }
}

const failure = (made: Stage): Promise<string> =>
  made.connecting.then(
    () => 'connected',
    (error: unknown) => (KeeperError.is(error) ? error.message : String(error)),
  )

test('logs in before identities, identities come before watches, and requests last', async () => {
  const made = await shaken({ sasl: twoSteps, auth: [{ scheme: 'digest', credentials: 'joe:pw' }] })
  const first = tokenOf(made.peer)
  expect([first.text, made.peer.waiting]).toEqual(['one', 0])
  made.peer.reply(first.xid, 0, token('challenge'), 0n)
  await made.clock.advance(0)
  const second = tokenOf(made.peer)
  expect([second.text, made.peer.waiting]).toEqual(['two', 0])
  made.peer.reply(second.xid, 0, token(''), 0n)
  await made.clock.advance(0)
  const auth = made.peer.request()
  expect([auth.type, made.peer.waiting]).toEqual([opCode.auth, 0])
  made.peer.reply(auth.xid, 0, undefined, 0n)
  await made.clock.advance(0)
  const zk = await made.connecting
  const watching = zk.existence('/a', { watch: true })
  await made.clock.advance(0)
  made.peer.reply(made.peer.request().xid, -101)
  await watching
  made.peer.lose()
  const waiting = zk.sync('/')
  await made.clock.advance(2000)
  accept(made.peer)
  const seen: number[] = []
  for (let i = 0; i < 5; i++) {
    await made.clock.advance(0)
    while (made.peer.waiting > 0) {
      const { xid, type } = made.peer.request()
      seen.push(type)
      made.peer.reply(xid, 0, type === opCode.sasl ? token('go on') : (writer) => writer.ustring('/'), 0n)
    }
  }
  await waiting
  expect(seen).toEqual([opCode.sasl, opCode.sasl, opCode.auth, opCode.setWatches, opCode.sync])
})

test('the login is a state of its own, between the handshake and connected', async () => {
  const made = await shaken({
    sasl: { ...twoSteps, start: () => ({ first: bytes('one'), respond: () => ({ isDone: true }) }) },
  })
  made.peer.reply(tokenOf(made.peer).xid, 0, token('welcome'), 0n)
  await made.clock.advance(0)
  const zk = await made.connecting
  const kinds: string[] = []
  const stop = new AbortController()
  const following = (async () => {
    for await (const { kind } of zk.states({ signal: stop.signal })) kinds.push(kind)
  })().catch(() => {})
  await settle()
  made.peer.lose()
  await made.clock.advance(2000)
  accept(made.peer)
  await made.clock.advance(0)
  made.peer.reply(tokenOf(made.peer).xid, 0, token('welcome'), 0n)
  await made.clock.advance(0)
  stop.abort()
  await following
  expect(kinds).toEqual(['connected', 'disconnected', 'saslAuthenticated', 'connected'])
})

test.each([
  [-115, 'AUTH_FAILED'],
  [-124, 'SESSION_CLOSED_REQUIRE_SASL_AUTH'],
])('a refusal with %i ends the client and says what the server said', async (err, code) => {
  const made = await shaken({ sasl: twoSteps })
  made.peer.reply(tokenOf(made.peer).xid, err, undefined, 0n)
  await made.clock.advance(0)
  expect(await failure(made)).toMatch(new RegExp(`^AUTH_FAILED: SASL TEST: the server answered ${code}: `))
  await made.clock.advance(60_000)
  expect([made.peers.length, made.peer.isClosed]).toEqual([1, true])
})

test('an answer without a token is no login', async () => {
  const made = await shaken({ sasl: twoSteps })
  made.peer.reply(tokenOf(made.peer).xid, 0, (writer) => writeSetSASLResponse(writer, { token: null }), 0n)
  await made.clock.advance(0)
  expect(await failure(made)).toContain('the server ended the exchange without a login')
})

test('a mechanism that cannot be had now is tried again on the next connection', async () => {
  let tries = 0
  const start = (): ReturnType<SaslMechanism['start']> => {
    if (tries++ === 0) throw new Error('the ticket office is closed')
    return twoSteps.start({ host: 'a', random: { below: () => 0, bytes: () => new Uint8Array() } })
  }
  const made = await shaken({ sasl: { name: 'TEST', start } })
  expect([made.peer.isClosed, made.peer.waiting]).toEqual([true, 0])
  await made.clock.advance(2000)
  accept(made.peer)
  await made.clock.advance(0)
  made.peer.reply(tokenOf(made.peer).xid, 0, token('challenge'), 0n)
  await made.clock.advance(0)
  made.peer.reply(tokenOf(made.peer).xid, 0, token(''), 0n)
  await made.clock.advance(0)
  expect((await made.connecting).state.kind).toBe('connected')
})

test('an answer of a mechanism that took too long does not reach the connection after', async () => {
  const answers: ((token: Uint8Array) => void)[] = []
  const respond = (): Promise<{ token: Uint8Array; isDone: boolean }> =>
    new Promise((resolve) => {
      answers.push((late) => resolve({ token: late, isDone: true }))
    })
  const made = await shaken({ sasl: { name: 'SLOW', start: () => ({ first: bytes('hi'), respond }) } })
  made.peer.reply(tokenOf(made.peer).xid, 0, token('challenge'), 0n)
  await made.clock.advance(0)
  made.peer.lose()
  await made.clock.advance(2000)
  accept(made.peer)
  await made.clock.advance(0)
  const again = tokenOf(made.peer)
  answers[0]?.(bytes('late'))
  await made.clock.advance(0)
  expect([again.text, made.peer.waiting, made.peer.isClosed]).toEqual(['hi', 0, false])
})

test('no secret appears in a log line, an error, its causes, or a state, whatever fails', async () => {
  // A proof is a hash of the password that can be guessed at: it belongs on the wire alone.
  const { client: proof } = digestProofs({
    username: 'bob',
    password: 'hunter2-sasl',
    realm: 'zk-sasl-md5',
    nonce: 'n',
    cnonce: '07'.repeat(16),
    digestUri: 'zookeeper/zk-sasl-md5',
    isUtf8: true,
  })
  const secrets = ['hunter2-sasl', 'hunter2-digest', 'hunter2-key', proof]
  const text: string[] = []
  const note = (value: unknown): void => {
    text.push(inspect(value, { depth: 20, showHidden: true, getters: true }), String(value))
    if (value instanceof Error) {
      text.push(value.stack ?? '', JSON.stringify(value))
      if (value.cause !== undefined) note(value.cause)
      if (value instanceof AggregateError) value.errors.forEach(note)
    }
  }
  const log = (level: string, message: string, facts?: Readonly<Record<string, LogFact>>): void =>
    note([level, message, facts])
  const options = {
    sasl: digestMd5({ username: 'bob', password: 'hunter2-sasl' }),
    auth: [{ scheme: 'digest', credentials: 'joe:hunter2-digest' }],
    tls: { passphrase: 'hunter2-key' },
    connectTimeout: 5000,
  }
  const withLog = async (): Promise<Stage> => {
    const made = stage(options, 'a:1', { log })
    made.connecting.then((zk) => zk, note)
    await made.clock.advance(0)
    accept(made.peer)
    await made.clock.advance(0)
    return made
  }
  const offer = token('realm="zk-sasl-md5",nonce="n",charset=utf-8,algorithm=md5-sess')
  // The server refuses the login.
  const refused = await withLog()
  refused.peer.reply(tokenOf(refused.peer).xid, 0, offer, 0n)
  await refused.clock.advance(0)
  const response = tokenOf(refused.peer)
  expect(response.text).toContain(proof)
  refused.peer.reply(response.xid, -115, undefined, 0n)
  await refused.clock.advance(0)
  // It fails to prove itself, sends what cannot be read, answers out of turn, and is silent until the time is over.
  const impostor = await withLog()
  impostor.peer.reply(tokenOf(impostor.peer).xid, 0, offer, 0n)
  await impostor.clock.advance(0)
  impostor.peer.reply(tokenOf(impostor.peer).xid, 0, token('rspauth=00'), 0n)
  await impostor.clock.advance(0)
  const babbler = await withLog()
  babbler.peer.reply(tokenOf(babbler.peer).xid, 0, token('"'), 0n)
  await babbler.clock.advance(0)
  const confused = await withLog()
  confused.peer.reply(99, 0, offer, 0n)
  await confused.clock.advance(0)
  const silent = await withLog()
  await silent.clock.advance(6000)
  for (const made of [refused, impostor, babbler, confused, silent]) await made.clock.advance(6000)
  // The client itself, and what it logs, when all goes well.
  const friendly = stage({ ...options, sasl: twoSteps }, 'a:1', { log })
  await friendly.clock.advance(0)
  accept(friendly.peer)
  for (let i = 0; i < 3; i++) {
    await friendly.clock.advance(0)
    friendly.peer.reply(friendly.peer.request().xid, 0, token('go on'), 0n)
  }
  await friendly.clock.advance(0)
  const zk = await friendly.connecting
  note(zk)
  note(zk.state)
  const all = text.join('\n')
  expect(all).toContain('SASL DIGEST-MD5: the server answered AUTH_FAILED')
  expect(all).toContain('did not prove that it knows the password')
  expect(all).toContain('no session within 5000 ms')
  expect(all).toContain("kind: 'connected'")
  for (const secret of secrets) expect(all.includes(secret), secret).toBe(false)
})
