/** Whoever opens sockets until none is left must not make the log fail; when they are gone, all is as before. */
import { spawnSync } from 'node:child_process'
import { createConnection, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { connect } from '@lightkeeper/client'
import { ask } from '@lightkeeper/testing'
import { expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { ourProcess } from '../support/our-process.ts'

const folder = temporaryFolders('descriptors')

/** Soft and hard, since Node raises the one to the other. */
const limited = (count: number): string[] => ['sh', '-c', `ulimit -n ${count}; exec "$@"`, 'sh']
const linux = process.platform === 'linux'
if (!linux) console.log('file descriptors used up: skipped, because this system does not say how many there may be')

test.skipIf(!linux)('a server with 128 descriptors goes on writing and snapshotting among 400 sockets', async () => {
  const settings = ['maxClientCnxns=0', 'snapCount=4', 'preAllocSize=64', '4lw.commands.whitelist=*']
  const args = ['--port', '0', '--data-dir', folder(), ...settings.flatMap((each) => ['--set', each])]
  await using server = await ourProcess(args, {}, limited(128))
  await using zk = await connect(server.connectString)
  await zk.create('/x', '')
  const sockets = new Set<Socket>()
  let gone = 0
  for (let i = 0; i < 400; i++) {
    const socket = createConnection(server.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.on('close', () => void gone++)
    sockets.add(socket)
  }
  // Every few of these begin a log and a snapshot.
  for (let i = 0; i < 200; i++) await zk.set('/x', `${i}`)
  while (gone < 250) await zk.set('/x', 'meanwhile')
  const lines = (text: string): number => server.errors().split(text).length - 1
  expect(lines('WARN file descriptors are used up')).toBe(1)
  for (const socket of sockets) socket.destroy()
  let isBack = false
  while (!isBack) isBack = (await ask(server.port, 'isro').catch(() => '')) === 'rw'
  await using late = await connect(server.connectString)
  await late.set('/x', 'after')
  while (lines('INFO connections are accepted again') === 0) await ask(server.port, 'isro')
  expect(lines('INFO connections are accepted again')).toBe(1)
  expect(lines('ERROR'), server.errors()).toBe(0)
  expect(lines('file descriptors are used up')).toBe(1)
  expect(await server.end('SIGTERM')).toBe(0)
})

test.skipIf(!linux)('a program that uses up all of them itself still gets the files it has reserved', () => {
  const program = `
    import { openSync, closeSync } from 'node:fs'
    import { nodeRuntime } from '@lightkeeper/runtime/node'
    const { disk } = nodeRuntime()
    const lock = await disk.lock(process.argv[1])
    const taken = []
    const takeAll = () => { try { for (;;) taken.push(openSync('/dev/null')) } catch {} }
    takeAll()
    for (let i = 0; i < 50; i++) {
      const file = await disk.open(process.argv[1] + '/file' + i, { create: true })
      await file.writeDurably(0, new Uint8Array(10))
      await disk.syncDirectory(process.argv[1])
      await disk.list(process.argv[1])
      await file.close()
      if (i % 7 === 0) takeAll()
    }
    for (const each of taken) closeSync(each)
    await lock.release()
    console.log('all written')`
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const [file = '', ...words] = limited(64)
  const command = [...words, process.execPath, '--input-type=module', '-e', program, folder()]
  const { stdout, stderr } = spawnSync(file, command, { cwd: root, encoding: 'utf8' })
  expect([stdout, stderr]).toEqual(['all written\n', ''])
})
