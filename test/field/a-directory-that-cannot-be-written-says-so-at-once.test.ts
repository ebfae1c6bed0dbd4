/** The words name the directory and the system's reason, and come within a second of the process's own start. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '@lightkeeper/server'
import { afterEach, expect, test } from 'vitest'
import { ourProcess } from '../support/our-process.ts'

const cleanUps: (() => void)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp()
})
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'lightkeeper-unwritable-'))
  cleanUps.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const linux = process.platform === 'linux'
if (!linux) console.log('a directory below /proc: skipped, because this system has no /proc')

test.skipIf(!linux)('below /proc, where nothing can be made', async () => {
  await expect(ourProcess(['--port', '0', '--data-dir', '/proc/lightkeeper'])).rejects.toThrow(
    /^lightkeeper server: cannot make the directory \/proc\/lightkeeper\/version-2: ENOENT/m,
  )
})

test('where a file stands in the way', async () => {
  const file = join(folder(), 'file')
  writeFileSync(file, '')
  await expect(startServer({ port: 0, dataDir: file })).rejects.toThrow(/cannot make the directory .*: ENOTDIR/)
  const version = join(folder(), 'version-2')
  writeFileSync(version, '')
  await expect(startServer({ port: 0, dataDir: join(version, '..') })).rejects.toThrow(
    /version-2 exists and is not a directory/,
  )
})

test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('where this user may not write', async () => {
  const dataDir = folder()
  mkdirSync(join(dataDir, 'version-2'), { mode: 0o500 })
  await expect(startServer({ port: 0, dataDir })).rejects.toThrow(/version-2 cannot be written to: .*EACCES/)
})
if (process.getuid?.() === 0) console.log('where this user may not write: skipped, because root may write everywhere')

const mounted = linux ? mountable() : 'this is no Linux'
if (mounted !== undefined) console.log(`a read-only file system: skipped, because ${mounted}`)

function mountable(): string | undefined {
  const where = mkdtempSync(join(tmpdir(), 'lightkeeper-mount-'))
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', where], { encoding: 'utf8' })
  if (status === 0) spawnSync('umount', [where])
  rmSync(where, { recursive: true, force: true })
  return status === 0 ? undefined : `none can be mounted here: ${stderr}`
}

test.skipIf(mounted !== undefined)('on a file system that has become read-only, after a kill as well', async () => {
  const where = folder()
  spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', where])
  cleanUps.push(() => void spawnSync('umount', ['-l', where]))
  const dataDir = join(where, 'data')
  const args = ['--port', '0', '--data-dir', dataDir, '--set', 'preAllocSize=64']
  const first = await ourProcess(args)
  await first.end('SIGKILL')
  spawnSync('mount', ['-o', 'remount,ro', where])
  await expect(ourProcess(args)).rejects.toThrow(/data\/version-2 cannot be written to: EROFS: read-only file system/)
  spawnSync('mount', ['-o', 'remount,rw', where])
  const second = await ourProcess(args)
  expect(await second.end('SIGTERM')).toBe(0)
  spawnSync('mount', ['-o', 'remount,ro', where])
  await expect(ourProcess(args)).rejects.toThrow(/data\/version-2 cannot be written to: .*EROFS/)
})
