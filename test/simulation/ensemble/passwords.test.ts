/** Clients move among the members of an ensemble of ours with the password of their session, and nobody else does. */
import { crc32, readConnectResponse, sessionPassword } from '@lightkeeper/protocol'
import { afterEach, expect, test } from 'vitest'
import { connectFrame, Frames } from '../../support/frames.mjs'
import { host, type Sid, sids, Three } from './three.ts'

let three: Three
afterEach(() => three.close())

/** The content of a file of sessionSecretFile. */
function secretFile(byte: string): Uint8Array {
  const line = `lightkeeper session secret ${byte.repeat(32)}`
  const sum = crc32(new TextEncoder().encode(line)) >>> 0
  return new TextEncoder().encode(`${line} ${sum.toString(16).padStart(8, '0')}\n`)
}

async function started(secrets: Readonly<Partial<Record<Sid, string>>>): Promise<void> {
  three = new Three(11)
  for (const sid of sids) {
    const secret = secrets[sid]
    if (secret === undefined) continue
    await three.run(three.world.runtime(host(sid)).disk.makeDirectory('data'))
    three.world.disk(host(sid)).put('data/secret', secretFile(secret))
    three.own.set(sid, { sessionSecretFile: 'data/secret' })
  }
  await three.start()
  await three.settled()
}

interface Session {
  readonly id: bigint
  readonly password: Uint8Array
}

/** Opens a session, or returns to one. Undefined where the server does not know it by this password. The connection is lost then. */
async function connectTo(sid: Sid, session?: Session): Promise<Session | undefined> {
  const { network } = three.world.runtime('visitor')
  const frames = new Frames()
  const answer = new Promise<Session | undefined>((resolve) => {
    const given = session === undefined ? {} : { sessionId: session.id, passwd: session.password }
    const link = network.connect(`${host(sid)}:2181`, {
      opened: () => void link.write(connectFrame(given)),
      data(chunk) {
        frames.push(chunk)
        const frame = frames.next()
        if (frame === undefined) return
        const { sessionId, passwd } = readConnectResponse(frame)
        resolve(sessionId === 0n ? undefined : { id: sessionId, password: passwd as Uint8Array })
        link.destroy()
      },
      closed: () => resolve(undefined),
    })
  })
  return three.run(answer)
}

test('with a shared secret, a session goes to each member by its password, and no id gives it away', async () => {
  await started({ 1: 'ab', 2: 'ab', 3: 'ab' })
  const ids = new Set<bigint>()
  for (const sid of sids) {
    const session = (await connectTo(sid)) as Session
    ids.add(session.id)
    for (const other of sids) expect((await connectTo(other, session))?.id).toBe(session.id)
    const computed = { id: session.id, password: sessionPassword(session.id) }
    for (const other of sids) expect(await connectTo(other, computed)).toBeUndefined()
  }
  expect(ids.size).toBe(3)
})

test('without one, ids and passwords are those that a server of Apache knows', async () => {
  await started({})
  for (const sid of sids) {
    const session = (await connectTo(sid)) as Session
    expect(session.id >> 56n).toBe(BigInt(sid))
    expect(session.password).toEqual(sessionPassword(session.id))
    for (const other of sids) expect((await connectTo(other, session))?.id).toBe(session.id)
    const wrong = { id: session.id, password: session.password.map((byte, i) => (i === 15 ? byte ^ 1 : byte)) }
    for (const other of sids) expect(await connectTo(other, wrong)).toBeUndefined()
  }
})

test.each([
  ['another secret', 'cd'],
  ['no secret', undefined],
])('a member with %s does not know the sessions of the others, and these go on', async (_what, secret) => {
  await started({ 1: 'ab', 2: 'ab', ...(secret === undefined ? {} : { 3: secret }) })
  const session = (await connectTo(1)) as Session
  expect(await connectTo(3, session)).toBeUndefined()
  expect((await connectTo(2, session))?.id).toBe(session.id)
})
