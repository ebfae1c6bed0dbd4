import { type Clock, formatLine, type Log } from '@lightkeeper/runtime'
import { expect, test } from 'vitest'
import { ListCheck } from './list-check.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const own = 'server.1=a:2888:3888:participant\nserver.2=b:2888:3888:participant;0.0.0.0:2181\nversion=0'
const other = 'server.1=a:2888:3888:participant\nserver.3=c:2888:3888:participant\nversion=0'
const difference =
  'another member has other server.N lines than this one; make them the same on all members server=2 ' +
  'onlyHere="server.2=b:2888:3888:participant" onlyThere="server.3=c:2888:3888:participant"'

/** The texts come `apartMs` after each other. */
function checked(sent: readonly string[], apartMs = 0): string[] {
  const said: string[] = []
  const log: Log = (_level, message, facts) => void said.push(formatLine(message, facts))
  let now = 0
  const check = new ListCheck(bytes(own), log, { now: () => now } as Clock)
  for (const text of sent) {
    check.heard(2, bytes(text))
    now += apartMs
  }
  return said
}

test('says once which lines differ', () => {
  expect(checked([other, other, other])).toEqual([difference])
})

test('says nothing where only the version, the order or the ports for clients differ, or nothing was sent', () => {
  expect(checked([own, '', own.split('\n').reverse().join('\n'), own.replace('version=0', 'version=f')])).toEqual([])
  expect(checked([own.replace(';0.0.0.0:2181', '')])).toEqual([])
  // Its own line has all addresses.
  expect(checked([own.replace('=b:', '=0.0.0.0:')])).toEqual([])
  expect(checked([own.replace('=b:2888', '=0.0.0.0:2889')])).toHaveLength(1)
})

test('says it again when it comes back after it was mended, and once a minute where it comes and goes', () => {
  expect(checked([other, own, other], 40_000)).toEqual([difference, difference])
  expect(checked([other, own, other, own, other])).toEqual([difference])
})
