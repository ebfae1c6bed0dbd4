/**
 * A snapshot is written while transactions are applied, so it holds all of what came before it and some of what came after. From
 * any of them, replaying the log leads to the one tree that was served: every number of every znode, sessions, ephemerals, digest.
 */
import { creatorAcl, opCode, openAcl } from '@lightkeeper/protocol'
import { SeededRandom } from '@lightkeeper/testing/sim'
import { expect, test } from 'vitest'
import type { DataTree } from '../tree/data-tree.ts'
import type { NodeTxn, Txn } from '../tree/txn.ts'
import { writeSnapshot } from './snapshot-writer.ts'
import { Bench, create, directory, dump } from './storage.harness.ts'

const names = ['/a', '/b', '/a/x', '/a/y', '/b/x', '/a/x/deep', '/c']
const acls = [openAcl, creatorAcl, [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }]]

/** Something that is valid for the tree as it is. */
function next(tree: DataTree, random: SeededRandom): NodeTxn | undefined {
  const path = random.pick(names)
  const node = tree.get(path)
  const parent = tree.get(path.slice(0, path.lastIndexOf('/')) || '/')
  const data = random.oneIn(4) ? null : random.bytes(random.below(40))
  const acl = random.pick(acls)
  if (node === undefined) {
    if (parent === undefined || parent.ephemeralOwner > 0n) return undefined
    const parentCVersion = parent.cversion + 1
    if (random.oneIn(5)) return { type: opCode.createContainer, path, data, acl, parentCVersion }
    const ephemeral = tree.sessions.has(7n) && random.oneIn(3)
    return { type: opCode.create, path, data, acl, ephemeral, parentCVersion }
  }
  switch (random.below(3)) {
    case 0:
      return node.numChildren > 0 ? undefined : { type: opCode.delete, path }
    case 1:
      return { type: opCode.setACL, path, acl, version: node.aversion + 1 }
    default:
      return { type: opCode.setData, path, data, version: node.version + 1 }
  }
}

function transaction(tree: DataTree, random: SeededRandom): Txn | undefined {
  switch (random.below(10)) {
    case 0:
      return { type: opCode.createSession, timeOut: 4000 }
    case 1:
      return { type: opCode.closeSession, paths2Delete: [...tree.ephemeralsOf(7n)] }
    case 2:
      return { type: opCode.error, err: -101 }
    case 3:
      return {
        type: opCode.multi,
        txns: [
          { type: opCode.error, err: 0 },
          { type: opCode.error, err: -101 },
        ],
      }
    case 4: {
      const first = next(tree, random)
      const path = '/twice'
      if (first === undefined || tree.get(path) !== undefined) return undefined
      const made = { type: opCode.create, path, data: null, acl: openAcl, ephemeral: false } as const
      const cversion =
        (tree.get('/')?.cversion ?? 0) + (first.type === opCode.create && /^\/\w+$/.test(first.path) ? 2 : 1)
      if (first.type === opCode.createContainer) return undefined
      return { type: opCode.multi, txns: [first, { ...made, parentCVersion: cversion }, { type: opCode.delete, path }] }
    }
    default:
      return next(tree, random)
  }
}

test.each(Array.from({ length: 60 }, (_, i) => i + 1))('leads to the tree that was served: seed %i', async (seed) => {
  const random = new SeededRandom(seed)
  const compression = random.pick(['none', 'snappy'] as const)
  const bench = new Bench(seed, { snapshotSliceZnodes: 1, snapCount: 1_000_000, snapshotCompression: compression })
  await bench.open()
  bench.disk.faults.latencyMs = random.pick([0.1, 1, 5])
  let written = 0
  const writeSome = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const txn = transaction(bench.tree, random)
      if (txn === undefined) continue
      await bench.write(txn)
      written++
    }
  }
  await writeSome(20)
  for (let round = 0; round < 6; round++) {
    // The snapshot goes on in the background, one znode a turn, while transactions are applied.
    const snapshot = bench.storage?.snapshot()
    await writeSome(1 + random.below(12))
    await bench.world.run(snapshot as Promise<unknown>)
    await writeSome(random.below(3))
  }
  expect(written).toBeGreaterThan(20)
  const served = dump(bench.tree)
  const sessions = [...bench.tree.sessions]
  await bench.close()
  const snapshots = bench.names().filter((name) => name.startsWith('snapshot.'))
  expect(snapshots.length).toBeGreaterThan(3)
  // From the newest, then from each older one.
  for (const name of snapshots.reverse()) {
    const { tree } = await bench.recover()
    expect(dump(tree), `from ${name} on`).toEqual(served)
    expect([...tree.sessions]).toEqual(sessions)
    expect(tree.digest.value).toBe(tree.computeDigest())
    bench.disk.lose(`${directory}/${name}`)
  }
  expect(bench.world.trace.filter((line) => line.includes('digest'))).toEqual([])
})

/** Writes `bench.tree` as the state at `zxid` with `digest`, while transactions are being applied. */
async function snapshotAs(bench: Bench, zxid: bigint, digest: bigint): Promise<void> {
  const { tree } = bench
  const { disk } = bench.world.runtime('server')
  const own = tree.digest.value
  tree.digest.value = digest
  const job = { disk, directory, compression: 'none', withDigest: true, sliceZnodes: 100 } as const
  await bench.world.run(writeSnapshot(tree, { ...job, appliedZxid: () => zxid, pause: () => Promise.resolve() }))
  tree.digest.value = own
}

/** A tree with one transaction behind `zxid`, which leads from `digest` to another. */
async function oneBehind(): Promise<{ bench: Bench; zxid: bigint; digest: bigint }> {
  const bench = new Bench()
  await bench.open()
  await bench.write(create('/a'))
  await bench.write(create('/b'))
  const [zxid, digest] = [bench.lastZxid, bench.tree.digest.value]
  await bench.write({ type: opCode.setData, path: '/a', data: new Uint8Array(3), version: 1 })
  return { bench, zxid, digest }
}

const complaints = (bench: Bench): string[] => bench.world.trace.filter((line) => line.includes('digest'))

// Apache sets the digest after it has changed the tree, and takes snapshots in another thread (DataTree.processTxn).
test('a snapshot that is one transaction ahead of its digest is not damaged', async () => {
  const { bench, zxid, digest } = await oneBehind()
  await bench.close()
  await snapshotAs(bench, zxid, digest)
  const { tree } = await bench.recover()
  expect(dump(tree)).toEqual(dump(bench.tree))
  expect(complaints(bench)).toEqual([])
})

test('a digest that is right neither at once nor one transaction later is logged', async () => {
  const { bench, digest } = await oneBehind()
  await bench.close()
  await snapshotAs(bench, bench.lastZxid, digest)
  await bench.recover()
  expect(complaints(bench)).toEqual([expect.stringContaining('a snapshot does not have the digest it says')])
  const other = await oneBehind()
  await other.bench.close()
  const damaged = other.bench.tree.get('/b')
  if (damaged !== undefined) damaged.data = new Uint8Array(9)
  await snapshotAs(other.bench, other.zxid, other.digest)
  await other.bench.recover()
  expect(complaints(other.bench)).toEqual([
    expect.stringContaining('the tree does not have the digest the log says'),
    expect.stringContaining('a snapshot does not have the digest it says'),
  ])
})
