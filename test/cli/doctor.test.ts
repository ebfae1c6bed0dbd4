/** `lightkeeper doctor` and `lightkeeper bench`, as an operator runs them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, connect } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { findingNames } from '@lightkeeper/tools'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commands } from '../../packages/cli/src/commands.ts'
import { bodies, logFile, txn, types, writeDirectory } from '../support/apache-files.ts'
import { until } from '../support/wait.ts'
import { Running } from './running.ts'

const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-doctor-'))
const dataDir = join(folder, 'data')
let server: RunningServer
let zk: Client
beforeAll(async () => {
  server = await startServer({ port: 0, dataDir, preAllocSize: 64, forceSync: false, fourLetterWordWhitelist: '*' })
  zk = await connect(server)
  for (let i = 0; i < 20; i++) await zk.create(`/n${i}`, 'x')
})
afterAll(async () => {
  await zk?.close()
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const run = (...args: readonly string[]): Promise<{ code: number | null; output: string; errors: string }> =>
  new Running(args, { LIGHTKEEPER_SERVER: server.connectString }).closed

describe('doctor', () => {
  test('finds nothing wrong with a server of ours and its directory in use, and exits with 0', async () => {
    const live = await run('doctor')
    expect([live.code, live.errors]).toEqual([0, ''])
    expect(live.output).toMatch(
      /^note world-writable: Everybody who reaches the server may change \d+ of \d+ znodes\.\n/,
    )
    expect(live.output).toMatch(/\nnothing is wrong \(one server, 2\d znodes\)\n$/)
    const files = await run('doctor', dataDir, '-q')
    expect(files).toMatchObject({ code: 0, errors: '' })
    expect(files.output).toMatch(/^nothing is wrong \(1 logs, 1 snapshots, 2\d znodes\)\n$/)
  })

  test('says what is wrong with a damaged directory, with the next command, and exits with 1; it changes nothing', async () => {
    const damaged = join(folder, 'damaged')
    const creates = Array.from({ length: 9 }, (_, i) =>
      txn({ zxid: i + 1, type: types.create, body: bodies.create(`/n${i}`, 'x') }),
    )
    writeDirectory(damaged, { 'log.1': logFile(creates.slice(0, 3)), 'log.6': logFile(creates.slice(5)) })
    const before = contentsOf(join(damaged, 'version-2'))
    const { code, output, errors } = await run('doctor', damaged)
    expect([code, errors]).toEqual([1, ''])
    expect(output).toBe(
      [
        'CRITICAL log-missing: A log file is missing: the transactions 0x4 to 0x5 are in no file.',
        `  where: ${damaged}/version-2`,
        '  shown by: the history before it ends with 0x3',
        `  shown by: good transactions go on with 0x6 at offset 16 of ${damaged}/version-2/log.6`,
        '  shown by: or the log before it was cut at the end of a transaction',
        '  shown by: Apache ZooKeeper would start on it and serve what is left, without a word',
        `  next: Restore the directory from a backup. Without one, go on without what is lost: lightkeeper server --data-dir ${damaged} --accept-loss`,
        '',
        '1 critical, 0 warnings (2 logs, 0 snapshots, 0 znodes)',
        '',
      ].join('\n'),
    )
    expect(contentsOf(join(damaged, 'version-2'))).toEqual(before)
    const json = (await run('doctor', damaged, '--json')).output.trim().split('\n')
    expect(json.map((line) => JSON.parse(line) as object)).toMatchObject([
      { name: 'log-missing', severity: 'critical', evidence: expect.any(Array) as unknown },
      { critical: 1, warnings: 0, isWrong: true },
    ])
    truncateSync(join(damaged, 'version-2', 'log.1'), 60)
    expect((await run('doctor', damaged, '-q')).output).toContain('CRITICAL log-cut')
  })

  test('a server that does not answer, and a directory that is not there', async () => {
    const gone = await run('doctor', '-s', '127.0.0.1:1', '--connect-timeout', '200')
    expect(gone.code).toBe(1)
    expect(gone.output).toMatch(/^CRITICAL unreachable: The server cannot be reached\.\n {2}where: 127\.0\.0\.1:1\n/)
    expect(await run('doctor', join(folder, 'none'))).toMatchObject({
      code: 1,
      output: '',
      errors: `lightkeeper doctor: ${folder}/none does not exist\n`,
    })
    expect(await run('doctor', '--log-dir', folder)).toMatchObject({ code: 2, output: '' })
  })

  test('every name is explained on its page, and every command that a finding names exists', () => {
    const page = readFileSync(new URL('../../docs/operations/doctor.md', import.meta.url), 'utf8')
    const explained = [...page.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, name]) => name)
    expect(findingNames.filter((name) => !explained.includes(name))).toEqual([])
    const known = new Set(commands.map(({ spec }) => spec.name))
    const sources = new URL('../../packages/tools/src/doctor/', import.meta.url)
    for (const file of readdirSync(sources).filter((name) => !name.endsWith('.test.ts'))) {
      const text = readFileSync(new URL(file, sources), 'utf8')
      for (const [, name = ''] of text.matchAll(/lightkeeper ([a-zA-Z]+)/g))
        expect(known, `${file}: ${name}`).toContain(name)
    }
  })
})

describe('bench', () => {
  const quick = ['--seconds', '0.1', '--znodes', '20', '--max-znodes', '50', '-c', '2', '-w', '4'] as const

  test('prints a line an operation, and leaves nothing behind', async () => {
    const { code, output, errors } = await run('bench', ...quick, '--histogram')
    expect([code, errors]).toEqual([0, ''])
    expect(
      output
        .split('\n')
        .filter((line) => /^[a-z]/.test(line))
        .map((line) => line.split(' ')[0]),
    ).toEqual(['operation', 'create', 'get', 'set', 'mixed', 'watch', 'delete'])
    expect(output).toMatch(/\n +0\.\d+ ms {2} *[\d.]+ % {2}#+\n/)
    expect(await zk.exists('/lightkeeper-bench')).toBeUndefined()
    const json = (await run('bench', ...quick, '-o', 'get', '--json')).output.trim().split('\n')
    expect(json.map((line) => JSON.parse(line) as object)).toMatchObject([
      { operation: 'get', errors: 0, isExhausted: false, histogram: expect.any(Array) as unknown },
    ])
  })

  test('cleans up after Ctrl-C, and says what a run that was killed has left', async () => {
    const stopped = new Running(['bench', '--seconds', '600', '-o', 'get', '--znodes', '50'], {
      LIGHTKEEPER_SERVER: server.connectString,
    })
    await until(async () => (await zk.find('/lightkeeper-bench')) !== undefined)
    await until(async () => (await zk.countDescendants('/lightkeeper-bench')) > 50)
    stopped.kill('SIGINT')
    const end = await stopped.closed
    expect(end).toMatchObject({ code: 1, errors: 'lightkeeper bench: ended by SIGINT\n' })
    expect(await zk.exists('/lightkeeper-bench')).toBeUndefined()

    await zk.create('/lightkeeper-bench/run-0123456789ab/read-0/1', '', { parents: true })
    const next = await run('bench', ...quick, '-o', 'set')
    expect(next).toMatchObject({
      code: 0,
      errors:
        'lightkeeper bench: 1 earlier runs were killed and have left znodes below /lightkeeper-bench; lightkeeper bench --clean deletes them\n',
    })
    expect(await run('bench', '--clean')).toMatchObject({
      code: 0,
      output: 'deleted /lightkeeper-bench/run-0123456789ab\n',
    })
    expect(await zk.exists('/lightkeeper-bench')).toBeUndefined()
    expect((await run('bench', '--clean')).output).toBe('nothing was left behind\n')
  })
})

function contentsOf(directory: string): [name: string, size: number, modified: number][] {
  return readdirSync(directory).map((name) => {
    const { size, mtimeMs } = statSync(join(directory, name))
    return [name, size, mtimeMs]
  })
}
