/**
 * An import that a signal stops goes on where it is run again, and nothing is missing or twice behind it: data, types, ACLs. 12,000
 * znodes; `TRANSFER_ZNODES=100000` for the long run, whose figures are in docs/operations/transfer.md.
 */
import { createHash } from 'node:crypto'
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connect } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { type ExportedTree, type ExportedZnode, exportLines, parseExport } from '@lightkeeper/tools'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../support/wait.ts'
import { Running } from './running.ts'

const count = Number(process.env['TRANSFER_ZNODES'] ?? 12_000)
const limitMs = Math.max(60_000, count * 20)
const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-transfer-'))
const file = join(folder, 'tree.jsonl')
const dataDir = join(folder, 'data')
let server: RunningServer
beforeAll(async () => {
  writeFileSync(file, [...exportLines(treeOf(count)), ''].join('\n'))
  server = await startServer({ port: 0, dataDir, preAllocSize: 1024, extendedTypesEnabled: true })
})
afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Folders of a hundred, with every kind of znode and of ACL that a file may hold. */
function treeOf(znodes: number): ExportedTree {
  const anyone = { perms: 31, id: { scheme: 'world', id: 'anyone' } }
  const acls = [
    [anyone],
    [anyone, { perms: 1, id: { scheme: 'ip', id: '10.0.0.1' } }],
    [anyone, { perms: 3, id: { scheme: 'digest', id: 'joe:x=' } }],
  ] as const
  const types = ['persistent', 'persistent', 'container', { ttl: 86_400_000 }] as const
  const nodes = new Map<string, ExportedZnode>([['', { data: new Uint8Array(0), type: 'persistent', acl: [anyone] }]])
  for (let i = 0; nodes.size < znodes; i++) {
    const folderPath = `/folder-${i}`
    nodes.set(folderPath, { data: new Uint8Array(0), type: 'persistent', acl: acls[i % 3] as ExportedZnode['acl'] })
    for (let k = 0; k < 99 && nodes.size < znodes; k++) {
      const data = Uint8Array.from({ length: (i + k) % 120 }, (_, at) => (k % 5 === 0 ? at * 7 : 97 + (at % 26)))
      const acl = acls[(i + k) % 3] as ExportedZnode['acl']
      nodes.set(`${folderPath}/znode-${k}`, { data, type: types[k % 4] as ExportedZnode['type'], acl })
    }
  }
  return { root: '/app', zxid: 1n, nodes }
}

const imports = (...more: readonly string[]): Running =>
  new Running(['import', file, '-s', server.connectString, ...more])

/** Equal for equal trees: everything but the zxid. */
async function contentOf(path: string): Promise<string> {
  const { nodes } = await parseExport(createInterface({ input: createReadStream(path) }))
  return createHash('sha256')
    .update([...exportLines({ root: '/app', zxid: 1n, nodes })].join('\n'))
    .digest('hex')
}

test(
  'what was stopped half way goes on, and the tree is that of the file: data, types, ACLs',
  async () => {
    await using zk = await connect(server)
    const stopped = imports()
    await until(async () => (await zk.find('/app')) !== undefined && (await zk.countDescendants('/app')) > 400)
    stopped.kill('SIGINT')
    const end = await stopped.closed
    const [, done = '0'] =
      /^lightkeeper import: (\d+) of \d+ writes are done and stay: ended by SIGINT; the same command goes on/m.exec(
        end.errors,
      ) ?? []
    expect(end.code, end.errors).toBe(1)
    // A whole number of transactions.
    expect(Number(done) % 500).toBe(0)
    expect(await zk.countDescendants('/app')).toBe(Number(done) - 1)

    const rest = await imports().closed
    expect([rest.code, rest.errors.replaceAll(/^lightkeeper import: \d+ of \d+ writes \(\d+ %\)\n/gm, '')]).toEqual([
      0,
      '',
    ])
    expect(rest.output).toBe(`/app: ${count - Number(done)} created, 0 set, 0 ACLs set, 0 deleted\n`)
    expect((await imports('--delete').closed).output).toBe('/app: 0 created, 0 set, 0 ACLs set, 0 deleted\n')

    const back = join(folder, 'back.jsonl')
    const exported = await new Running(['export', '/app', '--data-dir', dataDir, '-o', back]).closed
    expect([exported.code, exported.errors]).toEqual([0, ''])
    expect(await contentOf(back)).toBe(await contentOf(file))
    expect(readFileSync(back, 'utf8')).toContain('"type":"container"')
  },
  limitMs,
)
