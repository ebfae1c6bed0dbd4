import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolders } from '../../../../test/support/folders.ts'
import { nodeDisk } from './disk.ts'

const folder = temporaryFolders('disk')
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('a file', () => {
  test('is written in any of three ways at any place, and reads as zeros between', async () => {
    const path = join(folder(), 'file')
    const file = await nodeDisk().open(path, { create: true })
    await file.write(0, bytes('one'))
    await file.writeDurably(5, bytes('two'))
    file.writeNow(8, bytes('three'))
    await file.sync()
    expect(await file.size()).toBe(13)
    expect(readFileSync(path, 'latin1')).toBe('one\0\0twothree')
    const target = new Uint8Array(20)
    expect(await file.read(5, target)).toBe(8)
    await file.truncate(3)
    expect(await file.size()).toBe(3)
    await file.close()
    const reader = await nodeDisk().open(path, { readOnly: true })
    await expect(reader.write(0, bytes('x'))).rejects.toThrow()
    await reader.close()
  })

  test('that is missing is an error with its code', async () => {
    await expect(nodeDisk().open(join(folder(), 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('the lock of a directory', () => {
  const deep = (): string => {
    const path = join(folder(), ...Array.from({ length: 12 }, (_, i) => `a-rather-long-name-${i}`))
    mkdirSync(path, { recursive: true })
    return path
  }

  test.each([
    ['an ordinary one', folder],
    ['one too deep for a socket', deep],
  ])('is held by one at a time, and free again when released: %s', async (_name, make) => {
    const directory = make()
    const disk = nodeDisk()
    const lock = await disk.lock(directory)
    await expect(disk.lock(directory)).rejects.toMatchObject({
      code: 'ELOCKED',
      message: `${directory} is in use by process ${process.pid}`,
    })
    await lock.release()
    await (await disk.lock(directory)).release()
    expect(existsSync(join(directory, 'lightkeeper.lock'))).toBe(false)
  })

  test('leaves nothing where others could stand in its way: one too deep for a socket', async () => {
    const { readdirSync } = await import('node:fs')
    const temporary = (): string[] => readdirSync(tmpdir()).filter((name) => /^lightkeeper-.*\.lock$/.test(name))
    const directory = deep()
    const before = temporary()
    const lock = await nodeDisk().lock(directory)
    expect(temporary()).toEqual(before)
    await lock.release()
  })

  test('of a process that died is taken over', async () => {
    // test/crash kills real ones; here the socket is left behind by hand.
    const directory = folder()
    const { spawnSync } = await import('node:child_process')
    const script = `require('node:net').createServer().listen(${JSON.stringify(join(directory, 'lightkeeper.lock'))}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script])
    expect(existsSync(join(directory, 'lightkeeper.lock'))).toBe(true)
    await (await nodeDisk().lock(directory)).release()
  })
})
