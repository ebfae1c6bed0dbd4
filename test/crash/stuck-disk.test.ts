/** The real process on a disk that stands still: a signal ends it all the same, and what it acknowledged is there. */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '@lightkeeper/client'
import { describe, expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { bin, type OurProcess, ourProcess } from '../support/our-process.ts'
import { Child } from '../support/process.ts'
import { sleep } from '../support/wait.ts'
import { failingDisk } from './failing-disk.ts'

const library = failingDisk('a disk that stands still')
const folder = temporaryFolders('stuck')

/** The switch of one disk: a file that is there while the disk stands still. */
class Disk {
  readonly directory = folder()
  readonly #control = join(folder(), 'fault')
  readonly env = { LD_PRELOAD: library ?? '', FAULT_FILE: this.#control }

  stop(): void {
    writeFileSync(this.#control, '-1')
  }

  /** Resolves when a write of the server waits for it. */
  async holds(): Promise<void> {
    while (!existsSync(`${this.#control}.reached`)) await sleep(5)
  }

  goOn(): void {
    rmSync(this.#control)
  }
}

describe.skipIf(library === undefined)('a server on a disk that stands still', () => {
  const start = (disk: Disk, stopTimeout: number): Promise<OurProcess> =>
    ourProcess(['--port', '0', '--data-dir', disk.directory, '--set', `stopTimeout=${stopTimeout}`], disk.env)

  /** A server with one write that is acknowledged and one that is not. */
  async function stuck(disk: Disk, stopTimeout: number): Promise<OurProcess> {
    const server = await start(disk, stopTimeout)
    const zk = await connect(server.connectString)
    await zk.create('/acknowledged', 'data')
    disk.stop()
    zk.create('/under-way').catch(() => {})
    await disk.holds()
    void zk.close()
    return server
  }

  async function hasKept(disk: Disk): Promise<void> {
    disk.goOn()
    await using server = await start(disk, 5_000)
    await using zk = await connect(server.connectString)
    expect(new TextDecoder().decode((await zk.get('/acknowledged')).data)).toBe('data')
  }

  test('is ended by one SIGTERM when stopTimeout is over twice, and says why', async () => {
    const disk = new Disk()
    await using server = await stuck(disk, 200)
    expect(await server.end('SIGTERM')).toBeNull()
    expect(server.child.signalCode).toBe('SIGKILL')
    expect(server.errors()).toContain('the disk did not finish within 200 ms; what was acknowledged is safe')
    await hasKept(disk)
  })

  test('is ended by the second signal, whatever stopTimeout is', async () => {
    const disk = new Disk()
    await using server = await stuck(disk, 600_000)
    server.child.kill('SIGTERM')
    while (!server.errors().includes('the server stops because of a signal')) await sleep(5)
    expect(await server.end('SIGTERM')).toBeNull()
    expect(server.child.signalCode).toBe('SIGKILL')
    await hasKept(disk)
  })

  test('is ended by one SIGTERM before it serves', async () => {
    const disk = new Disk()
    disk.stop()
    await using running = new Child([process.execPath, bin, 'server', '--port', '0', '--data-dir', disk.directory], {
      env: disk.env,
    })
    await disk.holds()
    running.kill('SIGTERM')
    expect(await running.ended).toEqual({ code: null, signal: 'SIGKILL' })
    disk.goOn()
    await using server = await start(disk, 5_000)
    expect(server.port).toBeGreaterThan(0)
  })
})

/** A module for `--import`: applying `/broken` fails while an operation of a file is under way that never ends. */
function breaking(fifo: string): string {
  const tree = fileURLToPath(new URL('../../packages/server/dist/tree/data-tree.js', import.meta.url))
  return `
    import { open } from 'node:fs'
    const { DataTree } = await import(${JSON.stringify(tree)})
    const { apply } = DataTree.prototype
    DataTree.prototype.apply = function (header, txn) {
      if (txn.path !== '/broken') return apply.call(this, header, txn)
      open(${JSON.stringify(fifo)}, 'r', () => {})
      throw new Error('planted: half of it may be in the tree')
    }
  `
}

test('a server that cannot continue ends by itself, although the disk holds one of its operations', async () => {
  const directory = folder()
  const [fifo, module] = [join(directory, 'fifo'), join(directory, 'breaking.mjs')]
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0)
  writeFileSync(module, breaking(fifo))
  await using server = await ourProcess(['--port', '0', '--data-dir', join(directory, 'data')], {
    NODE_OPTIONS: `--import ${module}`,
  })
  const zk = await connect(server.connectString)
  zk.create('/broken').catch(() => {})
  expect(await server.ended).toBeNull()
  expect(server.child.signalCode).toBe('SIGKILL')
  expect(server.errors()).toContain('lightkeeper server: planted: half of it may be in the tree')
  await zk.close()
})
