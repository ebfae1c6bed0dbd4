import { type Acl, type Id, permission } from '@lightkeeper/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { resolveConfig } from '../config/config.ts'
import { Access } from './access.ts'
import { type AuthProvider, authProviders } from './providers.ts'

const providers = authProviders(resolveConfig({}, 0))

/** Counts how often a provider compares. */
function counted(): { readonly access: Access; count: number } {
  const it = { count: 0, access: new Access(providers, false) }
  const counting = [...providers].map(([scheme, provider]): [string, AuthProvider] => [
    scheme,
    {
      ...provider,
      matches(id, aclId) {
        it.count++
        return provider.matches(id, aclId)
      },
    },
  ])
  it.access = new Access(new Map(counting), false)
  return it
}

test('a long list is walked once for an identity, however often it is asked', () => {
  const it = counted()
  const list: Acl[] = Array.from({ length: 10_000 }, (_, i) => ({
    perms: permission.read | (i << 5),
    id: { scheme: 'ip', id: '1.1.1.1' },
  }))
  const identities: readonly Id[] = [{ scheme: 'ip', id: '2.2.2.2' }]
  for (let i = 0; i < 3_000; i++) expect(it.access.allows(list, permission.read, identities)).toBe(false)
  expect(it.count).toBe(list.length)
})

const id = fc.constantFrom<Id>(
  { scheme: 'world', id: 'anyone' },
  { scheme: 'ip', id: '10.0.0.0/8' },
  { scheme: 'ip', id: '10.1.2.3' },
  { scheme: 'digest', id: 'a:x' },
  { scheme: 'digest', id: `${'long'.repeat(64)}:x` },
  { scheme: 'nobody', id: 'knows' },
)
const own = fc.constantFrom<Id>(
  { scheme: 'ip', id: '10.1.2.3' },
  { scheme: 'ip', id: '11.1.2.3' },
  { scheme: 'digest', id: 'a:x' },
  { scheme: 'digest', id: `${'long'.repeat(64)}:x` },
  { scheme: 'nobody', id: 'knows' },
)

test('a long list gives what a short one with the same entries gives', () => {
  const access = new Access(providers, false)
  const fills: Acl[] = Array.from({ length: 64 }, (_, i) => ({
    perms: 31,
    id: { scheme: 'digest', id: `other${i}:x` },
  }))
  const entries = fc.array(fc.record({ perms: fc.nat(31), id }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(entries, fc.array(own, { maxLength: 3 }), (short, identities) => {
      const long = [...fills, ...short]
      for (const wanted of [1, 2, 4, 8, 16, 31])
        expect(access.allows(long, wanted, identities)).toBe(access.allows(short, wanted, identities))
    }),
  )
})
