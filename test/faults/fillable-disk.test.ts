import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { fillableDisk, missingFillableDisk } from './fillable-disk.ts'

const missing = missingFillableDisk()
if (missing !== undefined) console.log(`the disk that can be filled: skipped, because ${missing}`)

test.skipIf(missing !== undefined)('a disk has room for many rounds of faults, except while it is full', () => {
  const path = mkdtempSync(join(tmpdir(), 'lightkeeper-disk-'))
  onTestFinished(() => {
    spawnSync('umount', ['-l', path])
    rmSync(path, { recursive: true, force: true })
  })
  const free = (): number => statfsSync(path).bfree * statfsSync(path).bsize
  const disk = fillableDisk(path)
  writeFileSync(join(path, 'kept'), 'kept')
  expect(free()).toBeGreaterThan(500 << 20)
  for (let time = 0; time < 2; time++) {
    disk.fill()
    expect(free()).toBe(0)
    expect(() => writeFileSync(join(path, 'more'), Buffer.alloc(5_000))).toThrow(/ENOSPC/)
    disk.free()
    expect(free()).toBeGreaterThan(500 << 20)
    rmSync(join(path, 'more'), { force: true })
  }
  expect(readFileSync(join(path, 'kept'), 'utf8')).toBe('kept')
})
