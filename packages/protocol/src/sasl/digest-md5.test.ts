import { expect, test } from 'vitest'
import { digestProofs, parseDirectives, quoted } from './digest-md5.ts'

const chris = { username: 'chris', password: 'secret', realm: 'elwood.innosoft.com', isUtf8: true }

test.each([
  {
    name: 'imap',
    nonce: 'OA6MG9tEQGm2hh',
    cnonce: 'OA6MHXh6VqTrRk',
    client: 'd388dad90d4bbd760a152321f2143af7',
    server: 'ea40f60335c427b5527b84dbabcdfffd',
  },
  {
    name: 'acap',
    nonce: 'OA9BSXrbuRhWay',
    cnonce: 'OA9BSuZWMSpW8m',
    client: '6084c6db3fede7352c551284490fd0fc',
    server: '2f0b3d7c3c2e486600ef710726aa2eae',
  },
])('computes both proofs of the $name example in RFC 2831, section 4', ({ name, client, server, ...nonces }) => {
  const digestUri = `${name}/elwood.innosoft.com`
  expect(digestProofs({ ...chris, ...nonces, digestUri })).toEqual({ client, server })
})

test('a proof depends on every part that both ends must agree on', () => {
  const base = { ...chris, nonce: 'n', cnonce: 'c', digestUri: 'u' }
  const others = [
    { username: 'x' },
    { password: 'x' },
    { realm: 'x' },
    { nonce: 'x' },
    { cnonce: 'x' },
    { digestUri: 'x' },
    { authzid: 'chris' },
  ]
  const proofs = [base, ...others.map((other) => ({ ...base, ...other }))].map((input) => digestProofs(input).client)
  expect(new Set(proofs).size).toBe(others.length + 1)
})

test('a name beyond ASCII has one proof in both charsets while ISO 8859-1 can hold it', () => {
  const input = { ...chris, username: 'ünal', password: 'pässwörd', nonce: 'n', cnonce: 'c', digestUri: 'u' }
  expect(digestProofs({ ...input, isUtf8: false })).toEqual(digestProofs({ ...input, isUtf8: true }))
})

test('directives are read in quotes and without, and what is something else is refused', () => {
  expect(parseDirectives(String.raw`A="x\"y,z" , b=1,c=`)).toEqual([
    ['a', 'x"y,z'],
    ['b', '1'],
    ['c', ''],
  ])
  for (const text of ['', '=', 'a', 'a="b', 'a="b"c', ',,,'])
    expect([text, parseDirectives(text)]).toEqual([text, undefined])
})

test('what is quoted is read as it was', () => {
  for (const text of ['', 'bob', 'a"b\\c', ',=', 'line\nbreak']) {
    expect(parseDirectives(`x=${quoted(text)}`)).toEqual([['x', text]])
  }
})
