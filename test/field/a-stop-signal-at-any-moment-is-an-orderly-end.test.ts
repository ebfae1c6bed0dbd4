/** SIGTERM while it starts, recovers, serves or stops, once or twice: a documented exit code, and a directory that opens again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '@lightkeeper/client'
import { afterEach, expect, test } from 'vitest'
import { ourProcess } from '../support/our-process.ts'

const bin = fileURLToPath(new URL('../../packages/cli/bin/lightkeeper.js', import.meta.url))
const folders: string[] = []
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'lightkeeper-signals-'))
  folders.push(path)
  return path
}

/** Sets a mark when the command has begun, so that signals before it, which are Node's own business, are not among them. */
const mark = `data:text/javascript,process.on('newListener', (event) => { if (event === 'SIGINT') process.stderr.write('BEGUN\\n') })`

interface Running {
  readonly child: ChildProcess
  readonly said: () => string
  readonly begun: Promise<void>
  readonly ended: Promise<[code: number | null, signal: NodeJS.Signals | null]>
}

function run(dataDir: string): Running {
  const args = ['--import', mark, bin, 'server', '--port', '0', '--data-dir', dataDir, '--set', 'preAllocSize=64']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let said = ''
  let begin = (): void => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const hear = (chunk: Buffer): void => {
    said += chunk.toString()
    if (said.includes('BEGUN')) begin()
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('close', (code, signal) => resolve([code, signal]))
  })
  return { child, said: () => said, begun, ended }
}

async function filled(): Promise<string> {
  const dataDir = folder()
  const server = await ourProcess(['--port', '0', '--data-dir', dataDir, '--set', 'preAllocSize=64'])
  await using zk = await connect(server.connectString)
  await Promise.all(Array.from({ length: 2000 }, (_, i) => zk.create(`/x${i}`, 'some data')))
  await server.end('SIGKILL')
  return dataDir
}

test('while it starts and recovers', async () => {
  const dataDir = await filled()
  // From the moment it hears signals on, to well after it serves; turns of the loop of this process, not times, set the steps.
  for (let step = 0; step < 12; step++) {
    const { child, begun, ended, said } = run(dataDir)
    await begun
    for (let i = 0; i < step * step * 40; i++) await new Promise((resolve) => setImmediate(resolve))
    child.kill(step % 2 === 0 ? 'SIGTERM' : 'SIGINT')
    expect(await ended, said()).toEqual([0, null])
    expect(said()).not.toContain('ERROR')
  }
  const server = await ourProcess(['--port', '0', '--data-dir', dataDir])
  await using zk = await connect(server.connectString)
  expect((await zk.children('/')).children.length).toBe(2001)
  expect(server.errors()).not.toMatch(/WARN|ERROR/)
  expect(await server.end('SIGTERM')).toBe(0)
})

test('while it makes a new directory', async () => {
  const dataDir = folder()
  for (let step = 0; step < 6; step++) {
    const { child, begun, ended, said } = run(join(dataDir, `${step % 2}`))
    await begun
    for (let i = 0; i < step * 300; i++) await new Promise((resolve) => setImmediate(resolve))
    child.kill('SIGTERM')
    expect(await ended, said()).toEqual([0, null])
  }
  const server = await ourProcess(['--port', '0', '--data-dir', join(dataDir, '0')])
  expect(await server.end('SIGTERM')).toBe(0)
})

test('twice: it ends at once, by 0 or as a shell tells of the signal', async () => {
  const dataDir = await filled()
  for (let step = 0; step < 4; step++) {
    const { child, ended, said } = run(dataDir)
    while (!said().includes('lightkeeper listening on')) await new Promise((resolve) => setImmediate(resolve))
    child.kill('SIGTERM')
    for (let i = 0; i < step * 20; i++) await new Promise((resolve) => setImmediate(resolve))
    child.kill('SIGINT')
    const [code, signal] = await ended
    expect(signal).toBeNull()
    expect([0, 130, 143]).toContain(code)
  }
  await using server = await ourProcess(['--port', '0', '--data-dir', dataDir])
  expect(server.errors()).not.toContain('ERROR')
})

test('and it tells what it is, where its data is, what it found, where it listens, and that it stops', async () => {
  const dataDir = await filled()
  const server = await ourProcess(['--port', '0', '--data-dir', dataDir])
  expect(await server.end('SIGTERM')).toBe(0)
  const lines = server.errors().trim().split('\n')
  const told = lines.map((line) => line.replace(/^\S+ /, '').replace(/ (ms|lastZxid|snapshotZxid)=\S+/g, ''))
  expect(told).toEqual([
    `INFO the server starts version=0.1.0 dataDir=${dataDir}`,
    'INFO the data directory is recovered znodes=2004 sessions=1 replayedTxns=2001',
    `INFO the server listens address=127.0.0.1:${server.port}`,
    'INFO the server was told to stop signal=SIGTERM',
    'INFO the server has stopped',
  ])
})
