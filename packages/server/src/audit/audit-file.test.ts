import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Disk, DiskFile, Log } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AuditFile } from './audit-file.ts'

const { clock, disk } = nodeRuntime()
let folder: string
let path: string
let said: string[]
const log: Log = (level, message, facts) => void said.push(`${level} ${message} ${String(facts?.['cause'])}`)
const text = (file: string): string => readFileSync(join(folder, file), 'utf8')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lightkeeper-audit-'))
  path = join(folder, 'audit.log')
  said = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('lines are added behind those of the last start', async () => {
  for (const line of ['one\n', 'two\n']) {
    const file = await AuditFile.open(disk, { path, maxFileBytes: 1_000, maxFiles: 2 }, clock, log)
    file.write(line)
    await file.close()
  }
  expect(text('audit.log')).toBe('one\ntwo\n')
})

test('a full file is put aside, and the oldest is removed', async () => {
  const file = await AuditFile.open(disk, { path, maxFileBytes: 10, maxFiles: 2 }, clock, log)
  for (const name of ['a', 'b', 'c', 'd']) {
    file.write(`${name.repeat(7)}\n`)
    await new Promise((resolve) => clock.turnEnd(() => resolve(undefined)))
    while (!readdirSync(folder).some((each) => text(each).startsWith(name))) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  await file.close()
  expect(readdirSync(folder).sort()).toEqual(['audit.log', 'audit.log.1', 'audit.log.2'])
  expect([text('audit.log'), text('audit.log.1'), text('audit.log.2')]).toEqual(['ddddddd\n', 'ccccccc\n', 'bbbbbbb\n'])
})

test('a file that cannot be opened stops the start', async () => {
  const options = { path: join(folder, 'missing', 'audit.log'), maxFileBytes: 10, maxFiles: 2 }
  await expect(AuditFile.open(disk, options, clock, log)).rejects.toMatchObject({ code: 'ENOENT' })
})

/** A disk whose writes wait, or fail, until `release` is called. */
function stuckDisk(): { readonly disk: Disk; readonly written: string[]; release(error?: Error): void } {
  const written: string[] = []
  let waiting: ((error?: Error) => void)[] = []
  const file: Partial<DiskFile> = {
    size: async () => 0,
    write: (_position, chunk) =>
      new Promise((resolve, reject) => {
        waiting.push((error) => {
          if (error !== undefined) return reject(error)
          written.push(new TextDecoder().decode(chunk))
          resolve()
        })
      }),
    close: async () => {},
  }
  return {
    disk: { open: async () => file as DiskFile } as unknown as Disk,
    written,
    release(error) {
      const now = waiting
      waiting = []
      for (const each of now) each(error)
    },
  }
}
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

test('a disk that stands still makes the server hold a bounded number of lines; how many were lost is written', async () => {
  const stuck = stuckDisk()
  const file = await AuditFile.open(stuck.disk, { path, maxFileBytes: 1 << 30, maxFiles: 2 }, clock, log)
  const line = `${'x'.repeat(1_023)}\n`
  file.write(line)
  await turn()
  for (let i = 0; i < 5_000; i++) file.write(line)
  expect(said.length).toBe(1)
  expect(said[0]).toMatch(/^error lines of the audit log are lost/)
  const closed = file.close()
  while (stuck.written.length < 2) {
    stuck.release()
    await turn()
  }
  await closed
  expect(stuck.written[1]?.length).toBeLessThan(4.1 * 1024 * 1024)
  expect(stuck.written[1]?.slice(-60)).toMatch(/ERROR audit: 904 lines are lost\n$/)
})

test('lines that a failing disk refused are counted, and later ones are written', async () => {
  const stuck = stuckDisk()
  const file = await AuditFile.open(stuck.disk, { path, maxFileBytes: 1 << 30, maxFiles: 2 }, clock, log)
  file.write('one\n')
  await turn()
  stuck.release(new Error('no space left'))
  await turn()
  expect(said).toEqual([expect.stringMatching(/lost.*no space left$/)])
  file.write('two\n')
  await turn()
  stuck.release()
  await turn()
  expect(stuck.written).toEqual([expect.stringMatching(/^two\n.* ERROR audit: 1 lines are lost\n$/)])
  await file.close()
})
