import { describe, expect, test } from 'vitest'
import { SessionClaim } from './claim.ts'

const password = new Uint8Array(16).fill(9)
const granted = (sessionId: bigint, timeOut = 9_000) => ({
  protocolVersion: 0,
  timeOut,
  sessionId,
  passwd: password,
  readOnly: false,
})

describe('a handshake', () => {
  test('asks for a new session first, and for the same one once it was on a server with a quorum', () => {
    const claim = new SessionClaim()
    expect(claim.connectRequest(9_000, false)).toMatchObject({ sessionId: 0n, passwd: new Uint8Array(16) })
    expect(claim.answered(granted(7n))).toBe('new')
    claim.isWritable = true
    expect(claim.connectRequest(9_000, false)).toMatchObject({ sessionId: 7n, passwd: password })
    expect(claim.answered(granted(7n))).toBe('same')
  })

  test('asks for a new session while the one it has is known to servers without a quorum alone', () => {
    const claim = new SessionClaim()
    claim.answered(granted(7n))
    expect(claim.connectRequest(9_000, true)).toMatchObject({ sessionId: 0n, passwd: new Uint8Array(16) })
  })

  test.each([
    ['no timeout', granted(7n, 0)],
    ['another session than the one asked for', granted(8n)],
  ])('is refused by an answer with %s, and the claim stays', (_, response) => {
    const claim = new SessionClaim()
    claim.adopt({ sessionId: 7n, password, timeoutMs: 9_000, lastZxid: 5n, ephemerals: [] })
    expect(claim.answered(response)).toBe('refused')
    expect(claim.token(9_000, ['/e'])).toEqual({
      sessionId: 7n,
      password,
      timeoutMs: 9_000,
      lastZxid: 5n,
      ephemerals: ['/e'],
    })
  })

  test('that every server ends without a word makes a client without a session start over, and no other', () => {
    const claim = new SessionClaim()
    claim.adopt({ sessionId: 7n, password, timeoutMs: 9_000, lastZxid: 5n, ephemerals: [] })
    expect([1, 2, 3].map(() => claim.closedSilently(2))).toEqual([false, false, false])
    claim.expired()
    expect([claim.closedSilently(2), claim.lastZxid]).toEqual([false, 5n])
    expect([claim.closedSilently(2), claim.lastZxid]).toEqual([true, 0n])
  })
})
