/** One server becomes three and one again, on real processes and disks: sessions, their ephemerals and all znodes go with it. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { sessionPassword } from '@lightkeeper/protocol'
import { ask, freePorts } from '@lightkeeper/testing'
import { expect, test } from 'vitest'
import { type OurProcess, ourProcess } from '../support/our-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { until } from '../support/wait.ts'

const size = 3

test('one server becomes three and one again: sessions go on, and no password can be computed from an id', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-growing-'))
  const ports = await freePorts(size * 3)
  const clientPorts = ports.slice(0, size)
  const connectString = clientPorts.map((port) => `127.0.0.1:${port}`).join(',')
  const dataDirs = clientPorts.map((_, i) => join(folder, `${i + 1}`))
  const secret = join(folder, 'session-secret')
  const members = [
    ...['initLimit=25', 'syncLimit=10'],
    ...clientPorts.map((_, i) => `server.${i + 1}=127.0.0.1:${ports[size + i]}:${ports[2 * size + i]}`),
  ]
  const running: OurProcess[] = []
  const start = async (i: number, more: readonly string[]): Promise<void> => {
    const file = join(folder, `zoo-${i + 1}.cfg`)
    const lines = [
      ...[`dataDir=${dataDirs[i]}`, `clientPort=${clientPorts[i]}`, 'tickTime=200', 'maxSessionTimeout=20000'],
      ...['preAllocSize=1024', 'admin.enableServer=false', ...more],
    ]
    writeFileSync(file, `${lines.join('\n')}\n`)
    running[i] = await ourProcess([file])
  }
  const stop = async (i: number): Promise<void> => void (await running[i]?.end('SIGTERM'))
  const isGuessed = async (port: number | undefined, sessionId: bigint): Promise<boolean> => {
    await using raw = await RawClient.open(port ?? 0, 20_000, { sessionId, passwd: sessionPassword(sessionId) })
    return raw.timeOut > 0
  }
  try {
    await start(0, [])
    await using zk = await connect(connectString, { sessionTimeout: 20_000 })
    await zk.create('/held', 'by one', { mode: 'ephemeral' })
    const { sessionId } = zk
    await stop(0)

    copyFileSync(join(dataDirs[0] as string, 'version-2', 'session-secret'), secret)
    for (const [i, dataDir] of dataDirs.entries()) {
      mkdirSync(dataDir, { recursive: true })
      writeFileSync(join(dataDir, 'myid'), `${i + 1}\n`)
      // Two empty servers that vote at once would be a majority without the data. One has to wait for a leader.
      if (i === 1) writeFileSync(join(dataDir, 'initialize'), '')
    }
    const shared = `sessionSecretFile=${secret}`
    await Promise.all(dataDirs.map((_, i) => start(i, [shared, ...members])))
    // Only with the data has the third server a vote, which the other two need when one of them goes.
    for (const port of clientPorts) await until(async () => /^Mode: (leader|follower)$/m.test(await ask(port, 'srvr')))
    await zk.set('/held', 'by three')
    expect((await zk.exists('/held'))?.ephemeralOwner).toBe(sessionId)

    // The first server made the session; the other two know its password as well.
    await stop(0)
    await zk.set('/held', 'by two')
    await using younger = await connect(connectString.slice(connectString.indexOf(',') + 1), { sessionTimeout: 20_000 })
    for (const id of [sessionId, younger.sessionId]) expect(await isGuessed(clientPorts[1], id)).toBe(false)
    expect(zk.sessionId).toBe(sessionId)

    await Promise.all([1, 2].map(stop))
    await start(2, [shared])
    await until(async () => (await ask(clientPorts[2] ?? 0, 'srvr')).includes('Mode: standalone'))
    await zk.set('/held', 'by one again')
    await younger.set('/held', 'by one again, by another session')
    expect((await zk.exists('/held'))?.ephemeralOwner).toBe(sessionId)
  } finally {
    await Promise.all(running.map((each) => each.end('SIGKILL')))
    rmSync(folder, { recursive: true, force: true })
  }
})
