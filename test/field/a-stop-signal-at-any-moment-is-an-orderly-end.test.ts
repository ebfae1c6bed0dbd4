/** SIGTERM while it starts, recovers, serves or stops, once or twice: a documented exit code, and a directory that opens again. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '@lightkeeper/client'
import { afterEach, expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { ourProcess } from '../support/our-process.ts'
import { Child } from '../support/process.ts'

const bin = fileURLToPath(new URL('../../packages/cli/bin/lightkeeper.js', import.meta.url))
const folder = temporaryFolders('signals')
const children: Child[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** Sets a mark when the command has begun, so that signals before it, which are Node's own business, are not among them. */
const mark = `data:text/javascript,process.on('newListener', (event) => { if (event === 'SIGINT') process.stderr.write('BEGUN\\n') })`

function run(dataDir: string): Child {
  const args = ['--import', mark, bin, 'server', '--port', '0', '--data-dir', dataDir, '--set', 'preAllocSize=64']
  const child = new Child([process.execPath, ...args])
  children.push(child)
  return child
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
    const child = run(dataDir)
    await child.until(({ printed }) => printed.includes('BEGUN'))
    for (let i = 0; i < step * step * 40; i++) await new Promise((resolve) => setImmediate(resolve))
    child.kill(step % 2 === 0 ? 'SIGTERM' : 'SIGINT')
    expect(await child.closed, child.printed).toMatchObject({ code: 0, signal: null })
    expect(child.printed).not.toContain('ERROR')
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
    const child = run(join(dataDir, `${step % 2}`))
    await child.until(({ printed }) => printed.includes('BEGUN'))
    for (let i = 0; i < step * 300; i++) await new Promise((resolve) => setImmediate(resolve))
    child.kill('SIGTERM')
    expect(await child.closed, child.printed).toMatchObject({ code: 0, signal: null })
  }
  const server = await ourProcess(['--port', '0', '--data-dir', join(dataDir, '0')])
  expect(await server.end('SIGTERM')).toBe(0)
})

test('twice: it ends at once, with exit code 0 or the code of the signal', async () => {
  const dataDir = await filled()
  for (let step = 0; step < 4; step++) {
    const child = run(dataDir)
    await child.untilLine('lightkeeper listening on')
    child.kill('SIGTERM')
    for (let i = 0; i < step * 20; i++) await new Promise((resolve) => setImmediate(resolve))
    child.kill('SIGINT')
    const { code, signal } = await child.closed
    expect(signal).toBeNull()
    expect([0, 130, 143]).toContain(code)
  }
  await using server = await ourProcess(['--port', '0', '--data-dir', dataDir])
  expect(server.errors()).not.toContain('ERROR')
})

test('and it logs its version, its directory, what it recovered, where it listens, and that it stops', async () => {
  const dataDir = await filled()
  const server = await ourProcess(['--port', '0', '--data-dir', dataDir])
  expect(await server.end('SIGTERM')).toBe(0)
  const lines = server.errors().trim().split('\n')
  const told = lines.map((line) => line.replace(/^\S+ /, '').replace(/ (ms|lastZxid|snapshotZxid)=\S+/g, ''))
  expect(told).toEqual([
    `INFO the server starts version=0.1.0 dataDir=${dataDir}`,
    'INFO the data directory is recovered znodes=2004 sessions=1 replayedTxns=2001',
    `INFO the server listens address=127.0.0.1:${server.port}`,
    'INFO the server stops because of a signal signal=SIGTERM',
    'INFO the server has stopped',
  ])
})
