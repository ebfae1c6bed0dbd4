/** What a recovery gives when it is asked for less than everything, or for a member of an ensemble; and what Apache logs twice. */
import { opCode } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import type { ServerOptions } from '../config/config.ts'
import { RecoveryError } from './recovery.ts'
import { writeSnapshot } from './snapshot-writer.ts'
import { Bench, create, directory, dump } from './storage.harness.ts'

/** Three logs and two snapshots, with the tree behind each transaction. */
async function filled(options: ServerOptions = {}): Promise<{ bench: Bench; states: Map<bigint, string[]> }> {
  const bench = new Bench(1, { snapshotSliceZnodes: 1, ...options })
  const states = new Map<bigint, string[]>()
  for (let part = 0; part < 3; part++) {
    await bench.open()
    for (let i = 0; i < 8; i++) {
      await bench.creates(1)
      states.set(bench.lastZxid, dump(bench.tree))
    }
    if (part < 2) await bench.snapshot()
    await bench.close()
  }
  return { bench, states }
}

/** Writes `snapshot.18` while transactions 25 to 28 are applied, so that it holds some of them. */
async function snapshotWhileWriting(bench: Bench, states: Map<bigint, string[]>): Promise<void> {
  await bench.open()
  const snapshot = bench.storage?.snapshot()
  for (let i = 0; i < 4; i++) {
    await bench.creates(1)
    states.set(bench.lastZxid, dump(bench.tree))
  }
  await bench.world.run(snapshot as Promise<unknown>)
  await bench.close()
  expect(bench.names()).toContain('snapshot.18')
}

const files = (bench: Bench): [string, Uint8Array][] => [...bench.disk.files(directory)]

describe('up to a transaction', () => {
  test('the tree is the one behind it, and no file is changed', async () => {
    const { bench, states } = await filled()
    const before = files(bench)
    for (const [upTo, state] of states) {
      const { tree, lastZxid } = await bench.recover({ upTo })
      expect(lastZxid).toBe(upTo)
      expect(dump(tree)).toEqual(state)
    }
    expect(files(bench)).toEqual(before)
  })

  test('a snapshot that may hold effects of later ones is not used', async () => {
    const { bench, states } = await filled()
    await snapshotWhileWriting(bench, states)
    const used = new Set<bigint | undefined>()
    for (let upTo = 24n; upTo <= 28n; upTo++) {
      const { tree, snapshotZxid } = await bench.recover({ upTo })
      expect(dump(tree)).toEqual(states.get(upTo))
      used.add(snapshotZxid)
    }
    expect([...used]).toEqual([16n, 24n])
  })

  test('a snapshot without a digest is not used: it does not say how far it reaches', async () => {
    const { bench, states } = await filled({ digestEnabled: false })
    await snapshotWhileWriting(bench, states)
    for (let upTo = 24n; upTo <= 28n; upTo++) {
      const { tree, snapshotZxid } = await bench.recover({ upTo })
      expect(dump(tree)).toEqual(states.get(upTo))
      expect(snapshotZxid).toBeUndefined()
    }
    // The whole history may start from it: the log makes it whole.
    const { tree, snapshotZxid } = await bench.recover()
    expect(snapshotZxid).toBe(24n)
    expect(dump(tree)).toEqual(states.get(28n))
    bench.disk.lose(`${directory}/log.1`)
    await expect(bench.recover({ upTo: 26n })).rejects.toThrow(
      `${directory}/snapshot.18 may hold transactions after 0x1a: it has no digest.`,
    )
  })

  // Apache changes the tree first and the digest afterwards, and takes snapshots in another thread (DataTree.processTxn).
  test('a snapshot that is one transaction ahead of its digest is not used up to that digest', async () => {
    const { bench, states } = await filled()
    await bench.open()
    const [zxid, digest] = [bench.lastZxid, bench.tree.digest.value]
    await bench.creates(1)
    states.set(bench.lastZxid, dump(bench.tree))
    const { tree } = bench
    const { disk } = bench.world.runtime('server')
    const ahead = tree.digest.value
    tree.digest.value = digest
    const job = { disk, directory, compression: 'none', withDigest: true, sliceZnodes: 100 } as const
    await bench.world.run(writeSnapshot(tree, { ...job, appliedZxid: () => zxid, pause: () => Promise.resolve() }))
    tree.digest.value = ahead
    await bench.close()
    for (const [upTo, from] of [
      [zxid, 16n],
      [zxid + 1n, zxid],
    ] as const) {
      const { tree: recovered, snapshotZxid } = await bench.recover({ upTo })
      expect(dump(recovered)).toEqual(states.get(upTo))
      expect(snapshotZxid).toBe(from)
    }
  })

  test('a torn end behind it is left as it is', async () => {
    const { bench, states } = await filled()
    bench.damage('log.11', (bytes) => bytes.slice(0, bytes.length - 40).fill(9, 700))
    const before = files(bench)
    const { tree } = await bench.recover({ upTo: 18n })
    expect(dump(tree)).toEqual(states.get(18n))
    expect(files(bench)).toEqual(before)
  })

  test('it is refused where the history does not have it', async () => {
    const { bench } = await filled()
    await expect(bench.recover({ upTo: 25n })).rejects.toThrow(
      'the history has no transaction 0x19; the last one before it is 0x18',
    )
    bench.disk.lose(`${directory}/snapshot.0`)
    bench.disk.lose(`${directory}/log.1`)
    await expect(bench.recover({ upTo: 5n })).rejects.toThrow(RecoveryError)
  })
})

describe('a member of an ensemble', () => {
  test('gets the damage reported, with nothing changed on the disk', async () => {
    const { bench } = await filled()
    bench.damage('log.11', (bytes) => bytes.slice(0, 100))
    const before = files(bench)
    const { damage, lastZxid, tree } = await bench.recover({ damage: 'report' })
    expect(damage).toMatch(/more was acknowledged.*Transactions 0x11 to 0x18 are missing/s)
    expect([lastZxid, tree.nodes.size]).toEqual([-1n, 4])
    expect(files(bench)).toEqual(before)
  })

  test('gets a log that cannot be read reported, too', async () => {
    const { bench } = await filled()
    const runtimeOf = bench.world.runtime.bind(bench.world)
    bench.world.runtime = (host) => {
      const runtime = runtimeOf(host)
      const open: typeof runtime.disk.open = async (path, options) => {
        const file = await runtime.disk.open(path, options)
        if (!path.endsWith('/log.11')) return file
        return { ...file, read: () => Promise.reject(new Error('the sector is gone')) }
      }
      return { ...runtime, disk: { ...runtime.disk, open } }
    }
    const { damage, lastZxid } = await bench.recover({ damage: 'report' })
    expect(damage).toBe('cannot read /data/version-2/log.11 at offset 0: the sector is gone')
    expect(lastZxid).toBe(-1n)
    await expect(bench.recover()).rejects.toThrow('cannot read /data/version-2/log.11 at offset 0')
  })

  test('opens a damaged directory and writes nothing to it', async () => {
    const { bench } = await filled()
    bench.damage('log.11', (bytes) => bytes.slice(0, 100))
    const before = files(bench)
    const storage = await bench.open({ damage: 'report' })
    expect(storage.recovered.damage).toBeDefined()
    await bench.close()
    expect(files(bench).filter(([name]) => name !== 'session-secret')).toEqual(
      before.filter(([name]) => name !== 'session-secret'),
    )
  })

  test('keeps ephemerals whose session does not exist; a standalone server removes them', async () => {
    const bench = new Bench()
    await bench.open()
    await bench.write({ type: opCode.createSession, timeOut: 4000 }, { ...create('/e'), ephemeral: true } as never)
    bench.tree.sessions.delete(7n)
    await bench.snapshot()
    await bench.close()
    const kept = await bench.recover({ orphans: 'keep', readOnly: true })
    expect(kept.tree.get('/e')).toBeDefined()
    expect(kept.tree.digest.value).toBe(kept.tree.computeDigest())
    const removed = await bench.recover({ readOnly: true })
    expect(removed.tree.get('/e')).toBeUndefined()
    expect(removed.tree.digest.value).toBe(removed.tree.computeDigest())
  })
})

describe('a log in which Apache wrote a transaction twice', () => {
  const records = (bench: Bench, name: string): Uint8Array[] => {
    const bytes = bench.disk.files(directory).get(name) as Uint8Array
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const found: Uint8Array[] = []
    for (let at = 16; view.getInt32(at + 8) > 0; ) {
      const end = at + 13 + view.getInt32(at + 8)
      found.push(bytes.slice(at, end))
      at = end
    }
    return found
  }
  const write = (bench: Bench, name: string, content: readonly Uint8Array[]): void => {
    const header = bench.disk.files(directory).get('log.1')?.subarray(0, 16) as Uint8Array
    const pieces = [header, ...content, new Uint8Array(64)]
    bench.disk.put(`${directory}/${name}`, new Uint8Array(Buffer.concat(pieces)))
  }

  test.each([
    [7, 8],
    [3, 8],
    [0, 8],
    [5, 6],
  ])('records %i to %i of the last file again, byte for byte, are passed over', async (from, to) => {
    for (const isOwnFile of [false, true]) {
      const { bench, states } = await filled()
      const all = records(bench, 'log.11')
      expect(all).toHaveLength(8)
      const again = all.slice(from, to)
      if (isOwnFile) write(bench, `log.${(17 + from).toString(16)}0`, again)
      else write(bench, 'log.11', [...all, ...again])
      const { tree, lastZxid } = await bench.recover()
      expect(lastZxid).toBe(24n)
      expect(dump(tree)).toEqual(states.get(24n))
      // The history goes on behind them.
      await bench.open()
      await bench.creates(2)
      await bench.close()
      expect((await bench.recover()).lastZxid).toBe(26n)
    }
  })

  test('another transaction under a number that is taken is refused', async () => {
    const { bench } = await filled()
    const other = new Bench(2)
    await other.open()
    await other.creates(24, 'other')
    await other.close()
    write(bench, 'log.11', [...records(bench, 'log.11'), ...records(other, 'log.1').slice(19, 20)])
    await expect(bench.recover()).rejects.toThrow(/transaction 0x14 again, behind 0x18/)
  })
})
