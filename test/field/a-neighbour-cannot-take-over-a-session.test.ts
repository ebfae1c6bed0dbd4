/** An anonymous client reads the id of another's session in any Stat. It must not get further with it. */
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { sessionPassword } from '@lightkeeper/protocol'
import { type RunningServer, type ServerOptions, startServer } from '@lightkeeper/server'
import { afterEach, expect, test } from 'vitest'
import { Wire } from '../conformance/wire.ts'
import {
  bodies,
  logFile,
  snapshotFile,
  stat,
  systemNodes,
  txn,
  types,
  writeDirectory,
} from '../support/apache-files.ts'
import { temporaryFolders } from '../support/folders.ts'
import { ourProcess } from '../support/our-process.ts'

const folder = temporaryFolders('takeover')
const wires: Wire[] = []
afterEach(() => {
  for (const wire of wires.splice(0)) wire.destroy()
})
const start = (dataDir: string | undefined, options: ServerOptions = {}): Promise<RunningServer> =>
  startServer({ port: 0, dataDir, preAllocSize: 64, ...options })
async function comeBack(port: number, sessionId: bigint, passwd: Uint8Array): Promise<boolean> {
  const wire = await Wire.open(port)
  wires.push(wire)
  const answer = await wire.handshake({ sessionId, passwd, timeOut: 30_000 })
  return answer?.sessionId === sessionId
}
async function session(port: number): Promise<Wire> {
  const wire = await Wire.connect(port, { timeOut: 30_000 })
  wires.push(wire)
  return wire
}

test.each([
  ['on a disk', folder],
  ['in memory', () => undefined],
])('with what can be computed from ids: %s', async (_name, where) => {
  await using server = await start(where())
  await using victim = await connect(server.connectString)
  await victim.create('/held', '', { mode: 'ephemeral' })
  const attacker = await session(server.port)
  const { ephemeralOwner } = (await victim.get('/held')).stat
  expect(await comeBack(server.port, ephemeralOwner, sessionPassword(ephemeralOwner))).toBe(false)
  expect(await comeBack(server.port, ephemeralOwner, attacker.passwd)).toBe(false)
  for (let step = -64n; step <= 64n; step++) {
    if (step === 0n) continue
    const id = attacker.sessionId + step
    expect(await comeBack(server.port, id, sessionPassword(id))).toBe(false)
  }
  expect(victim.stats().connections.established).toBe(1)
})

test('while its owner comes back after a restart, a kill, and on a backup', async () => {
  const dataDir = folder()
  const first = await ourProcess(['--port', '0', '--data-dir', dataDir])
  const { sessionId, passwd } = await session(first.port)
  await first.end('SIGKILL')
  const second = await ourProcess(['--port', '0', '--data-dir', dataDir])
  expect(await comeBack(second.port, sessionId, passwd)).toBe(true)
  await second.end('SIGTERM')

  const target = join(folder(), 'backup')
  const { backup } = await import('@lightkeeper/server')
  const { nodeRuntime } = await import('@lightkeeper/runtime/node')
  await backup(nodeRuntime(), { dataDir, target })
  const secret = join(target, 'version-2', 'session-secret')
  expect(statSync(secret).mode & 0o777).toBe(0o600)
  await using restored = await start(target)
  expect(await comeBack(restored.port, sessionId, sessionPassword(sessionId))).toBe(false)
  expect(await comeBack(restored.port, sessionId, passwd)).toBe(true)
})

test('and sessions that Apache opened go on with the passwords that Apache gave, new ones do not', async () => {
  const dataDir = folder()
  const [old, late] = [0x1000_0191_ea53_0000n, 0x1000_0191_ea53_0001n]
  writeDirectory(dataDir, {
    'snapshot.3': snapshotFile([...systemNodes, ['/theirs', '', -1, stat({ czxid: 3, owner: old })]], [[old, 30_000]]),
    'log.4': logFile([txn({ session: late, zxid: 4, type: types.createSession, body: bodies.createSession(30_000) })]),
  })
  const first = await start(dataDir)
  expect(await comeBack(first.port, old, sessionPassword(old))).toBe(true)
  const ours = await session(first.port)
  await first.close()
  // From a snapshot of ours now, and again with a log behind it.
  const second = await start(dataDir, { snapCount: 2 })
  expect(await comeBack(second.port, late, sessionPassword(late))).toBe(true)
  expect(await comeBack(second.port, old, ours.passwd)).toBe(false)
  expect(await comeBack(second.port, ours.sessionId, sessionPassword(ours.sessionId))).toBe(false)
  expect(await comeBack(second.port, ours.sessionId, ours.passwd)).toBe(true)
  await second.snapshot()
  await second.close()
  await using third = await start(dataDir)
  expect(await comeBack(third.port, old, sessionPassword(old))).toBe(true)
  expect(await comeBack(third.port, ours.sessionId, ours.passwd)).toBe(true)
})

test('nor can a neighbour on the machine read the secret, the data or the password hashes', async () => {
  const dataDir = join(folder(), 'new', 'data')
  const server = await start(dataDir, { snapCount: 2 })
  await using zk = await connect(server.connectString)
  for (let i = 0; i < 20; i++) await zk.create(`/x${i}`, '')
  await server.snapshot()
  await server.close()
  const version = join(dataDir, 'version-2')
  for (const directory of [join(dataDir, '..'), dataDir, version]) expect(statSync(directory).mode & 0o777).toBe(0o700)
  const names = readdirSync(version)
  for (const name of ['acknowledged', 'session-secret']) expect(names).toContain(name)
  expect(names.some((name) => name.startsWith('log.'))).toBe(true)
  expect(names.some((name) => name.startsWith('snapshot.'))).toBe(true)
  for (const name of names) expect([name, statSync(join(version, name)).mode & 0o777]).toEqual([name, 0o600])
})

test('what was there before keeps its mode, without a word', async () => {
  const dataDir = folder()
  chmodSync(dataDir, 0o755)
  const first = await start(dataDir)
  await first.close()
  const version = join(dataDir, 'version-2')
  const names = readdirSync(version)
  chmodSync(version, 0o750)
  for (const name of names) chmodSync(join(version, name), 0o644)
  const lines: string[] = []
  const again = await startServer({ port: 0, dataDir }, { log: (level, line) => void lines.push(`${level} ${line}`) })
  await again.close()
  expect(lines.filter((line) => /^(warn|error)/.test(line))).toEqual([])
  expect([statSync(dataDir).mode & 0o777, statSync(version).mode & 0o777]).toEqual([0o755, 0o750])
  for (const name of names) expect(statSync(join(version, name)).mode & 0o777).toBe(0o644)
})

test('a secret that is damaged is refused in one sentence', async () => {
  const dataDir = folder()
  await (await start(dataDir)).close()
  const secret = join(dataDir, 'version-2', 'session-secret')
  writeFileSync(secret, readFileSync(secret).subarray(0, 30))
  await expect(ourProcess(['--port', '0', '--data-dir', dataDir])).rejects.toThrow(
    /^lightkeeper server: .*session-secret holds no secret of session passwords: 30 bytes .* Restore the file/m,
  )
})
