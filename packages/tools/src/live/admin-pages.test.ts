import { expect, test } from 'vitest'
import { AdminPages, type HttpReply, parsePage } from './admin-pages.ts'

const reply = (text: string, status = 200): HttpReply => ({ status, body: new TextEncoder().encode(text) })

test.each([
  ['{"a":72057596723789825}', { a: 72057596723789825n }],
  ['{"a":[-1152921504606846976, 1]}', { a: [-1152921504606846976n, 1] }],
  ['{"a":0.3333333333333333333,"b":1.5e300,"c":1234567890123456.5}', { a: 1 / 3, b: 1.5e300, c: 1234567890123456.5 }],
  ['{"a":"72057596723789825","72057596723789825":1}', { a: '72057596723789825', '72057596723789825': 1 }],
  ['{"a":"\\"72057596723789825"}', { a: '"72057596723789825' }],
  ['[1]', undefined],
  ['<html>', undefined],
  ['', undefined],
])('%s is read as it is', (text, value) => expect(parsePage(text)).toEqual(value))

test('the authorization goes only to the commands that need it', async () => {
  const asked: unknown[] = []
  const get = async (target: string, headers: object): Promise<HttpReply> => {
    asked.push([target, headers])
    return reply('{"command":"x","error":null}')
  }
  const pages = new AdminPages(get, { commandUrl: '/admin', authorization: 'digest a:b' })
  await pages.page('dump')
  await pages.page('past', { isSecret: true })
  await pages.bytes('past', { file: 'log.1', from: '0' })
  expect(asked).toEqual([
    ['/admin/dump', {}],
    ['/admin/past', { authorization: 'digest a:b' }],
    ['/admin/past?file=log.1&from=0', { authorization: 'digest a:b' }],
  ])
})

test.each([
  [reply('{"error":"Not authorized"}', 403), 'h:1 refused past: Not authorized', 403],
  [reply('{"error":"Unknown command: past"}'), 'h:1 refused past: Unknown command: past', 200],
  [reply('<html>'), 'h:1 has no admin pages at /commands: no JSON came', 200],
  [reply('{}', 500), 'h:1 answered past with status 500', 500],
])('an answer that is none is an error in the words of the server', async (answer, message, status) => {
  const pages = new AdminPages(async () => answer, { name: 'h:1' })
  await expect(pages.page('past')).rejects.toMatchObject({ message, status })
})
