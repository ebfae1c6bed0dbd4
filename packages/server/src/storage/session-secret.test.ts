import { opCode } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { backup } from './backup.ts'
import { openSessionKeys, readSessionSecret, SessionSecretError, secretFileName } from './session-secret.ts'
import { Bench, directory } from './storage.harness.ts'

const session = { type: opCode.createSession, timeOut: 30_000 } as const

test('a directory gets a secret of its own, which stays the same', async () => {
  const bench = new Bench()
  const first = (await bench.open()).sessionKeys
  const id = first.idOf(1, 1)
  await bench.close()
  const again = (await bench.open()).sessionKeys
  expect(again.passwordOf(id)).toEqual(first.passwordOf(id))
  await bench.close()
  const elsewhere = new Bench(2)
  const other = (await elsewhere.open()).sessionKeys
  expect(other.passwordOf(id)).not.toEqual(first.passwordOf(id))
})

test('the secret is durable before a session can be opened', async () => {
  const bench = new Bench()
  const id = 1n
  const before = (await bench.open()).sessionKeys.passwordOf(id)
  bench.world.crash('server', 'power')
  bench.storage = undefined
  expect((await bench.open()).sessionKeys.passwordOf(id)).toEqual(before)
})

test.each([0, 1, 2, 3, 4, 5, 6, 7])('a power cut while it is made leaves none or all of it, seed %i', async (seed) => {
  const bench = new Bench(seed)
  await bench.open()
  await bench.close()
  bench.disk.lose(`${directory}/${secretFileName}`)
  const runtime = bench.world.runtime('server')
  void openSessionKeys(runtime, directory, []).catch(() => {})
  await bench.world.advance(seed)
  bench.world.crash('server', 'power')
  await expect(bench.open()).resolves.toBeDefined()
})

test('none of the sessions that are open when it is made looks like ours', async () => {
  const bench = new Bench()
  await bench.open()
  const sessions = Array.from({ length: 20_000 }, (_, i) => 0x1000_0191_ea53_0000n + BigInt(i))
  bench.disk.lose(`${directory}/${secretFileName}`)
  const keys = await bench.world.run(openSessionKeys(bench.world.runtime('server'), directory, sessions))
  expect(sessions.filter((id) => keys.isOurs(id))).toEqual([])
})

test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
  ['is empty', () => new Uint8Array(0)],
  ['is short', (bytes) => bytes.slice(0, 40)],
  ['has lost its line end', (bytes) => bytes.slice(0, -1)],
  ['is zeros', (bytes) => new Uint8Array(bytes.length)],
  ['is something else', () => new TextEncoder().encode('hello\n')],
  ['is a megabyte', () => new Uint8Array(1 << 20)],
])('one that %s is refused by name', async (_how, change) => {
  const bench = new Bench()
  await bench.open()
  await bench.write(session)
  await bench.close()
  bench.damage(secretFileName, change)
  const opened = bench.open()
  await expect(opened).rejects.toThrow(SessionSecretError)
  await expect(opened).rejects.toThrow(`${directory}/${secretFileName} holds no secret of session passwords`)
})

test('a flipped bit of it is refused, wherever it is: it would end every open session without a word', async () => {
  const bench = new Bench()
  await bench.open()
  await bench.write(session)
  await bench.close()
  let refused = 0
  bench.damage(secretFileName, (bytes) => {
    refused = bytes.length * 8
    return bytes
  })
  for (let bit = 0; bit < refused; bit++) {
    const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
    bench.damage(secretFileName, flip)
    const { disk } = bench.world.runtime('server')
    await expect(bench.world.run(readSessionSecret(disk, directory)), `bit ${bit}`).rejects.toThrow(
      `${directory}/${secretFileName}`,
    )
    bench.damage(secretFileName, flip)
  }
  expect(refused).toBeGreaterThan(700)
  await expect(bench.open()).resolves.toBeDefined()
})

test('one that cannot be read is refused with the reason', async () => {
  const bench = new Bench()
  await bench.open()
  await bench.close()
  bench.disk.faults.readErrors = 1000
  const { disk } = bench.world.runtime('server')
  await expect(bench.world.run(readSessionSecret(disk, directory))).rejects.toThrow(/EIO/)
})

test('a backup carries it', async () => {
  const bench = new Bench()
  const { sessionKeys } = await bench.open()
  await bench.write(session)
  const runtime = bench.world.runtime('server')
  await bench.world.run(backup(runtime, { dataDir: '/data', target: '/backup' }))
  const copy = await bench.world.run(readSessionSecret(runtime.disk, '/backup/version-2'))
  expect(copy).toEqual(await bench.world.run(readSessionSecret(runtime.disk, directory)))
  expect(copy).toHaveLength(32)
  expect(sessionKeys).toBeDefined()
})

test('a file that servers share is used instead of the one in the directory', async () => {
  const first = new Bench()
  const keys = (await first.open()).sessionKeys
  const content = first.disk.files(directory).get(secretFileName) as Uint8Array
  const second = new Bench(2, { sessionSecretFile: '/etc/shared' })
  await second.world.run(write(second, '/etc/shared', content))
  const id = keys.idOf(1, 1)
  expect((await second.open()).sessionKeys.passwordOf(id)).toEqual(keys.passwordOf(id))
})

test('a shared file that is missing or damaged is refused by name, with what to do', async () => {
  const bench = new Bench(1, { sessionSecretFile: '/etc/shared' })
  const advice = 'Copy the file session-secret from the data directory of the server whose sessions go on'
  await expect(bench.open()).rejects.toThrow(`/etc/shared, the file of sessionSecretFile, does not exist. ${advice}`)
  await bench.world.run(write(bench, '/etc/shared', new Uint8Array(10)))
  await expect(bench.open()).rejects.toThrow('/etc/shared holds no secret of session passwords')
  await expect(bench.open()).rejects.toThrow(advice)
})

async function write(bench: Bench, path: string, content: Uint8Array): Promise<void> {
  const { disk } = bench.world.runtime('server')
  await disk.makeDirectory(path.slice(0, path.lastIndexOf('/')))
  const file = await disk.open(path, { create: true })
  await file.write(0, content)
  await file.sync()
  await file.close()
}
