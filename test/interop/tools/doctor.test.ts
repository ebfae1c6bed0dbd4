/** An ensemble of real servers, Apache 3.9, as doctor sees it: whole, with a member that is gone, without a majority, and with members that differ. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { type ApacheServer, apache, apacheAvailable } from '@lightkeeper/testing'
import { askWord, diagnose, type Finding } from '@lightkeeper/tools'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const found = apacheAvailable('3.9')
if (!found.available) {
  if (process.env['INTEROP'] === 'require') throw new Error(`Apache 3.9 is required: ${found.reason}`)
  console.log(`doctor on an ensemble: skipped, because ${found.reason}`)
}

const runtime = nodeRuntime({ log: silentLog })

async function findings(ports: readonly number[]): Promise<readonly Finding[]> {
  const servers = ports.map((port) => {
    const address = `127.0.0.1:${port}`
    return {
      address,
      ask: (word: string) => askWord(runtime, address, word),
      connect: () => connect(address, { connectTimeout: 2_000 }),
    }
  })
  const { findings: all } = await diagnose(servers, { now: () => runtime.clock.wall() })
  return all.filter(({ severity }) => severity !== 'note')
}

describe.skipIf(!found.available)('an ensemble of Apache 3.9', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-doctor-'))
  let ensemble: ApacheServer
  let leader: number
  beforeAll(async () => {
    ensemble = await apache({ version: '3.9', size: 3, dataDir: folder })
    await using zk = await connect(ensemble)
    for (let i = 0; i < 200; i++) await zk.create(`/n${i}`, 'x')
    leader = (await ensemble.leader()) ?? 0
  })
  afterAll(async () => {
    await ensemble?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('has nothing wrong while it is whole', async () => {
    expect(await findings(ensemble.ports)).toEqual([])
  })

  test('has a member that differs, when the data of that member was changed behind its back', async () => {
    const other = [0, 1, 2].find((each) => each !== leader) as number
    await ensemble.stop(other)
    // Its data becomes that of a server that stood alone: the same zxids, other writes.
    const alone = await apache({ version: '3.9', dataDir: join(folder, 'alone') })
    await using zk = await connect(alone)
    for (let i = 0; i < 100; i++) await zk.create(`/other${i}`, 'y')
    await alone.stop()
    await alone.close()
    const [from, to] = [join(folder, 'alone', '1', 'version-2'), join(folder, `${other + 1}`, 'version-2')]
    const snapshot = readdirSync(to).filter((name) => /^(log|snapshot)\./.test(name))
    expect(snapshot.length).toBeGreaterThan(0)
    for (const name of snapshot) rmSync(join(to, name))
    // Under the number of the ensemble's newest transaction, so that the leader sends it nothing.
    const newest = readdirSync(from).findLast((name) => name.startsWith('snapshot.')) as string
    const last = await lastZxid(ensemble.ports[leader] as number)
    cpSync(join(from, newest), join(to, `snapshot.${last}`))
    await ensemble.restart(other)
    const all = await findings(ensemble.ports)
    expect(all.map(({ name }) => name)).toContain('members-differ')
    expect(all.find(({ name }) => name === 'members-differ')).toMatchObject({ severity: 'critical' })
  })

  test('says which member is gone, that no other may go, and then that there is no majority', async () => {
    const [first, second] = [0, 1, 2].filter((each) => each !== leader) as [number, number]
    await ensemble.kill(first)
    const without = await findings(ensemble.ports)
    expect(without.map(({ name }) => name)).toEqual(expect.arrayContaining(['unreachable', 'no-spare-member']))
    await ensemble.kill(second)
    const port = ensemble.ports[leader] as number
    while (!(await askWord(runtime, `127.0.0.1:${port}`, 'srvr').catch(String)).includes('not currently serving')) {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect((await findings(ensemble.ports)).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['unreachable', 'not-serving', 'no-leader']),
    )
  })
})

async function lastZxid(port: number): Promise<string> {
  const [, zxid = '0'] = /^Zxid: 0x([0-9a-f]+)$/m.exec(await askWord(runtime, `127.0.0.1:${port}`, 'srvr')) ?? []
  return zxid
}
