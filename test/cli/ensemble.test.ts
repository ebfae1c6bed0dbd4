/** `lightkeeper ensemble`: several servers on this machine, as a user meets them. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect as dial } from 'node:net'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { describe, expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { until } from '../support/wait.ts'
import { isAlive, Running } from './running.ts'

const folder = temporaryFolders('ensemble')

/** The address of each member by its name, and the processes that it has had, oldest first. */
function pidsOf({ errors }: Running): Map<string, number[]> {
  const pids = new Map<string, number[]>()
  for (const [, name = '', pid] of errors.matchAll(/(server\.\d+) is started pid=(\d+)/g))
    pids.set(name, [...(pids.get(name) ?? []), Number(pid)])
  return pids
}

const text = (data: Uint8Array): string => new TextDecoder().decode(data)

describe('an ensemble of three', () => {
  test('prints one connect string, serves through the loss of any member, and keeps its data', async () => {
    const dataDir = folder()
    const args = ['ensemble', '--port', '0', '--data-dir', dataDir, '--set', 'tickTime=200']
    const first = new Running(args)
    const line = await first.firstLine()
    expect(line).toMatch(/^lightkeeper ensemble listening on 127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+$/)
    const zk = await connect(line.split(' ').at(-1) as string)
    const { sessionId } = zk
    await zk.create('/kept', '0')
    for (const name of ['server.1', 'server.2', 'server.3']) {
      process.kill(pidsOf(first).get(name)?.at(-1) as number, 'SIGKILL')
      // The others serve meanwhile.
      await zk.update('/kept', (data) => `${Number(text(data as Uint8Array)) + 1}`)
      await until(() => first.errors.includes(`${name} ended without having been asked to, and is started again`))
      await until(() => pidsOf(first).get(name)?.length === 2)
      const marker = `${name} | `
      const after = (): string => first.errors.slice(first.errors.lastIndexOf(`${name} is started`))
      await until(() => after().includes(marker) && / serves clients/.test(after()))
    }
    expect(zk.sessionId).toBe(sessionId)
    await zk.close()
    const pids = [...pidsOf(first).values()].flat()
    expect(await first.end('SIGTERM')).toBe(0)
    expect(pids.filter(isAlive)).toEqual([])
    expect(readdirSync(dataDir).sort()).toEqual(['1', '2', '3'])

    const second = new Running(args)
    await using again = await connect((await second.firstLine()).split(' ').at(-1) as string)
    expect(text((await again.get('/kept')).data)).toBe('3')
    expect(await second.end('SIGINT')).toBe(0)
  })

  test('with --no-restart it lets a member stay away, and ends when all have ended', async () => {
    const running = new Running(['ensemble', '--port', '0', '--no-restart', '--set', 'tickTime=200'])
    await running.firstLine()
    for (const [name, [pid]] of pidsOf(running)) {
      process.kill(pid as number, 'SIGKILL')
      await until(() => running.errors.includes(`${name} ended, and stays away because of --no-restart`))
    }
    const { code, errors } = await running.closed
    expect([code, errors]).toEqual([1, expect.stringContaining('lightkeeper ensemble: all members have ended')])
  })

  test('has its folder for itself: a second one changes nothing there, and a member that is killed comes back', async () => {
    const dataDir = folder()
    const args = ['ensemble', '--port', '0', '--data-dir', dataDir, '--set', 'tickTime=200']
    const first = new Running(args)
    const line = await first.firstLine()
    const files = (): string[] => ['1', '2', '3'].map((id) => readFileSync(join(dataDir, id, 'zoo.cfg'), 'utf8'))
    const before = files()
    const { code, errors } = await new Running(args).closed
    expect([code, errors]).toEqual([1, `lightkeeper ensemble: ${dataDir} is in use by process ${first.child.pid}\n`])
    expect(files()).toEqual(before)
    process.kill(pidsOf(first).get('server.1')?.[0] as number, 'SIGKILL')
    await until(() => pidsOf(first).get('server.1')?.length === 2)
    await using zk = await connect((line.split(' ').at(-1) as string).split(',')[0] as string)
    expect(zk.state.kind).toBe('connected')
    expect(await first.end('SIGTERM')).toBe(0)
  })

  test('the Ctrl-C of a terminal, which goes to a whole group of processes, stops its members in order', async () => {
    const running = new Running(['ensemble', '--port', '0', '--set', 'tickTime=200'], {}, { isGroup: true })
    const addresses = (await running.firstLine()).split(' ').at(-1)?.split(',') ?? []
    // Clients that do not close their side make an orderly stop take a while.
    const sockets = addresses.map((address) => dial({ port: Number(address.split(':')[1]), allowHalfOpen: true }))
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.once('connect', resolve))))
    process.kill(-(running.child.pid as number), 'SIGINT')
    const { code, errors } = await running.closed
    for (const socket of sockets) socket.destroy()
    expect(code).toBe(0)
    for (const name of pidsOf(running).keys())
      expect(errors).toMatch(new RegExp(`^${name} \\| .*the server has stopped`, 'm'))
  })

  test('its members end when the command is killed', async () => {
    // A folder of its own would be left behind by the one that is killed.
    const running = new Running(['ensemble', '--port', '0', '--data-dir', folder(), '--set', 'tickTime=200'])
    await running.firstLine()
    const pids = [...pidsOf(running).values()].flat()
    expect(pids).toHaveLength(3)
    running.child.kill('SIGKILL')
    await until(() => !pids.some(isAlive))
  })
})

describe('is refused', () => {
  test.each([
    [['--size', '2'], '--size must be a whole number from 3 to 9'],
    [['--size', 'x'], '--size must be a whole number from 3 to 9'],
    [['--port', '70000'], '--port must be a whole number from 0 to 65535'],
    [['--port', '65534'], '--port must be 65533 or less, so that each of 3 members has one'],
    [['--set', 'clientPort=1'], '--set clientPort: the ensemble gives each member its own clientPort'],
    [['--set', 'leaderServes=no'], '--set leaderServes=no: the ensemble is ready when all of its members serve'],
    [['--set', 'server.1=a:1:2'], '--set server.1: the ensemble gives each member its own server.1'],
  ])('%j as wrong usage', async (args, says) => {
    const { code, errors } = await new Running(['ensemble', ...args]).closed
    expect([code, errors]).toEqual([2, expect.stringContaining(says)])
  })

  test('a folder with the data of one server, or of another number of members', async () => {
    const one = folder()
    mkdirSync(join(one, 'version-2'))
    const alone = await new Running(['ensemble', '--data-dir', one]).closed
    expect([alone.code, alone.errors]).toEqual([2, expect.stringContaining('has the data of one server')])
    const five = folder()
    for (let id = 1; id <= 5; id++) {
      mkdirSync(join(five, `${id}`))
      writeFileSync(join(five, `${id}`, 'myid'), `${id}\n`)
    }
    const other = await new Running(['ensemble', '--data-dir', five]).closed
    expect([other.code, other.errors]).toEqual([2, expect.stringContaining('has 5 members, not 3: give --size 5')])
  })

  test('a setting that no member can use, with what the member said', async () => {
    const { code, errors } = await new Running(['ensemble', '--port', '0', '--set', 'tickTime=none']).closed
    expect(code).toBe(1)
    expect(errors).toMatch(/lightkeeper ensemble: server\.\d ended before the ensemble served, exit 1: .*tickTime/)
  })
})
