import { digestProofs } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { DigestMd5Login, type LoginStep } from './digest-md5-login.ts'
import { SaslUsers } from './users.ts'

const users = new SaslUsers(new Map([['bob', 'secret']]))
const nonce = 'bm9uY2U='
const text = (step: LoginStep): string => ('token' in step ? new TextDecoder().decode(step.token) : '')
const why = (step: LoginStep): string => (step.kind === 'failed' ? step.why : step.kind)
const begun = (): DigestMd5Login => {
  const login = new DigestMd5Login(users, nonce)
  login.step(new Uint8Array(0))
  return login
}
const input = {
  username: 'bob',
  password: 'secret',
  realm: 'zk-sasl-md5',
  nonce,
  cnonce: 'c',
  digestUri: 'zookeeper/zk-sasl-md5',
  isUtf8: true,
}
const answer = (given: Partial<typeof input> = {}, more = ''): Uint8Array => {
  const used = { ...input, ...given }
  return new TextEncoder().encode(
    `charset=utf-8,username="${used.username}",realm="${used.realm}",nonce="${used.nonce}",nc=00000001,` +
      `cnonce="c",digest-uri="${used.digestUri}",response=${digestProofs(used).client}${more}`,
  )
}

test('a challenge, an answer, a proof', () => {
  const login = new DigestMd5Login(users, nonce)
  expect(text(login.step(new Uint8Array(0)))).toBe(
    'realm="zk-sasl-md5",nonce="bm9uY2U=",charset=utf-8,algorithm=md5-sess',
  )
  const done = login.step(answer())
  expect(done).toMatchObject({ kind: 'done', user: 'bob' })
  expect(text(done)).toBe(`rspauth=${digestProofs(input).server}`)
})

test('each login has one try, a right answer behind a wrong one included', () => {
  const login = begun()
  expect(why(login.step(answer({ password: 'guess' })))).toBe('wrong user or password')
  expect(why(login.step(answer()))).toBe('the login is over already')
  expect(why(login.step(new Uint8Array(0)))).toBe('the login is over already')
})

test('a user that does not exist is refused in the same words as a wrong password, an empty one too', () => {
  expect(why(begun().step(answer({ username: 'ann' })))).toBe('wrong user or password')
  expect(why(begun().step(answer({ username: 'ann', password: '' })))).toBe('wrong user or password')
})

test('what the answer must say is said once', () => {
  for (const name of ['username', 'nonce', 'cnonce', 'digest-uri', 'response']) {
    expect(why(begun().step(answer({}, `,${name}=x`)))).toBe(`the answer has more than one ${name}`)
  }
})

test('an answer of more than 4096 bytes is not read', () => {
  expect(why(begun().step(answer({}, `,x="${'x'.repeat(4096)}"`)))).toBe('the answer cannot be read')
})

test('no reason of a failure shows what the client sent but a name', () => {
  const reasons = [{ realm: 'REALM' }, { nonce: 'NONCE' }, { digestUri: 'URI' }, { password: 'PASSWORD' }].map(
    (given) => why(begun().step(answer(given))),
  )
  expect(reasons).toHaveLength(4)
  for (const reason of reasons) expect(reason).not.toMatch(/REALM|NONCE|URI|PASSWORD|[0-9a-f]{32}/)
})

test('whatever bytes an answer has, it fails and throws nothing', () => {
  let seed = 7
  const below = (n: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return seed % n
  }
  for (let i = 0; i < 2_000; i++) {
    const token = answer({ password: 'guess' })
    for (let times = below(8); times >= 0; times--) token[below(token.length)] = below(256)
    expect(begun().step(token.subarray(0, below(token.length + 1))).kind).toBe('failed')
  }
  for (const text of [' '.repeat(4096), `a${' '.repeat(4095)}`, '"'.repeat(4096), 'a=,'.repeat(1365)]) {
    expect(begun().step(new TextEncoder().encode(text)).kind).toBe('failed')
  }
})
