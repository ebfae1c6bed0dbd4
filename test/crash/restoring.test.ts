/** A backup of one member is restored into all three, on real processes, as docs/operations/backup.md says. */
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { ask, freePorts } from '@lightkeeper/testing'
import { afterEach, expect, test } from 'vitest'
import { Running } from '../cli/running.ts'
import { temporaryFolders } from '../support/folders.ts'
import { type OurProcess, ourProcess } from '../support/our-process.ts'
import { until } from '../support/wait.ts'

const size = 3
const folder = temporaryFolders('restoring')
const running: OurProcess[] = []
afterEach(async () => void (await Promise.all(running.splice(0).map((each) => each.end('SIGKILL')))))

test('a backup that all members get is what the ensemble has then, and numbers of transactions go on', async () => {
  const ports = await freePorts(size * 3)
  const clientPorts = ports.slice(0, size)
  const connectString = clientPorts.map((port) => `127.0.0.1:${port}`).join(',')
  const home = folder()
  const dataDirs = clientPorts.map((_, i) => join(home, `${i + 1}`))
  const start = async (): Promise<void> => {
    await Promise.all(
      dataDirs.map(async (dataDir, i) => {
        mkdirSync(dataDir, { recursive: true })
        writeFileSync(join(dataDir, 'myid'), `${i + 1}\n`)
        const lines = [
          ...[`dataDir=${dataDir}`, `clientPort=${clientPorts[i]}`, 'clientPortAddress=127.0.0.1', 'tickTime=200'],
          ...['initLimit=25', 'syncLimit=10', 'admin.enableServer=false'],
          ...clientPorts.map((_, n) => `server.${n + 1}=127.0.0.1:${ports[size + n]}:${ports[2 * size + n]}`),
        ]
        const file = join(home, `zoo-${i + 1}.cfg`)
        writeFileSync(file, `${lines.join('\n')}\n`)
        running[i] = await ourProcess([file])
      }),
    )
    for (const port of clientPorts) await until(async () => /^Mode: (leader|follower)$/m.test(await ask(port, 'srvr')))
  }
  const stop = async (): Promise<void> => void (await Promise.all(running.splice(0).map((each) => each.end('SIGTERM'))))

  await start()
  const before = await connect(connectString)
  await before.create('/config', 'good')
  const backup = join(home, 'backup-1')
  expect(await new Running(['backup', dataDirs[1] as string, backup, '--compress', 'gz']).closed).toMatchObject({
    code: 0,
  })
  await before.set('/config', 'bad')
  const { mzxid } = (await before.create('/later', 'x')).stat
  await before.close()
  await stop()

  const epochs = ['acceptedEpoch', 'currentEpoch']
  for (const dataDir of dataDirs) {
    const [version2, aside] = [join(dataDir, 'version-2'), join(dataDir, 'version-2.before')]
    renameSync(version2, aside)
    cpSync(join(backup, 'version-2'), version2, { recursive: true })
    for (const name of epochs) cpSync(join(aside, name), join(version2, name))
  }
  await start()
  await using zk = await connect(connectString)
  expect(new TextDecoder().decode((await zk.get('/config')).data)).toBe('good')
  expect(await zk.exists('/later')).toBeUndefined()
  expect((await zk.create('/new', '')).stat.mzxid).toBeGreaterThan(mzxid)
  await stop()
  for (const dataDir of dataDirs) {
    const { code, output } = await new Running(['doctor', dataDir, '-q']).closed
    expect([code, output]).toEqual([0, expect.stringContaining('nothing is wrong')])
    expect(epochs.every((name) => existsSync(join(dataDir, 'version-2', name)))).toBe(true)
    expect(readFileSync(join(dataDir, 'version-2', 'currentEpoch'), 'utf8')).toBe('2')
  }
})
