import { expect, test } from 'vitest'

test('to import the kit leaves nothing behind in the process', async () => {
  const hooks = () => process.eventNames().map((event) => [event, process.listenerCount(event)])
  const before = hooks()
  await import('./index.ts')
  expect(hooks()).toEqual(before)
})

test.each([
  ['proxy', { patients: 5 }, /^proxy: options has no "patients": did you mean patience\?$/],
  ['proxy', { patience: '5' }, /^proxy: options\.patience must be a number of milliseconds/],
  ['apache', { sise: 3 }, /^apache: options has no "sise": did you mean size\?$/],
  ['apache', { version: '3.7' }, /^apache: options\.version must be '3\.5' or '3\.8' or '3\.9'/],
  ['apache', { guestRole: ['voter'] }, /^apache: options\.guestRole\[0\] must be 'observer' or 'participant'/],
] as const)('%s refuses %j', async (name, options, says) => {
  const { apache, proxy } = await import('./index.ts')
  const starting: Promise<AsyncDisposable> = name === 'proxy' ? proxy(1, options as object) : apache(options as object)
  await expect(starting).rejects.toThrow(says)
})

test('a certificate is not made of misspelt options', async () => {
  const { Authority } = await import('./index.ts')
  const authority = new Authority()
  expect(() => authority.issue({ name: 'a', host: ['b'] } as never)).toThrow(
    /^issue: options has no "host": did you mean hosts/,
  )
  expect(() => authority.issue({ name: 'a', days: '1' } as never)).toThrow(
    /^issue: options\.days must be a number of days/,
  )
  expect(authority.issue({ name: 'a', hosts: ['b', '127.0.0.1'], days: -1 }).cert).toMatch(
    /^-----BEGIN CERTIFICATE-----/,
  )
})
