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
function checked(sent: readonly string[], apartMs = 0, ours = own): string[] {
  const said: string[] = []
  const log: Log = (_level, message, facts) => void said.push(formatLine(message, facts))
  let now = 0
  const check = new ListCheck(bytes(ours), log, { now: () => now } as Clock)
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

test('says nothing where several addresses of a member stand in another order, as a server of Apache may write them', () => {
  const ofTwo = (line: string): string => own.replace('server.2=b:2888:3888:participant', line)
  const several = 'server.2=b:2888:3888|b:2889:3889|a:1:2:participant'
  const orders = ['a:1:2|b:2888:3888|b:2889:3889', 'b:2889:3889|a:1:2|b:2888:3888', 'a:1:2|b:2888:3889|b:2889:3888']
  const texts = orders.map((each) => ofTwo(`server.2=${each}:participant`))
  expect(checked(texts, 0, ofTwo(several))).toEqual([])
  expect(checked([ofTwo('server.2=0.0.0.0:2888:3888|0.0.0.0:2889:3889|0.0.0.0:1:2:participant')], 0, texts[0])).toEqual(
    [],
  )
  const others = [
    'b:2888:3888|a:1:2:participant',
    'a:1:3|b:2888:3888|b:2889:3889:participant',
    'a:1:2|b:2888:3888|b:2889:3889:observer',
  ]
  for (const each of others) expect(checked([ofTwo(`server.2=${each}`)], 0, ofTwo(several))).toHaveLength(1)
})

test('says it again when it comes back after it was mended, and once a minute where it comes and goes', () => {
  expect(checked([other, own, other], 40_000)).toEqual([difference, difference])
  expect(checked([other, own, other, own, other])).toEqual([difference])
})
