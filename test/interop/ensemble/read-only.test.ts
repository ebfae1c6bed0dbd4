/**
 * `readonlymode.enabled`: a member that has lost its quorum serves reads to new clients that accept it, and they go on to write when the
 * quorum is back; a client with a session waits, and keeps it. The same of three servers of Apache, of three of ours, and of ours with two
 * of Apache.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { type ApacheServer, ask, type Guest, startEnsemble } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { until } from '../../support/wait.ts'
import { member, missingVersion, modeAt, pair, serving, textAt, times, trio, voting } from './trio.ts'

interface Scene extends AsyncDisposable {
  readonly connectString: string
  /** The port of the member that stays alone. */
  readonly port: number
  loseOthers(): Promise<unknown>
  bringBack(): Promise<unknown>
}

const sessionTimeout = 40_000
const config = { maxSessionTimeout: sessionTimeout, 'readonlymode.enabled': 'true' }
const others = (servers: ApacheServer): Pick<Scene, 'loseOthers' | 'bringBack'> => ({
  loseOthers: () => Promise.all([servers.kill(0), servers.kill(1)]),
  bringBack: () => Promise.all([servers.restart(0), servers.restart(1)]),
})

async function ofApache(): Promise<Scene> {
  // Without local sessions a member of Apache refuses every client in this mode (ReadOnlyRequestProcessor.java).
  const local = { localSessionsEnabled: 'true', localSessionsUpgradingEnabled: 'true' }
  const servers = await trio('3.9', { config: { ...config, ...local }, guests: 0 })
  const { connectString, ports } = servers
  return {
    ...others(servers),
    connectString,
    port: ports[2] as number,
    [Symbol.asyncDispose]: () => servers.close(),
  }
}

async function ofOurs(): Promise<Scene> {
  const options = { ...times, maxSessionTimeout: sessionTimeout, readOnlyModeEnabled: true }
  const ensemble = await startEnsemble({ options })
  return {
    connectString: ensemble.connectString,
    port: ensemble.ports[2] as number,
    loseOthers: () => Promise.all([ensemble.kill(0), ensemble.kill(1)]),
    bringBack: () => Promise.all([ensemble.restart(0), ensemble.restart(1)]),
    [Symbol.asyncDispose]: () => ensemble.close(),
  }
}

async function ofBoth(): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-member-'))
  const servers = await pair('3.9', { config })
  const [guest] = servers.guests as [Guest]
  const port = guest.clientPort
  const options = { maxSessionTimeout: sessionTimeout, readOnlyModeEnabled: true }
  const ours = await member(guest, { dataDir: join(folder, 'ours'), options })
  await serving(port, voting)
  return {
    ...others(servers),
    connectString: `${servers.connectString},127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      await ours.close()
      await servers.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

describe.skipIf(missingVersion('3.9') !== undefined)('a member without a quorum', () => {
  test.each([
    ['of Apache', ofApache],
    ['of ours', ofOurs],
    ['of ours with two of Apache', ofBoth],
  ])('%s serves reads, and its clients write when the quorum is back', async (_, begin) => {
    await using scene = await begin()
    const { connectString, port } = scene
    await using early = await connect(connectString, { sessionTimeout, readOnly: true })
    await early.create('/a', 'before')
    await early.create('/held', '', { mode: 'ephemeral' })
    const owner = early.sessionId
    await scene.loseOthers()
    await until(
      async () => (await modeAt(port)) === 'read-only',
      () => 'a read-only server',
    )
    await using late = await connect(connectString, { readOnly: true, connectTimeout: 30_000 })
    expect(late.state).toMatchObject({ kind: 'connected', readOnly: true, server: `127.0.0.1:${port}` })
    expect(new TextDecoder().decode((await late.get('/a')).data)).toBe('before')
    await expect(late.create('/b')).rejects.toMatchObject({ code: 'NOT_READ_ONLY', outcome: 'rejected' })
    expect(early.state.kind).not.toBe('connected')
    expect(await ask(port, 'isro')).toBe('ro')
    await expect(connect(`127.0.0.1:${port}`, { connectTimeout: 500 })).rejects.toThrow('no session within')

    await scene.bringBack()
    for (const zk of [early, late]) await until(() => zk.state.kind === 'connected' && !zk.state.readOnly)
    await late.create('/b', 'after')
    expect(await textAt(early, '/b')).toBe('after')
    expect(early.sessionId).toBe(owner)
    expect((await early.exists('/held'))?.ephemeralOwner).toBe(owner)
    expect(await ask(port, 'isro')).toBe('rw')
  })
})
