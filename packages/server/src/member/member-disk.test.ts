/** The machines do not wait for the disk: what they append while files are cut or replaced must follow, and must not get lost. */
import { opCode, Writer } from '@lightkeeper/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { ServerStats } from '../stats.ts'
import { EpochFiles } from '../storage/epoch-files.ts'
import { temporaryPrefix } from '../storage/file-names.ts'
import { Bench, create, directory, imageOf } from '../storage/storage.harness.ts'
import type { Storage } from '../storage/storage.ts'
import { type LoggedTxn, writeTxn } from '../storage/txn-codec.ts'
import { DataTree } from '../tree/data-tree.ts'
import type { DiskInput } from '../zab/inputs.ts'
import { MemberDisk } from './member-disk.ts'

let bench: Bench
let storage: Storage
let disk: MemberDisk
let reports: DiskInput[]
let replaced: { readonly zxid: bigint; readonly paths: readonly string[]; readonly rest: readonly bigint[] }[]
let errors: Error[]

beforeEach(async () => {
  bench = new Bench()
  await bench.open()
  await bench.creates(10)
  storage = bench.storage as Storage
  await begin()
})

async function begin(): Promise<void> {
  const runtime = bench.world.runtime('server')
  const epochs = await bench.world.run(EpochFiles.open(runtime.disk, directory, bench.lastZxid))
  reports = []
  replaced = []
  errors = []
  disk = new MemberDisk(runtime, storage, epochs, new ServerStats(), true, {
    report: (input) => void reports.push(input),
    replaced(tree, zxid, rest) {
      replaced.push({ zxid, paths: pathsOf(tree), rest: rest.map(({ header }) => header.zxid) })
    },
    uncut: (error) => void errors.push(error),
    failed: (error) => void errors.push(error),
  })
}

const image = imageOf(new DataTree(), 100)

const pathsOf = (tree: DataTree): string[] =>
  [...(tree.get('/')?.children?.keys() ?? [])].filter((name) => name !== 'zookeeper').sort()

function append(zxid: bigint, path: string): void {
  const header = { clientId: 7n, cxid: 1, zxid, time: 1n, type: opCode.create }
  const txn = create(path)
  const writer = new Writer(100)
  writeTxn(writer, header, txn, undefined)
  const logged: LoggedTxn = { header, txn, digest: undefined }
  disk.append(zxid, writer.written(), logged)
}

async function reported(kind: DiskInput['kind'], zxid?: bigint): Promise<void> {
  const isThere = (): boolean =>
    reports.some((each) => each.kind === kind && (zxid === undefined || ('zxid' in each && each.zxid === zxid)))
  while (!isThere()) {
    if (kind !== 'notTruncated') expect(errors).toEqual([])
    await bench.world.run(new Promise<void>((resolve) => void bench.world.runtime('server').clock.after(1, resolve)))
  }
}

async function logged(from: bigint): Promise<bigint[]> {
  const zxids: bigint[] = []
  const read = async (): Promise<void> => {
    for await (const { zxid } of storage.log.read(from)) zxids.push(zxid)
  }
  await bench.world.run(read())
  return zxids
}

test('a transaction that comes while the log is cut follows the cut', async () => {
  disk.truncate(5n, 0n)
  append(6n, '/other')
  expect(disk.isReplacing).toBe(true)
  await reported('truncated')
  expect(replaced).toEqual([{ zxid: 5n, paths: ['n1', 'n2', 'n3', 'n4', 'n5'], rest: [6n] }])
  await reported('durable', 6n)
  expect(await logged(4n)).toEqual([4n, 5n, 6n])
  await bench.close()
  expect(pathsOf((await bench.recover()).tree)).toEqual(['n1', 'n2', 'n3', 'n4', 'n5', 'other'])
})

test('a transaction that comes while an image is put in place follows it in the log', async () => {
  const tree = new DataTree()
  const receiver = disk.receive(20n, () => {})
  await bench.world.run(receiver.push(imageOf(tree, 100)))
  expect(receiver.isDone).toBe(true)
  append(21n, '/a')
  disk.install()
  append(22n, '/b')
  await reported('installed')
  expect(replaced).toEqual([{ zxid: 20n, paths: [], rest: [21n, 22n] }])
  expect(disk.isReplacing).toBe(false)
  append(23n, '/c')
  await reported('durable', 23n)
  expect(await logged(21n)).toEqual([21n, 22n, 23n])
  await bench.close()
  expect(pathsOf((await bench.recover()).tree)).toEqual(['a', 'b', 'c'])
})

test('a cut that is not possible is reported, changes nothing, and an image can follow', async () => {
  // The log begins with 1, so there is nothing to go back to.
  disk.truncate(0n, 0n)
  append(1n, '/other')
  await reported('notTruncated')
  expect(reports).toEqual([{ kind: 'notTruncated' }])
  expect(errors.map(({ name }) => name)).toEqual(['NotInLogError'])
  expect(replaced).toEqual([])
  expect(await logged(1n)).toHaveLength(10)
  errors.length = 0
  const receiver = disk.receive(20n, () => {})
  await bench.world.run(receiver.push(imageOf(new DataTree(), 100)))
  disk.install()
  await reported('installed')
  await bench.close()
  expect((await bench.recover()).lastZxid).toBe(20n)
})

describe('an image that is given up', () => {
  test('takes nothing of the next one away, which may have the same name', async () => {
    for (let i = 0; i < 10; i++) {
      await bench.world.run(disk.receive(20n, () => {}).push(image))
      disk.discard()
    }
    await bench.world.run(disk.receive(20n, () => {}).push(image))
    append(21n, '/a')
    disk.install()
    await reported('installed')
    await bench.close()
    const { lastZxid, tree } = await bench.recover()
    expect([lastZxid, pathsOf(tree)]).toEqual([21n, ['a']])
  })

  test('is gone when the directory is free for another server', async () => {
    await bench.world.run(disk.receive(20n, () => {}).push(image))
    disk.stop()
    await bench.close()
    expect(bench.names().filter((name) => name.startsWith(temporaryPrefix))).toEqual([])
  })

  test('is still taken in while the server stops: nothing is written to a file that is closed', async () => {
    const receiver = disk.receive(20n, () => {})
    const taking = receiver.push(image)
    disk.stop()
    await bench.world.run(taking)
    await bench.close()
    expect(bench.names().filter((name) => name.startsWith(temporaryPrefix))).toEqual([])
  })
})

describe('when the directory is free for another server, nothing changes it any more:', () => {
  test('epochs are saved', async () => {
    disk.saveEpochs(3, 2)
    disk.stop()
    await bench.close()
    const runtime = bench.world.runtime('server')
    const { accepted, current } = await bench.world.run(EpochFiles.open(runtime.disk, directory, 0n))
    expect([accepted, current]).toEqual([3, 2])
    expect(bench.names().filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('a cut that has not begun does not begin', async () => {
    append(11n, '/late')
    disk.truncate(5n, 0n)
    disk.stop()
    await bench.close()
    await bench.world.run(new Promise<void>((resolve) => void bench.world.after(100, resolve)))
    expect((await bench.recover()).lastZxid).toBe(11n)
  })

  test('an image that is not installed yet is given up', async () => {
    await bench.world.run(disk.receive(20n, () => {}).push(image))
    append(21n, '/a')
    disk.install()
    disk.stop()
    await bench.close()
    await bench.world.run(new Promise<void>((resolve) => void bench.world.after(100, resolve)))
    expect((await bench.recover()).lastZxid).toBe(10n)
    expect(bench.names().filter((name) => name.startsWith(temporaryPrefix))).toEqual([])
  })
})

test('what was committed is never cut: that is a failure', async () => {
  disk.truncate(5n, 7n)
  while (reports.length === 0) await bench.world.run(Promise.resolve())
  expect(reports).toEqual([{ kind: 'logFailed' }])
  expect(errors.map(({ name }) => name)).toEqual(['TruncationRefused'])
})
