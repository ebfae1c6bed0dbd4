/**
 * Two members log in to each other. The bytes of `apache` were taken from the wire between two servers of 3.9.5, both of which know the
 * user `member` with the password `secret`.
 */
import { quorumAuthBytes } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { AcceptingLogin, DialingLogin, type LoginEnd, type MemberLogin } from './member-login.ts'
import { OwnLogin } from './member-sasl.ts'
import { SaslUsers } from './users.ts'

const users = new SaslUsers(new Map([['member', 'secret']]))
const nonce = '22nLh9Vd+ZtO'
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const packet = (status: 'inProgress' | 'success' | 'error', token: string | null): Uint8Array =>
  quorumAuthBytes({ status, token: token === null ? null : bytes(token) })
const dialer = (password = 'secret', user = 'member'): DialingLogin =>
  new DialingLogin(new OwnLogin(user, password), 'c0')
const accepter = (isRequired = true): AcceptingLogin => new AcceptingLogin(users, isRequired, nonce)

const apache = {
  challenge:
    'realm="zk-quorum-sasl-md5",nonce="u7sYHBkAkGSd6/kV3se/vQ/50TsWQynzF5S185Qw",charset=utf-8,algorithm=md5-sess',
  nonce: 'IqUfqxDD++4DPZo6sk2jGMkAK162bagRd1KEqRRV',
  answer:
    'charset=utf-8,username="member",realm="zk-quorum-sasl-md5",nonce="IqUfqxDD++4DPZo6sk2jGMkAK162bagRd1KEqRRV",nc=00000001,' +
    'cnonce="SW3or+osaktKMA3SddM17lpqE73/8LDtUUfSn4he",digest-uri="zookeeper-quorum/zk-quorum-sasl-md5",maxbuf=65536,' +
    'response=548b13a9f0866a9560d620b0cc0eb974,qop=auth,authzid="member"',
  rspauth: 'rspauth=e0b8ea8a9935346b18ccc010722a603d',
}

/** Passes bytes between the two, `size` at a time, until neither has more to say. Returns both ends, and what each of them sent. */
function play(a: MemberLogin, b: MemberLogin, size = 1000): { ends: (LoginEnd | undefined)[]; sent: string[] } {
  const ends: (LoginEnd | undefined)[] = [undefined, undefined]
  const sent: string[] = []
  const logins = [a, b]
  const queue: [to: number, chunk: Uint8Array][] = []
  const take = (from: number, { send, end }: ReturnType<MemberLogin['begin']>): void => {
    ends[from] ??= end
    if (send === undefined) return
    sent.push(new TextDecoder('latin1').decode(send))
    for (let at = 0; at < send.length; at += size) queue.push([1 - from, send.subarray(at, at + size)])
  }
  take(0, a.begin())
  take(1, b.begin())
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [to, chunk] = next
    if (ends[to] === undefined) take(to, (logins[to] as MemberLogin).received(chunk))
  }
  return { ends, sent }
}

const why = (end: LoginEnd | undefined): string => (end?.kind === 'failed' ? end.why : `${end?.kind}`)

test.each([1, 7, 1000])('both sides prove that they know the password, in pieces of %i bytes', (size) => {
  const { ends, sent } = play(dialer(), accepter(), size)
  expect(ends).toEqual([
    { kind: 'passed', rest: new Uint8Array(0), user: 'member' },
    { kind: 'passed', rest: new Uint8Array(0), user: 'member' },
  ])
  // Magic number, status, length and token.
  const head = (status: string, length: string): string => `_$5\x015\x01\u00ed\u00cc${status}\0\0${length}`
  expect(sent[0]).toBe(head('\0\0\0\0', '\0\0'))
  expect(sent[1]?.slice(16)).toBe(`realm="zk-quorum-sasl-md5",nonce="${nonce}",charset=utf-8,algorithm=md5-sess`)
  expect(sent[2]).toContain('digest-uri="zookeeper-quorum/zk-quorum-sasl-md5"')
  expect(sent[3]?.slice(0, 24)).toBe(`${head('\0\0\0\x01', '\0\x28')}rspauth=`)
})

test('what comes behind the login is kept for the link', () => {
  const login = accepter(false)
  expect(login.received(bytes('\0\0\0\x0b')).end).toEqual({
    kind: 'passed',
    rest: bytes('\0\0\0\x0b'),
    user: undefined,
  })
  const ours = dialer()
  const theirs = accepter()
  const challenge = theirs.received(ours.begin().send as Uint8Array).send as Uint8Array
  const proof = theirs.received(ours.received(challenge).send as Uint8Array).send as Uint8Array
  const { end } = ours.received(Uint8Array.from([...proof, 0, 0, 1]))
  expect(end).toEqual({ kind: 'passed', rest: Uint8Array.from([0, 0, 1]), user: 'member' })
})

describe('a server of Apache', () => {
  test('is logged in to', () => {
    const login = dialer()
    login.begin()
    const answer = new TextDecoder().decode(login.received(packet('inProgress', apache.challenge)).send?.subarray(16))
    expect(answer).toMatch(/^charset=utf-8,username="member",realm="zk-quorum-sasl-md5",nonce="u7sY.*",nc=00000001,/)
  })

  test('logs in, and gets the proof that it got from its like', () => {
    const login = new AcceptingLogin(users, true, apache.nonce)
    login.received(packet('inProgress', ''))
    const { send, end } = login.received(packet('inProgress', apache.answer))
    expect(new TextDecoder().decode(send?.subarray(16))).toBe(apache.rspauth)
    expect(end).toMatchObject({ kind: 'passed', user: 'member' })
  })
})

describe('it is said what is wrong', () => {
  test('with the password or the user', () => {
    const wrong = play(dialer('other'), accepter())
    expect(wrong.ends.map(why)).toEqual([
      'the other server refuses the password of the user member; compare the login files of both',
      'wrong user or password: the user is "member"',
    ])
    // As Apache's server says it: status -1 and an empty token.
    expect(wrong.sent[3]).toBe('_$5\x015\x01\u00ed\u00cc\u00ff\u00ff\u00ff\u00ff\0\0\0\0')
    expect(why(play(dialer('secret', 'nobody'), accepter()).ends[1])).toBe(
      'wrong user or password: the user is "nobody"',
    )
  })

  test('with a server that only acts as if it knew the password', () => {
    const login = dialer()
    login.begin()
    login.received(packet('inProgress', apache.challenge))
    const step = login.received(packet('success', 'rspauth=00000000000000000000000000000000'))
    expect(why(step.end)).toBe('the server did not prove that it knows the password')
    expect(why(dialer().received(packet('success', '')).end)).toBe('the other server did not ask for a password')
  })

  test('with a server that does not log in, where that is required', () => {
    for (const first of [Uint8Array.from([0]), bytes('\0\0\0\x0b0000'), bytes('_$5\x015\x01\u00ff')]) {
      const step = accepter().received(first)
      expect(why(step.end)).toMatch(/^it does not log in; set quorum\.auth\.learnerRequireSasl=true there/)
      expect(step.send).toBeUndefined()
    }
    expect(why(accepter().closed())).toMatch(/^it does not log in/)
    expect(accepter(false).closed()).toMatchObject({ kind: 'passed', user: undefined })
  })

  test('with a server where logins are off', () => {
    expect(why(dialer().closed())).toMatch(
      /^the other server does not ask for a password.*quorum\.auth\.enableSasl must .*sslQuorum the same/,
    )
    expect(why(dialer().received(bytes('\0\0\0\x11')).end)).toMatch(/^the other server speaks without a login; quorum/)
  })

  test('with another mechanism', () => {
    const step = accepter().received(packet('inProgress', '\x60\x82\x02'))
    expect(why(step.end)).toMatch(/^it logs in by another mechanism than DIGEST-MD5/)
    expect(step.send).toEqual(packet('error', ''))
    expect(why(accepter().received(packet('inProgress', null)).end)).toMatch(/another mechanism/)
    expect(why(dialer().received(packet('inProgress', 'algorithm=scram,nonce="1"')).end)).toBe(
      'the server does not offer md5-sess',
    )
  })

  test('with a user that asks to act as another one', () => {
    const login = new AcceptingLogin(users, true, apache.nonce)
    login.received(packet('inProgress', ''))
    const answer = apache.answer.replace('authzid="member"', 'authzid="boss"')
    expect(why(login.received(packet('inProgress', answer)).end)).toMatch(/^the answer asks to act as another user/)
  })

  test('with a token that is too long, or a status that does not exist', () => {
    const long = packet('inProgress', '').slice()
    long.set([0x7f, 0xff, 0xff, 0xff], 12)
    expect(why(accepter().received(long).end)).toMatch(/no part of a login: Unreasonable length/)
    const odd = packet('inProgress', '').slice()
    odd[11] = 9
    expect(why(dialer().received(odd).end)).toMatch(/unknown status 9/)
  })
})
