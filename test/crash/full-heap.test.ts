/** Section 8, number 12: V8 ends a process whose heap is full. Creates are refused before that, and taken again after deletes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import { expect, onTestFailed, test } from 'vitest'
import { ourProcess } from '../support/our-process.ts'

test('a server with a heap of 48 MB is filled, refuses, serves on, and takes writes again after deletes', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-heap-'))
  const settings = ['maxClientCnxns=0', 'snapCount=5000', 'preAllocSize=1024'].flatMap((each) => ['--set', each])
  const args = ['--port', '0', '--data-dir', dataDir, ...settings]
  await using server = await ourProcess(args, { NODE_OPTIONS: '--max-old-space-size=48' })
  await using zk = await connect(server.connectString, { sessionTimeout: 30_000 })
  const made: ZnodePath[] = []
  const long = 'x'.repeat(900)
  const said = (words: string): number => server.errors().split(words).length - 1
  onTestFailed(() => console.error(server.errors().slice(-4_000)))
  const isRefused = (work: Promise<unknown>): Promise<boolean> =>
    work.then(
      () => false,
      (error: unknown) => {
        expect(KeeperError.is(error, 'QUOTA_EXCEEDED')).toBe(true)
        return true
      },
    )
  /** Every kind of write that grows the tree, one after the other. */
  let tries = 0
  const isAllRefused = async (): Promise<boolean> =>
    (await isRefused(zk.create(`/one-${++tries}`, ''))) &&
    (await isRefused(zk.set('/', 'more'))) &&
    (await isRefused(zk.transaction(op.create(`/multi-${tries}`))))
  /** The server looks for room once a second: what is refused for longer is refused because of the tree, and not of garbage. */
  const staysRefused = async (): Promise<boolean> => {
    const since = performance.now()
    while (performance.now() - since < 1_500) if (!(await isAllRefused())) return false
    return true
  }
  for (let round = 0, refused = 0; refused === 0 || !(await staysRefused()); round++) {
    expect(round).toBeLessThan(20_000)
    const paths = Array.from({ length: 200 }, (_, i): ZnodePath => `/${round}-${i}-${long}`)
    const outcomes = await Promise.all(paths.map((path) => isRefused(zk.create(path, 'data'))))
    made.push(...paths.filter((_, i) => !outcomes[i]))
    refused = outcomes.filter((each) => each).length
  }
  expect(new TextDecoder().decode((await zk.get(made[0] as ZnodePath)).data)).toBe('data')
  while (said('THE HEAP IS NEARLY FULL') === 0) await zk.exists('/')

  while (made.length > 2000) await Promise.all(made.splice(-500).map((path) => zk.delete(path)))
  let isTaken = false
  while (!isTaken) {
    isTaken = await zk.create('/after', '').then(
      () => true,
      () => false,
    )
  }
  // Garbage may have filled the heap before the tree did. Each time has one line at its beginning and one at its end.
  while (said('there is room in the heap again') < said('THE HEAP IS NEARLY FULL')) await zk.exists('/')
  expect(said('there is room in the heap again')).toBe(said('THE HEAP IS NEARLY FULL'))
  expect(await server.end('SIGTERM')).toBe(0)
  rmSync(dataDir, { recursive: true, force: true })
}, 180_000)
