import type { Acl } from '@lightkeeper/client'
import { describe, expect, test } from 'vitest'
import { type ExportedTree, type ExportedZnode, exportLines, parseExport } from './export-file.ts'

const open: readonly Acl[] = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const znode = (data: Uint8Array | string, more: Partial<ExportedZnode> = {}): ExportedZnode => ({
  data: typeof data === 'string' ? new TextEncoder().encode(data) : data,
  type: 'persistent',
  acl: open,
  ...more,
})
const tree = (nodes: Readonly<Record<string, ExportedZnode>>): ExportedTree => ({
  root: '/app',
  zxid: 0x1_0000_0007n,
  nodes: new Map(Object.entries(nodes)),
})

test('what is written is read again: text, bytes, types, ACLs, owners', async () => {
  const acl: readonly Acl[] = [{ perms: 3, id: { scheme: 'digest', id: 'joe:x=' } }]
  const written = tree({
    '': znode(''),
    '/text': znode('é\n"\u2028\u2029\ufeff'),
    '/bom': znode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)),
    '/bytes': znode(Uint8Array.from({ length: 256 }, (_, i) => i)),
    '/bytes/below': znode('x', { acl }),
    '/container': znode('', { type: 'container' }),
    '/ephemeral': znode('', { type: 'ephemeral', owner: -5n }),
    '/ttl': znode('', { type: { ttl: 60_000 } }),
  })
  const lines = [...exportLines(written)]
  expect(lines.join('')).not.toMatch(/[\r\n\u2028\u2029]/)
  expect(await parseExport(lines)).toEqual(written)
})

test('the usual is left out', () => {
  expect([...exportLines(tree({ '': znode(''), '/a': znode('x') }))]).toEqual([
    '{"format":"lightkeeper-export","version":1,"path":"/app","zxid":"0x100000007","znodes":2}',
    '{"path":""}',
    '{"path":"/a","text":"x"}',
    '{"end":2}',
  ])
})

describe('a file is refused by its line', () => {
  const head = '{"format":"lightkeeper-export","version":1,"path":"/app","zxid":"0x7","znodes":1}'
  test.each([
    [[], 'line 0: the file is empty'],
    [['{"a":1}'], 'line 1: the first line must have "format": "lightkeeper-export"'],
    [[head.replace('"version":1', '"version":2')], 'line 1: version 2 is not known here, 1 is'],
    [[head.replace('/app', 'app')], 'line 1: "path" is not a path'],
    [[head.replace('0x7', '7')], 'line 1: "zxid" is not a zxid'],
    [[head], 'line 1: the file ends before its last line, {"end": …}: it is not whole'],
    [[head, '{"path":""}', '{"end":2}'], 'line 3: the end counts 2 znodes, and there are 1'],
    [[head, '{"path":""}', '{"end":1}', '{"path":"/b"}'], 'line 4: something stands behind the end'],
    [[head, '{"path":""}', '{"path":""}'], 'line 3: the root stands there twice'],
    [[head, '{"path":""}', '{"path":"/a/b"}'], 'line 3: /a/b has no parent in front of it'],
    [[head, 'no'], 'line 2: it is not a JSON object'],
    [[head, '[]'], 'line 2: it is not a JSON object'],
    [[head, '{"path":"a"}'], 'line 2: "path" is not a path'],
    [[head, '{"path":"","text":"a","base64":"YQ=="}'], 'line 2: it has both "text" and "base64"'],
    [[head, '{"path":"","text":1}'], 'line 2: "text" is not text'],
    [[head, '{"path":"","base64":"?"}'], 'line 2: "base64" is not base64'],
    [[head, '{"path":"","type":"other"}'], 'line 2: "type" is ephemeral, container or {"ttl": milliseconds}'],
    [[head, '{"path":"","type":{"ttl":0}}'], 'line 2: "type" is ephemeral, container or {"ttl": milliseconds}'],
    [[head, '{"path":"","acl":[]}'], 'line 2: "acl" is not a list of entries'],
    [
      [head, '{"path":"","acl":[{"perms":1}]}'],
      'line 2: an entry of "acl" needs a number "perms" and the texts "scheme" and "id"',
    ],
    [[head, '{"path":"","owner":"x"}'], 'line 2: "owner" is not a session id'],
    [[head, '{"path":"","dta":"x"}'], 'line 2: "dta" is not known here'],
  ])('%j', async (lines, message) => {
    await expect(parseExport(lines)).rejects.toThrow(message)
  })
})
