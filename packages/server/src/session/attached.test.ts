/** The connection that came last speaks for a session. */
import { expect, test } from 'vitest'
import { Attached } from './attached.ts'

test('the end of an earlier connection does not detach the one that took over', () => {
  const attached = new Attached<string>()
  attached.attach(1n, 'first')
  attached.attach(1n, 'second')
  attached.detach(1n, 'first')
  expect(attached.of(1n)).toBe('second')
  attached.detach(1n, 'second')
  expect(attached.of(1n)).toBeUndefined()
})
