import { expect, test } from 'vitest'
import { layouts } from './layout.ts'

const hex = 'fe'.repeat(16)
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test.each<[keyof typeof layouts, string, string, string | undefined]>([
  ['curator', 'node-7', '10.0.0.7', 'node-7'],
  ['kazooParty', `${hex}__party__`, 'node-7', 'node-7'],
  ['kazooParty', `${hex}-node-7`, 'node-7', undefined],
  ['kazooParty', 'node-7', '', undefined],
  ['kazooShallowParty', `${hex}-node-7`, 'whatever', 'node-7'],
  ['kazooShallowParty', `${hex}-`, '', ''],
  ['kazooShallowParty', `${hex}__party__`, 'node-7', undefined],
])('%s: %s with %s is the member %s', (layout, name, data, id) => {
  expect(layouts[layout].read(name, bytes(data))?.id).toBe(id)
})

test('two members of one id have names of their own in the layouts of kazoo', () => {
  let next = 0
  const random = { below: () => 0, bytes: (length: number) => new Uint8Array(length).fill(next++) }
  for (const layout of [layouts.kazooParty, layouts.kazooShallowParty]) {
    const [one, two] = [layout.name('a', random), layout.name('a', random)]
    expect(one).not.toBe(two)
    expect(layout.read(one, bytes('a'))?.id).toBe('a')
  }
  expect(layouts.curator.name('a')).toBe('a')
})
