import { expect, test } from 'vitest'
import { parseQuota, quotaPaths, quotaText } from './quota-text.ts'

test.each([
  'count=3,bytes=-1',
  'count=3,bytes=100=;byteHardLimit=5000;countHardLimit=50',
  'count=-1,bytes=-1=;byteHardLimit=-1',
])('%s reads as it prints', (text) => {
  expect(quotaText(parseQuota(text))).toBe(text)
})

test('an empty value is no limit, an unknown key is left out, another value is refused', () => {
  expect(parseQuota('count=,bytes=7,new=1')).toEqual({ count: -1n, bytes: 7n })
  expect(() => parseQuota('count=many')).toThrow('"count=many" in a quota is not a number')
})

test('places', () => {
  expect(quotaPaths('/a/b')).toEqual({
    place: '/zookeeper/quota/a/b',
    limits: '/zookeeper/quota/a/b/zookeeper_limits',
    usage: '/zookeeper/quota/a/b/zookeeper_stats',
  })
})
