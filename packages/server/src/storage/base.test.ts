/**
 * The history of a member is replaced by another, or cut: a crash at any step leaves the old one or the new one, whole, and the
 * directory opens again.
 */
import { opCode, Writer } from '@lightkeeper/protocol'
import type { Disk, DiskFile, Runtime } from '@lightkeeper/runtime'
import { describe, expect, test } from 'vitest'
import type { DataTree } from '../tree/data-tree.ts'
import { TreeWalk } from '../tree/tree-walk.ts'
import { AcknowledgedMark } from './acknowledged.ts'
import { IncomingBase, TruncationRefused } from './base.ts'
import { ImageEncoder, SnapshotDamage } from './image.ts'
import { RecoveryError } from './recovery.ts'
import { Bench, create, directory, dump } from './storage.harness.ts'
import type { Storage } from './storage.ts'
import { writeTxn } from './txn-codec.ts'
import { type LoggedPayload, NotInLogError } from './txn-log.ts'

type Files = ReadonlyMap<string, Uint8Array>

/** Wraps a disk so that it does nothing any more from the `limit`-th change on: the process hangs there until it is killed. */
class Halting {
  changes = 0
  limit = Number.POSITIVE_INFINITY

  of(disk: Disk): Disk {
    const step = <T>(work: () => Promise<T>): Promise<T> =>
      ++this.changes > this.limit ? new Promise<T>(() => {}) : work()
    const wrapped = (file: DiskFile): DiskFile => ({
      size: () => file.size(),
      read: (position, target) => file.read(position, target),
      write: (position, bytes) => step(() => file.write(position, bytes)),
      writeNow: (position, bytes) => (++this.changes > this.limit ? undefined : file.writeNow(position, bytes)),
      writeDurably: (position, bytes) => step(() => file.writeDurably(position, bytes)),
      sync: () => step(() => file.sync()),
      truncate: (size) => step(() => file.truncate(size)),
      close: () => file.close(),
    })
    return {
      ...disk,
      open: (path, options) => step(() => disk.open(path, options)).then(wrapped),
      rename: (from, to) => step(() => disk.rename(from, to)),
      remove: (path) => step(() => disk.remove(path)),
      syncDirectory: (path) => step(() => disk.syncDirectory(path)),
    }
  }
}

/** A member on a directory with `files`, whose disk can be halted. */
async function memberOn(files: Files, seed = 1): Promise<{ bench: Bench; halting: Halting; storage: Storage }> {
  const bench = new Bench(seed)
  const halting = new Halting()
  const runtimeOf = bench.world.runtime.bind(bench.world)
  bench.world.runtime = (host): Runtime => {
    const runtime = runtimeOf(host)
    return { ...runtime, disk: halting.of(runtime.disk) }
  }
  await bench.world.run(bench.world.runtime('server').disk.makeDirectory(directory))
  for (const [name, bytes] of files) bench.disk.put(`${directory}/${name}`, bytes)
  return { bench, halting, storage: await bench.open({ damage: 'report' }) }
}

interface History {
  readonly files: Files
  readonly states: ReadonlyMap<bigint, string>
  readonly last: bigint
  readonly tree: DataTree
}

const text = (tree: DataTree): string => dump(tree).join('\n')

/** Three logs with two snapshots, the last of which lies behind the middle. */
async function history(prefix: string, each: number): Promise<History> {
  const bench = new Bench(5)
  const states = new Map<bigint, string>()
  for (let part = 0; part < 3; part++) {
    await bench.open()
    for (let i = 0; i < each; i++) {
      await bench.creates(1, prefix)
      states.set(bench.lastZxid, text(bench.tree))
    }
    if (part < 2) await bench.snapshot()
    await bench.close()
  }
  return { files: bench.disk.files(directory), states, last: bench.lastZxid, tree: bench.tree }
}

const old = await history('old', 6)

/** What a leader sends: an image at `zxid`, which holds more than that, and the transactions behind it. */
interface Sent {
  readonly zxid: bigint
  readonly image: Uint8Array
  readonly txns: readonly LoggedPayload[]
  /** The tree when all is replayed. */
  readonly state: string
}

async function sent(): Promise<Sent> {
  const bench = new Bench(9)
  const storage = await bench.open()
  await bench.write({ type: opCode.createSession, timeOut: 4000 })
  await bench.creates(9, 'new', 400)
  const zxid = bench.lastZxid
  const walk = new TreeWalk(bench.tree, zxid)
  const encoder = new ImageEncoder()
  encoder.begin(bench.tree.sessions, walk.lists)
  const pieces: Uint8Array[] = []
  for (const _ of encoder.znodes(walk, 3)) {
    pieces.push(encoder.take())
    // The tree changes while it is sent.
    await bench.write({ type: opCode.setData, path: `/new${3 + pieces.length}`, data: new Uint8Array(9), version: 1 })
  }
  encoder.end()
  pieces.push(encoder.take())
  walk.end()
  await bench.creates(2, 'late')
  const read = async (): Promise<LoggedPayload[]> => {
    const txns: LoggedPayload[] = []
    for await (const each of storage.log.read(zxid + 1n)) txns.push(each)
    return txns
  }
  const txns = await bench.world.run(read())
  const state = text(bench.tree)
  await bench.close()
  return { zxid, image: new Uint8Array(Buffer.concat(pieces)), txns, state }
}

const fromLeader = await sent()

async function receive(storage: Storage, { zxid, image, txns }: Sent): ReturnType<Storage['receive']> {
  const base = await storage.receive(zxid)
  for (let at = 0; at < image.length; ) at += await base.push(image.subarray(at, at + 700))
  for (const each of txns) await base.append(each.zxid, each.payload)
  return base
}

async function installed(storage: Storage, what: Sent): Promise<void> {
  await storage.install(await receive(storage, what))
}

/** Opens a directory after a crash and returns what is there; twice, since one start must not undo what the one before did. */
async function found(bench: Bench): Promise<{ last: bigint; state: string }> {
  const seen: { last: bigint; state: string }[] = []
  for (let i = 0; i < 2; i++) {
    const { recovered } = await bench.open()
    seen.push({ last: recovered.lastZxid, state: text(recovered.tree) })
    await bench.close()
  }
  expect(seen[1]).toEqual(seen[0])
  expect(bench.names().filter((name) => name.startsWith('tmp.') || name === 'installing')).toEqual([])
  return seen[0] as { last: bigint; state: string }
}

/** Runs `work` on a member that halts at each of its steps in turn, and crashes there. Then calls `check` with the result. */
async function crashingAtEachStep(
  kind: 'kill' | 'power',
  seed: number,
  work: (storage: Storage) => Promise<unknown>,
  check: (found: { last: bigint; state: string }, bench: Bench, isDone: boolean) => Promise<void> | void,
): Promise<number> {
  for (let step = 0; ; step++) {
    const { bench, halting, storage } = await memberOn(old.files, seed * 1000 + step)
    halting.changes = 0
    halting.limit = step
    const isDone = await bench.world.run(work(storage)).then(
      () => true,
      (error: Error) => {
        expect(error.message).toContain('nothing came')
        return false
      },
    )
    const { changes } = halting
    halting.limit = Number.POSITIVE_INFINITY
    bench.world.crash('server', kind)
    await check(await found(bench), bench, isDone)
    if (isDone) return changes
  }
}

const crashes = [
  ['kill', 1],
  ['power', 1],
  ['power', 2],
  ['power', 3],
] as const

describe('an image that is installed', () => {
  const last = fromLeader.txns.at(-1)?.zxid as bigint

  test('becomes the history, with the transactions behind it; the old one is kept under other names', async () => {
    const { bench, storage } = await memberOn(old.files)
    const base = await bench.world.run(receive(storage, fromLeader))
    expect([base.isImageDone, base.zxid, base.lastZxid]).toEqual([true, fromLeader.zxid, last])
    const tree = await bench.world.run(storage.install(base))
    expect(tree.get('/new5')).toBeDefined()
    expect(tree.get('/old1')).toBeUndefined()
    expect(storage.log.durableZxid).toBe(last)
    expect(bench.names().filter((name) => /^(snapshot|log)/.test(name))).toEqual([
      `log.${(fromLeader.zxid + 1n).toString(16)}`,
      `snapshot.${fromLeader.zxid.toString(16)}`,
    ])
    expect(bench.names().filter((name) => name.startsWith('replaced.')).length).toBeGreaterThan(4)
    // The log goes on.
    const writer = new Writer()
    writeTxn(
      writer,
      { clientId: 7n, cxid: 1, zxid: last + 1n, time: 1n, type: opCode.create },
      create('/more'),
      undefined,
    )
    storage.log.append(last + 1n, writer.written())
    await bench.world.run(new Promise<void>((resolve) => storage.log.flush(() => resolve())))
    await bench.close()
    const { tree: reread, lastZxid } = await bench.recover()
    expect(lastZxid).toBe(last + 1n)
    expect(reread.get('/more')).toBeDefined()
  })

  test.each(crashes)(
    'leaves the old history or the new one, whole, after a crash by %s at any step (%i)',
    async (kind, seed) => {
      const outcomes = new Set<string>()
      const steps = await crashingAtEachStep(
        kind,
        seed,
        (storage) => installed(storage, fromLeader),
        async (now, bench, isDone) => {
          const isNew = now.last === last
          expect(now).toEqual(
            isNew ? { last, state: fromLeader.state } : { last: old.last, state: old.states.get(old.last) },
          )
          if (isDone) expect(isNew).toBe(true)
          outcomes.add(isNew ? 'new' : 'old')
          // What was interrupted can be done again.
          if (isNew) return
          const storage = await bench.open()
          await bench.world.run(installed(storage, fromLeader))
          await bench.close()
          expect(await found(bench)).toEqual({ last, state: fromLeader.state })
        },
      )
      expect(steps).toBeGreaterThan(20)
      expect([...outcomes].sort()).toEqual(['new', 'old'])
    },
  )

  test('is promised as a whole', async () => {
    const files = new Map([...old.files].filter(([name]) => name !== 'acknowledged' && !name.startsWith('log.')))
    files.delete('snapshot.c')
    const { bench, storage } = await memberOn(files)
    expect(bench.lastZxid).toBeLessThan(last)
    await bench.world.run(installed(storage, fromLeader))
    const promised = await bench.world.run(AcknowledgedMark.read(bench.world.runtime('server').disk, directory))
    expect(promised).toBe(last)
    await bench.close()
    bench.disk.lose(`${directory}/log.${(fromLeader.zxid + 1n).toString(16)}`)
    await expect(bench.open()).rejects.toThrow(RecoveryError)
  })

  test('that is given up leaves its file when nothing is written to it any more', async () => {
    const { bench, storage } = await memberOn(old.files)
    const runtime = bench.world.runtime('server')
    const events: string[] = []
    const disk: Disk = {
      ...runtime.disk,
      open: async (path, options) => {
        const file = await runtime.disk.open(path, options)
        return {
          ...file,
          async write(position, bytes) {
            events.push('write')
            await file.write(position, bytes)
            events.push('written')
          },
          close() {
            events.push('close')
            return file.close()
          },
        }
      },
    }
    const directories = { snapshots: storage.snapshotDirectory, logs: storage.logDirectory }
    const base = await bench.world.run(IncomingBase.begin(disk, directories, fromLeader.zxid))
    const push = base.push(fromLeader.image)
    await bench.world.run(Promise.all([push, base.discard()]))
    expect(events).toEqual(['write', 'written', 'close'])
  })

  test('takes the place of a damaged directory', async () => {
    const files = new Map(old.files)
    files.set('log.d', new Uint8Array(40))
    // An image did not come to its end when the process did.
    files.set('tmp.snapshot.77', new Uint8Array(40))
    const { bench, storage } = await memberOn(files)
    expect(storage.recovered.damage).toBeDefined()
    expect(bench.names()).not.toContain('tmp.snapshot.77')
    await expect(bench.world.run(storage.snapshot())).rejects.toThrow('the data directory is damaged')
    await bench.world.run(installed(storage, fromLeader))
    await bench.close()
    expect(await found(bench)).toEqual({ last, state: fromLeader.state })
  })

  test('keeps one old history, not all of them', async () => {
    const { bench, storage } = await memberOn(old.files)
    for (let i = 0; i < 3; i++) await bench.world.run(installed(storage, fromLeader))
    await bench.close()
    expect(bench.names().filter((name) => /^replaced\.(snapshot|log)/.test(name))).toHaveLength(2)
  })

  test('is not under way any more when it was discarded, or the process ended before it was installed', async () => {
    const { bench, storage } = await memberOn(old.files)
    const before = bench.names()
    const base = await bench.world.run(receive(storage, fromLeader))
    expect(bench.names().length).toBeGreaterThan(before.length)
    await bench.world.run(base.discard())
    expect(bench.names()).toEqual(before)
    await bench.world.run(receive(storage, fromLeader))
    bench.world.crash('server', 'kill')
    expect((await found(bench)).last).toBe(old.last)
  })

  test('ends a snapshot of the old tree that is under way', async () => {
    const { bench, storage } = await memberOn(old.files)
    const base = await bench.world.run(receive(storage, fromLeader))
    const snapshot = storage.snapshot()
    snapshot.catch(() => {})
    await bench.world.run(storage.install(base))
    await snapshot.catch(() => {})
    await bench.close()
    expect(await found(bench)).toEqual({ last, state: fromLeader.state })
  })

  test('is refused with an ACL list that neither it nor a transaction has, and nothing is changed', async () => {
    const { bench, storage } = await memberOn(old.files)
    const before = bench.names()
    const broken = fromLeader.image.slice()
    const path = Buffer.from(broken).indexOf('/new2')
    // The id of the list stands behind path and data.
    broken.fill(0x11, path + 5 + 4 + 400, path + 5 + 4 + 400 + 8)
    const base = await bench.world.run(receive(storage, { ...fromLeader, image: broken }))
    await expect(bench.world.run(storage.install(base))).rejects.toThrow(SnapshotDamage)
    await bench.world.run(base.discard())
    expect(bench.names()).toEqual(before)
    // A transaction that brings the list makes it good.
    const again = await bench.world.run(receive(storage, { ...fromLeader, image: broken }))
    const writer = new Writer()
    const txn = { type: opCode.setACL, path: '/new2', acl: [], version: 1 } as const
    writeTxn(writer, { clientId: 7n, cxid: 1, zxid: last + 1n, time: 1n, type: opCode.setACL }, txn, undefined)
    await bench.world.run(again.append(last + 1n, writer.written()))
    await bench.world.run(storage.install(again))
    await bench.close()
    expect((await found(bench)).last).toBe(last + 1n)
  })

  test('a start says so where the file that names the new history is damaged', async () => {
    const { bench, halting, storage } = await memberOn(old.files)
    const base = await bench.world.run(receive(storage, fromLeader))
    halting.changes = 0
    for (halting.limit = 1; !bench.names().includes('installing'); halting.limit++) {
      const attempt = await memberOn(old.files)
      const other = await attempt.bench.world.run(receive(attempt.storage, fromLeader))
      attempt.halting.changes = 0
      attempt.halting.limit = halting.limit
      await attempt.bench.world.run(attempt.storage.install(other)).catch(() => {})
      if (!attempt.bench.names().includes('installing')) continue
      attempt.halting.limit = Number.POSITIVE_INFINITY
      attempt.bench.world.crash('server', 'kill')
      attempt.bench.damage('installing', (bytes) => bytes.fill(0x20, 30, 32))
      await expect(attempt.bench.open()).rejects.toThrow(/version-2\/installing is damaged/)
      return
    }
    await bench.world.run(base.discard())
    expect.unreachable('installing was never seen')
  })
})

describe('a cut', () => {
  test.each([...old.states.keys()])(
    'behind %s leaves the tree of that transaction, and a start finds it',
    async (zxid) => {
      const { bench, storage } = await memberOn(old.files)
      const tree = await bench.world.run(storage.truncate(zxid, 0n))
      expect(text(tree)).toBe(old.states.get(zxid))
      expect(storage.log.durableZxid).toBe(zxid)
      await bench.close()
      expect(await found(bench)).toEqual({ last: zxid, state: old.states.get(zxid) })
    },
  )

  test.each(crashes)('leaves a whole history after a crash by %s at any step (%i)', async (kind, seed) => {
    const zxid = 5n
    const lasts = new Set<bigint>()
    const steps = await crashingAtEachStep(
      kind,
      seed,
      (storage) => storage.truncate(zxid, 2n),
      async (now, bench, isDone) => {
        expect(now.last).toBeGreaterThanOrEqual(zxid)
        expect(now.state).toBe(old.states.get(now.last))
        if (isDone) expect(now.last).toBe(zxid)
        lasts.add(now.last)
        if (isDone) return
        const storage = await bench.open()
        await bench.world.run(storage.truncate(zxid, 2n))
        await bench.close()
        expect(await found(bench)).toEqual({ last: zxid, state: old.states.get(zxid) })
      },
    )
    expect(steps).toBeGreaterThan(8)
    expect(lasts.has(old.last)).toBe(true)
  })

  test('below what was committed is refused, with both zxids', async () => {
    const { bench, storage } = await memberOn(old.files)
    const before = bench.names()
    await expect(bench.world.run(storage.truncate(5n, 6n))).rejects.toThrow(
      new TruncationRefused('the leader asks to cut the log behind 0x5, and 0x6 was committed'),
    )
    await expect(bench.world.run(storage.truncate(40n, 6n))).rejects.toThrow(NotInLogError)
    expect(bench.names()).toEqual(before)
    await bench.close()
    expect((await found(bench)).last).toBe(old.last)
  })

  test('right behind an image from a leader is refused: the image holds more than that', async () => {
    const { bench, storage } = await memberOn(old.files)
    await bench.world.run(installed(storage, fromLeader))
    const before = bench.names()
    await expect(bench.world.run(storage.truncate(fromLeader.zxid + 1n, 0n))).rejects.toThrow(RecoveryError)
    expect(bench.names()).toEqual(before)
    await bench.close()
    expect((await found(bench)).state).toBe(fromLeader.state)
  })

  test('below every snapshot that can be used is refused where the log does not begin with the first transaction', async () => {
    const files = new Map(old.files)
    files.delete('snapshot.0')
    files.delete('snapshot.6')
    files.delete('log.1')
    const { bench, storage } = await memberOn(files)
    const before = bench.names()
    await expect(bench.world.run(storage.truncate(8n, 0n))).rejects.toThrow(/the logs begin with 0x7/)
    expect(bench.names()).toEqual(before)
  })
})
