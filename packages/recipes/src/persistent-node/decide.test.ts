import { describe, expect, test } from 'vitest'
import { stepFor } from './decide.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const wanted = { isEphemeral: true, data: bytes('mine') }
const lasting = { isEphemeral: false, data: bytes('mine') }
const session = 7n

describe('a znode that is to be there', () => {
  test.each([
    ['is missing', undefined, wanted, false, 'create'],
    ['is ours and as it should be', { owner: 7n, data: bytes('mine') }, wanted, false, 'rest'],
    ['is ours with other data', { owner: 7n, data: bytes('minf') }, wanted, false, 'write'],
    ['is ours with longer data', { owner: 7n, data: bytes('mine!') }, wanted, true, 'write'],
    ['is left of an earlier session of ours', { owner: 3n, data: bytes('mine') }, wanted, true, 'replace'],
    ['belongs to somebody else', { owner: 3n, data: bytes('mine') }, wanted, false, 'yield'],
    ['stands there for good', { owner: 0n, data: bytes('mine') }, wanted, false, 'yield'],
    ['lasts, and is as it should be', { owner: 0n, data: bytes('mine') }, lasting, false, 'rest'],
    ['lasts, with other data', { owner: 0n, data: bytes('') }, lasting, false, 'write'],
    ['should last, and is an ephemeral of ours', { owner: 7n, data: bytes('mine') }, lasting, false, 'yield'],
  ] as const)('%s', (_, found, want, isLeftover, step) => {
    expect(stepFor(found, want, session, () => isLeftover)).toBe(step)
  })
})
