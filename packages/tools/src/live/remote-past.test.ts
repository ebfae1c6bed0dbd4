/** A directory behind an admin page: what is read there is what is read from the directory. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeRuntime, stderrLog } from '@lightkeeper/runtime/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  bodies,
  logFile,
  snapshotFile,
  stat,
  systemNodes,
  txn,
  types,
  writeDirectory,
} from '../../../../test/support/apache-files.ts'
import { PastDirectory } from '../history/past-directory.ts'
import { differencesBetween, history, treeAt } from '../history/questions.ts'
import { AdminPages, type HttpReply } from './admin-pages.ts'
import { remotePast } from './remote-past.ts'

const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-remote-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const count = 3_000
const setter = (zxid: number) => ({
  zxid,
  type: types.setData,
  // Larger than a piece all together, and records of every length on the borders.
  body: bodies.setData('/a', `${zxid}`.repeat(1 + ((zxid * 37) % 400)), zxid - 1),
})
beforeAll(() => {
  const create = { zxid: 1, type: types.create, body: bodies.create('/a', 'one', { parentCVersion: 1 }) }
  const rest = Array.from({ length: count }, (_, i) => txn(setter(i + 2)))
  const half = rest.length / 2
  writeDirectory(folder, {
    'log.1': logFile([txn(create), ...rest.slice(0, half)]),
    [`log.${(half + 2).toString(16)}`]: logFile(rest.slice(half)),
    'snapshot.2': snapshotFile([...systemNodes, ['/a', '2', -1, stat({ czxid: 1 })]]),
  })
})

let asked: string[] = []

/** What a server answers, from the directory. */
async function serve(target: string): Promise<HttpReply> {
  asked.push(target)
  const query = new URLSearchParams(target.split('?')[1])
  const directory = readdirSync(folder).includes('version-2') ? join(folder, 'version-2') : folder
  const name = query.get('file')
  if (name === null) {
    const files = readdirSync(directory).map((each) => ({ name: each, size: statSync(join(directory, each)).size }))
    return { status: 200, body: Buffer.from(JSON.stringify({ files, command: 'past', error: null })) }
  }
  const from = Number(query.get('from'))
  return { status: 200, body: readFileSync(join(directory, name)).subarray(from, from + Number(query.get('count'))) }
}

test('history, tree and difference are those of the directory', async () => {
  const here = await PastDirectory.open(nodeRuntime({ log: stderrLog('error') }).disk, folder)
  const there = await remotePast(new AdminPages(serve, { name: 'http://h:8080' }))
  const all = async (past: PastDirectory): Promise<string> => {
    const lines: string[] = []
    await history(past, '/a', (entry) => {
      if (entry.kind !== 'gap') lines.push(`${entry.zxid} ${entry.kind} ${new TextDecoder().decode(entry.after?.data)}`)
    })
    return lines.join('\n')
  }
  const lines = await all(there)
  expect(lines.split('\n')).toHaveLength(count + 1)
  expect(lines === (await all(here))).toBe(true)
  expect(await treeAt(there, '/', 1234n)).toEqual(await treeAt(here, '/', 1234n))
  expect(await differencesBetween(there, '/', 10n, 2_000n)).toEqual(await differencesBetween(here, '/', 10n, 2_000n))
  expect(await there.lastZxid()).toBe(BigInt(count + 1))
})

test('each byte is asked for once in a question, and pieces in advance', async () => {
  const there = await remotePast(new AdminPages(serve))
  asked = []
  await history(there, '/a', () => {})
  const pieces = asked.filter((target) => target.includes('file=log.1&'))
  expect(pieces.length).toBeGreaterThan(1)
  // The first piece is also read to see where the logs begin.
  expect(pieces.slice(2)).toEqual([...new Set(pieces.slice(2))])
})

test.each([
  [
    { status: 401, error: 'Not authenticated' },
    /Not authenticated; --auth must name an identity that has every permission on \//,
  ],
  [{ status: 403, error: 'Not authorized' }, /Not authorized; --auth must name/],
  [{ status: 200, error: 'Unknown command: past' }, /does not show its past by its admin port: .* --data-dir/],
  [{ status: 503, error: 'admin.past.enabled is false' }, /^h:1 refused past: admin.past.enabled is false$/],
])('a server that refuses with %j: the error says what to do', async ({ status, error }, message) => {
  const pages = new AdminPages(async () => ({ status, body: Buffer.from(JSON.stringify({ error })) }), { name: 'h:1' })
  await expect(remotePast(pages)).rejects.toThrow(message)
})

test('a file that was removed meanwhile ends the question with the words of the server', async () => {
  const pages = new AdminPages(async (target) => {
    if (target.includes('file=log.5'))
      return { status: 404, body: Buffer.from('{"error":"there is no log or snapshot"}') }
    return serve(target)
  })
  const there = await remotePast(pages)
  await expect(history(there, '/a', () => {})).rejects.toThrow(/there is no log or snapshot/)
})
