/** The table of requests has a row for what clients can send, and none for anything else. */
import { type OperationKind, opCode, operations } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { isReading, requestOf, serveOf } from './requests.ts'

const kinds: Record<OperationKind, readonly (string | undefined)[]> = {
  read: ['read'],
  watch: ['read'],
  ordered: ['sync'],
  write: ['write', 'closeSession'],
  control: ['read', 'auth', 'sasl'],
  internal: [undefined],
  part: [undefined],
}

test.each(operations.map(({ name, code, kind }) => ({ name, code, kind })))(
  '$name is served as the opcode table of the protocol says',
  ({ code, kind }) => {
    expect(kinds[kind]).toContain(requestOf(code)?.kind)
  },
)

test.each([2 ** 31 - 1, -(2 ** 31), 10, 99, 108])('%i is no request', (type) => {
  expect([requestOf(type), isReading(type)]).toEqual([undefined, false])
})

test('what changes nothing may wait behind a write: reads, sync and pings', () => {
  const reading = operations.filter(({ code }) => isReading(code)).map(({ kind, name }) => `${kind} ${name}`)
  expect(reading).toContain('control ping')
  expect(reading.filter((each) => !/^(read|watch|ordered) |ping$/.test(each))).toEqual([])
  expect(reading).toHaveLength(operations.filter(({ kind }) => /^(read|watch|ordered)$/.test(kind)).length + 1)
})

test('a write is never served as a read', () => {
  expect(() => serveOf(opCode.setData)).toThrow('only reads are served')
})
