/** The real process on a real disk: killed in a loop under load, on a full file system, and on a disk that fails. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, KeeperError } from '@lightkeeper/client'
import { ask } from '@lightkeeper/testing'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { freePort, type OurProcess, ourProcess } from '../support/our-process.ts'
import { sleep } from '../support/wait.ts'
import { failingDisk } from './failing-disk.ts'
import { SteadyWriters } from './steady-writers.ts'

/** The long lane asks for 200 or more. */
const cycles = Number(process.env['KILL_CYCLES'] ?? 10)
const settings = ['--set', 'snapCount=2000', '--set', 'preAllocSize=1024', '--set', 'maxClientCnxns=0']

const cleanUps: (() => void)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'lightkeeper-crash-'))
  cleanUps.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test(
  `has every acknowledged write after each of ${cycles} kills under load`,
  async () => {
    const dataDir = folder()
    const port = await freePort()
    const start = (): Promise<OurProcess> => ourProcess(['--port', String(port), '--data-dir', dataDir, ...settings])
    let server = await start()
    const writers = await SteadyWriters.start(server.connectString, 3, 8)
    for (let cycle = 0; cycle < cycles; cycle++) {
      // Another moment of the load each time.
      await sleep(60 + ((cycle * 37) % 200))
      const before = writers.acknowledged
      await server.end('SIGKILL')
      server = await start()
      expect(await writers.check(server.connectString), `kill ${cycle}`).toEqual([])
      expect(server.errors(), `kill ${cycle}`).not.toContain('ERROR')
      while (writers.acknowledged === before) await sleep(20)
    }
    expect(writers.acknowledged).toBeGreaterThan(cycles * 10)
    await writers.close()
    expect(await server.end('SIGTERM')).toBe(0)
  },
  60_000 + cycles * 10_000,
)

/** The server stops writing, says so, answers reads, and has everything after a restart. */
async function survives(
  server: OurProcess,
  start: () => Promise<OurProcess>,
  fail: () => void,
  heal: () => void,
): Promise<void> {
  const writers = await SteadyWriters.start(server.connectString, 2, 4)
  await sleep(150)
  fail()
  const port = server.port
  for (let tries = 0; !(await ask(port, 'isro')).startsWith('ro'); tries++) {
    if (tries > 400) throw new Error('the server did not notice')
    await sleep(50)
  }
  expect(server.errors()).toContain('THE TRANSACTION LOG FAILED')
  expect(await ask(port, 'srvr')).toContain('Mode: read-only')
  await using reader = await connect(server.connectString, { readOnly: true })
  expect(reader.state).toMatchObject({ kind: 'connected', readOnly: true })
  expect((await reader.get('/c0-k0')).data.length).toBeGreaterThan(0)
  await expect(reader.set('/c0-k0', 'x')).rejects.toSatisfy((error) => KeeperError.is(error, 'NOT_READ_ONLY'))
  // The log may hold what the tree does not: no client may believe that it sees everything.
  await expect(reader.sync('/')).rejects.toSatisfy((error) => KeeperError.is(error, 'NOT_READ_ONLY'))
  await reader.close()
  heal()
  // It failed once, and is not tried again.
  expect(await ask(port, 'isro')).toBe('ro')
  expect(await server.end('SIGTERM')).toBe(1)
  const again = await start()
  expect(await writers.check(again.connectString)).toEqual([])
  const before = writers.acknowledged
  while (writers.acknowledged === before) await sleep(20)
  await writers.close()
  expect(await again.end('SIGTERM')).toBe(0)
}

const words = ['--set', '4lw.commands.whitelist=*']

describe('a disk that fails', () => {
  const library = failingDisk('a disk that fails')

  test.skipIf(library === undefined).each([
    ['an error of the device', 5],
    ['a full disk', 28],
  ])('stops acknowledging at %s, serves reads, and is whole after a restart', async (_name, errno) => {
    const dataDir = folder()
    const control = join(folder(), 'fault')
    const port = await freePort()
    const args = ['--port', String(port), '--data-dir', dataDir, ...settings, ...words]
    const start = (): Promise<OurProcess> => ourProcess(args, { LD_PRELOAD: library ?? '', FAULT_FILE: control })
    await survives(
      await start(),
      start,
      () => writeFileSync(control, String(errno)),
      () => rmSync(control),
    )
  })
})

describe('a small file system that is full', () => {
  const mountPoint = mkdtempSync(join(tmpdir(), 'lightkeeper-full-'))
  afterAll(() => rmSync(mountPoint, { recursive: true, force: true }))
  const mounted =
    process.platform === 'linux' ? spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mountPoint]) : undefined
  const isMounted = mounted?.status === 0
  if (isMounted) spawnSync('umount', [mountPoint])
  else
    console.log(
      `a full file system: skipped, because none can be mounted here: ${mounted?.stderr?.toString().trim() ?? 'no Linux'}`,
    )

  test.skipIf(!isMounted)('stops acknowledging when it is full, and goes on when there is room again', async () => {
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mountPoint])
    cleanUps.push(() => void spawnSync('umount', ['-l', mountPoint]))
    const dataDir = join(mountPoint, 'data')
    mkdirSync(dataDir)
    const port = await freePort()
    const args = [
      '--port',
      String(port),
      '--data-dir',
      dataDir,
      ...words,
      '--set',
      'preAllocSize=256',
      '--set',
      'snapCount=100000',
    ]
    const start = (): Promise<OurProcess> => ourProcess([...args, '--set', 'maxClientCnxns=0'])
    const ballast = join(mountPoint, 'ballast')
    await survives(
      await start(),
      start,
      () => void spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k']),
      () => rmSync(ballast, { force: true }),
    )
  })
})
