/** A client that fails to authenticate again and again is slowed; one that made a mistake is not, and no other client is. */
import { digestProofs, opCode, parseDirectives, type Writer } from '@lightkeeper/protocol'
import { describe, expect, test, vi } from 'vitest'
import { type HandClient, handServer } from '../server.harness.ts'
import { AuthBudget } from './auth-budget.ts'
import { digestId } from './digest.ts'

const credentials =
  (scheme: string, text: string) =>
  (writer: Writer): void => {
    writer.int(0)
    writer.ustring(scheme)
    writer.buffer(new TextEncoder().encode(text))
  }

describe('the budget', () => {
  test('is thirty failures at once, and one more every two seconds', () => {
    const budget = new AuthBudget()
    for (let i = 0; i < 30; i++) {
      expect(budget.isSpent('a', 0)).toBe(false)
      budget.failed('a', 0)
    }
    expect([budget.isSpent('a', 0), budget.isSpent('b', 0)]).toEqual([true, false])
    expect([budget.isSpent('a', 1_999), budget.isSpent('a', 2_000)]).toEqual([true, false])
    budget.failed('a', 2_000)
    expect([budget.isSpent('a', 2_000), budget.isSpent('a', 4_000), budget.isSpent('a', 62_000)]).toEqual([
      true,
      false,
      false,
    ])
  })

  test('remembers a bounded number of addresses, those that failed last', () => {
    const budget = new AuthBudget()
    for (let i = 0; i < 12_000; i++) for (let times = 0; times < 30; times++) budget.failed(`host ${i}`, 0)
    expect(budget.size).toBe(10_000)
    expect([budget.isSpent('host 0', 0), budget.isSpent('host 11999', 0)]).toEqual([false, true])
  })
})

describe('a server', () => {
  const superDigest = digestId(new TextEncoder().encode('super:secret'))
  const server = async () => {
    const lines: string[] = []
    const hand = await handServer(
      { superDigest, maxClientCnxns: 0, fourLetterWordWhitelist: 'mntr' },
      (level, message) => {
        lines.push(`${level} ${message}`)
      },
    )
    const attempt = (scheme: string, text: string, host?: string): { err: number; client: HandClient } => {
      const client = hand.dial(host)
      client.connect()
      return { err: client.call(opCode.auth, credentials(scheme, text), -4).err, client }
    }
    return { ...hand, attempt, lines }
  }
  const refusedLine = 'warn too many failed authentications from one address, refusing all of them for a while'

  test('refuses an address that fails again and again, and no other; in time it is listened to again', async () => {
    const { attempt, clock, lines, dial } = await server()
    expect(attempt('digest', 'user:password').err).toBe(0)
    for (let i = 0; i < 30; i++) expect(attempt('nothing', 'x').err).toBe(-115)
    expect(lines).not.toContain(refusedLine)
    const refused = attempt('digest', 'user:password')
    expect([refused.err, refused.client.isEnded]).toEqual([-115, true])
    for (let i = 0; i < 50; i++) expect(attempt('nothing', 'x').err).toBe(-115)
    expect(lines.filter((line) => line === refusedLine)).toHaveLength(1)
    expect(attempt('digest', 'user:password', '10.0.0.2').err).toBe(0)
    // Without an auth packet the address is served as ever.
    const plain = dial()
    plain.connect()
    expect(plain.get('/').err).toBe(0)
    clock.advance(2_500)
    expect(attempt('digest', 'user:password').err).toBe(0)
    const asking = dial()
    asking.raw(new TextEncoder().encode('mntr'), false)
    await vi.waitFor(() => {
      expect(new TextDecoder().decode(asking.bytes[0])).toMatch(/zk_auth_failed_count\t81\n/)
    })
  })

  test('counts wrong passwords of the superuser, which are no failures for Apache', async () => {
    const { attempt } = await server()
    for (let i = 0; i < 30; i++) expect(attempt('digest', `super:guess ${i}`).err).toBe(0)
    expect(attempt('digest', 'super:guess').err).toBe(-115)
    expect(attempt('digest', 'super:secret').err).toBe(-115)
    expect(attempt('digest', 'super:secret', '10.0.0.2').err).toBe(0)
  })

  test('does not count what is right, however often', async () => {
    const { attempt } = await server()
    expect(attempt('nothing', 'x').err).toBe(-115)
    for (let i = 0; i < 100; i++) expect(attempt('digest', i % 2 === 0 ? 'super:secret' : `user${i}:p`).err).toBe(0)
  })
})

describe('a server with logins', () => {
  const token = (bytes: Uint8Array) => (writer: Writer) => writer.buffer(bytes)
  const server = async () => {
    const hand = await handServer({ saslUsers: { bob: 'secret' }, maxClientCnxns: 0 })
    /** The code that answers a login: of the challenge where there is none, else of the answer. */
    const login = (password: string, host?: string): number => {
      const client = hand.dial(host)
      client.connect()
      const offered = client.call(opCode.sasl, token(new Uint8Array(0)))
      if (offered.err !== 0) return offered.err
      const offer = new Map(parseDirectives(new TextDecoder().decode(offered.body.buffer() ?? undefined)) ?? [])
      const input = {
        username: 'bob',
        password,
        realm: offer.get('realm') ?? '',
        nonce: offer.get('nonce') ?? '',
        cnonce: 'c',
        digestUri: 'zookeeper/zk-sasl-md5',
        isUtf8: true,
      }
      const { client: response } = digestProofs(input)
      const answer =
        `charset=utf-8,username="bob",realm="${input.realm}",nonce="${input.nonce}",nc=00000001,cnonce="c",` +
        `digest-uri="${input.digestUri}",response=${response}`
      return client.call(opCode.sasl, token(new TextEncoder().encode(answer))).err
    }
    const packet = (scheme: string, text: string): number => {
      const client = hand.dial()
      client.connect()
      return client.call(opCode.auth, credentials(scheme, text), -4).err
    }
    return { ...hand, login, packet }
  }

  test('refuses an address that guesses passwords, the right one included, and no other address', async () => {
    const { login, clock } = await server()
    expect(login('secret')).toBe(0)
    for (let i = 0; i < 30; i++) expect(login(`guess ${i}`)).toBe(-115)
    expect([login('secret'), login('secret', '10.0.0.2')]).toEqual([-115, 0])
    clock.advance(2_500)
    expect(login('secret')).toBe(0)
  })

  test('counts the failures of an address together, whatever the way', async () => {
    const { login, packet } = await server()
    for (let i = 0; i < 15; i++) {
      expect(login(`guess ${i}`)).toBe(-115)
      expect(packet('nothing', 'x')).toBe(-115)
    }
    expect([login('secret'), packet('digest', 'user:password')]).toEqual([-115, -115])
  })

  test('does not count logins that succeed, however many', async () => {
    const { login } = await server()
    for (let i = 0; i < 100; i++) expect(login('secret')).toBe(0)
  })
})
