/** A log collector that dies, a pipe to `head`, a log file on a full disk: the server serves on. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { connect } from '@lightkeeper/client'
import { ask } from '@lightkeeper/testing'
import { afterEach, expect, test } from 'vitest'
import { freePort } from '../support/our-process.ts'

const bin = fileURLToPath(new URL('../../packages/cli/bin/lightkeeper.js', import.meta.url))
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function server(stdio: readonly ['ignore', 'pipe' | number, 'pipe' | number]): Promise<[ChildProcess, number]> {
  const port = await freePort()
  const args = [bin, 'server', '--port', `${port}`, '--verbose', '--in-memory', '--set', '4lw.commands.whitelist=*']
  const child = spawn(process.execPath, args, { stdio: [...stdio] })
  children.push(child)
  return [child, port]
}

async function serves(child: ChildProcess, port: number): Promise<void> {
  while ((await ask(port, 'ruok').catch(() => '')) !== 'imok') {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the server ended')
  }
  for (let i = 0; i < 3; i++) {
    // Each of these is logged.
    await using zk = await connect(`127.0.0.1:${port}`)
    await zk.set('/', `${i}`)
  }
  const ended = new Promise((resolve) => void child.once('exit', (code) => resolve(code)))
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
}

test('the readers of its output and of its log are gone before it says a word', async () => {
  const [child, port] = await server(['ignore', 'pipe', 'pipe'])
  child.stdout?.destroy()
  child.stderr?.destroy()
  await serves(child, port)
})

test('they go when it has begun to serve', async () => {
  const [child, port] = await server(['ignore', 'pipe', 'pipe'])
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  await new Promise<void>((resolve) => void lines.once('line', () => resolve()))
  child.stdout?.destroy()
  child.stderr?.destroy()
  await serves(child, port)
})

const linux = process.platform === 'linux'
if (!linux) console.log('a log on a full disk: skipped, because this system has no /dev/full')
test.skipIf(!linux)('both are files on a full disk', async () => {
  const full = openSync('/dev/full', 'w')
  const [child, port] = await server(['ignore', full, full])
  await serves(child, port)
})

test.skipIf(process.platform === 'win32')('a command that only prints ends with its reader, without a stack', () => {
  const command = `"$1" "$2" --help | true; "$1" "$2" server --help | head -1`
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command, 'sh', process.execPath, bin], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toContain('usage: lightkeeper server')
})
