/** F22: `--data-dir D/version-2` once served an empty tree from `D/version-2/version-2`, which clients then filled. */
import { copyFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { backup, inspect, startServer } from '@lightkeeper/server'
import { expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { ourProcess } from '../support/our-process.ts'

const folder = temporaryFolders('deep')
async function filled(): Promise<string> {
  const dataDir = folder()
  await (await startServer({ port: 0, dataDir })).close()
  return dataDir
}

test.each(['', '/', '//'])('as an argument, with "%s" behind it', async (end) => {
  const dataDir = await filled()
  await expect(ourProcess(['--port', '0', '--data-dir', `${dataDir}/version-2${end}`])).rejects.toThrow(
    `name the directory above it, ${dataDir}`,
  )
  expect(existsSync(join(dataDir, 'version-2', 'version-2'))).toBe(false)
})

test('in a file', async () => {
  const dataDir = await filled()
  const file = join(folder(), 'zoo.cfg')
  writeFileSync(file, `dataDir=${dataDir}/version-2\nclientPort=0\n`)
  await expect(ourProcess([file])).rejects.toThrow(`name the directory above it, ${dataDir}`)
})

test('as the directory of the logs, and of a backup', async () => {
  const dataDir = await filled()
  const dataLogDir = join(dataDir, 'version-2')
  await expect(startServer({ port: 0, dataDir: folder(), dataLogDir })).rejects.toThrow('name the directory above it')
  const target = join(folder(), 'target')
  await expect(backup(nodeRuntime(), { dataDir: dataLogDir, target })).rejects.toThrow('name the directory above it')
  expect(existsSync(target)).toBe(false)
})

test('with the files in the directory itself', async () => {
  const dataDir = await filled()
  const flat = folder()
  for (const name of readdirSync(join(dataDir, 'version-2')))
    copyFileSync(join(dataDir, 'version-2', name), join(flat, name))
  await expect(startServer({ port: 0, dataDir: flat })).rejects.toThrow(`move them to ${flat}/version-2`)
})

test('inspect takes either, and says of a path that is not there that it is not there', async () => {
  const dataDir = await filled()
  const { disk } = nodeRuntime()
  for (const path of [dataDir, join(dataDir, 'version-2')]) {
    let count = 0
    await inspect(disk, [path], () => void count++)
    expect(count).toBeGreaterThan(0)
  }
  await expect(inspect(disk, [join(dataDir, 'nope')], () => {})).rejects.toThrow('nope does not exist')
})
