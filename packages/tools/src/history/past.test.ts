/** Questions to directories that Apache ZooKeeper could have written, byte by byte. */
import { nodeRuntime, stderrLog } from '@lightkeeper/runtime/node'
import { describe, expect, test } from 'vitest'
import {
  bodies,
  logFile,
  snapshotFile,
  stat,
  systemNodes,
  type TxnFields,
  txn,
  types,
  writeDirectory,
} from '../../../../test/support/apache-files.ts'
import { temporaryFolders } from '../../../../test/support/folders.ts'
import { PastDirectory } from './past-directory.ts'
import { actsOf, differencesBetween, history, treeAt } from './questions.ts'
import { undoOf } from './undo.ts'

const { disk } = nodeRuntime({ log: stderrLog('error') })
const newFolder = temporaryFolders('past')

async function directory(files: Readonly<Record<string, Buffer>>): Promise<PastDirectory> {
  const folder = newFolder()
  writeDirectory(folder, files)
  return PastDirectory.open(disk, folder)
}

const log = (...txns: readonly TxnFields[]): Buffer => logFile(txns.map(txn))
const create = (zxid: number, path: string, data: string, more: Partial<TxnFields> = {}): TxnFields => ({
  zxid,
  type: types.create,
  body: bodies.create(path, data, { parentCVersion: 1 }),
  ...more,
})
const set = (zxid: number, path: string, data: string, version: number): TxnFields => ({
  zxid,
  type: types.setData,
  body: bodies.setData(path, data, version),
})
const remove = (zxid: number, path: string): TxnFields => ({ zxid, type: types.delete, body: bodies.delete(path) })
const error = (zxid: number): TxnFields => ({ zxid, type: types.error, body: bodies.error(-101) })
const text = (data: Uint8Array | undefined): string | undefined =>
  data === undefined ? undefined : new TextDecoder().decode(data)

async function historyOf(past: PastDirectory, path: string, recursive = false): Promise<string[]> {
  const lines: string[] = []
  await history(
    past,
    path,
    (entry) => {
      if (entry.kind === 'gap') lines.push(`gap ${entry.after} ${entry.next}`)
      else
        lines.push(`${entry.zxid} ${entry.kind} ${entry.path} ${text(entry.before?.data)} → ${text(entry.after?.data)}`)
    },
    { recursive },
  )
  return lines
}

async function dataAt(past: PastDirectory, zxid: number): Promise<Record<string, string | undefined>> {
  const { nodes } = await treeAt(past, '/a', BigInt(zxid))
  return Object.fromEntries([...nodes].map(([path, { data }]) => [path, text(data)]))
}

const whole = {
  'log.1': log(
    create(1, '/a', 'one'),
    create(2, '/a/b', 'x'),
    set(3, '/a', 'two', 1),
    error(4),
    remove(5, '/a/b'),
    create(6, '/a/b', 'y'),
    set(7, '/ab', 'other', 3),
  ),
}

describe('logs from the first transaction on', () => {
  test('the history of a znode has each write with what was there before', async () => {
    expect(await historyOf(await directory(whole), '/a')).toEqual([
      '1 created /a undefined → one',
      '3 changed /a one → two',
    ])
    expect(await historyOf(await directory(whole), '/a', true)).toEqual([
      '1 created /a undefined → one',
      '2 created /a/b undefined → x',
      '3 changed /a one → two',
      '5 deleted /a/b x → undefined',
      '6 created /a/b undefined → y',
    ])
  })

  test('the tree is that of every transaction', async () => {
    const past = await directory(whole)
    expect(await dataAt(past, 1)).toEqual({ '/a': 'one' })
    expect(await dataAt(past, 2)).toEqual({ '/a': 'one', '/a/b': 'x' })
    expect(await dataAt(past, 4)).toEqual({ '/a': 'two', '/a/b': 'x' })
    expect(await dataAt(past, 5)).toEqual({ '/a': 'two' })
    expect((await treeAt(past, '/a')).zxid).toBe(7n)
  })

  test('differences leave out what came and went between', async () => {
    const past = await directory(whole)
    const found = await differencesBetween(past, '/', 2n, 6n)
    expect(found.map(({ path, kind }) => `${path} ${kind}`)).toEqual(['/a changed', '/a/b replaced'])
    expect(await differencesBetween(past, '/', 3n, 4n)).toEqual([])
    expect((await differencesBetween(past, '/', 0n, 5n)).map(({ path, kind }) => `${path} ${kind}`)).toEqual([
      '/a created',
    ])
  })
})

describe('a snapshot that was written while the server worked', () => {
  // It is named by 3; /a has the data of 5 already, /late was made by 6.
  const files = {
    'snapshot.3': snapshotFile([
      ...systemNodes,
      ['/a', 'of 5', -1, Buffer.concat([stat({ czxid: 1 }).subarray(0, 8), stat({ czxid: 5 }).subarray(8)])],
      ['/late', 'x', -1, stat({ czxid: 6 })],
    ]),
    'log.4': log(set(4, '/a', 'of 4', 1), set(5, '/a', 'of 5', 2), create(6, '/late', 'x'), set(7, '/a', 'of 7', 3)),
  }

  test('what it cannot say of the time before is not said', async () => {
    const past = await directory(files)
    expect(await historyOf(past, '/a')).toEqual([
      '4 changed /a undefined → of 4',
      '5 changed /a of 4 → of 5',
      '7 changed /a of 5 → of 7',
    ])
    expect(await historyOf(past, '/late')).toEqual(['6 created /late undefined → x'])
  })

  test('a tree is given for every transaction behind it, and refused where it may hold later ones', async () => {
    const past = await directory(files)
    expect(await dataAt(past, 6)).toEqual({ '/a': 'of 5' })
    expect(await dataAt(past, 7)).toEqual({ '/a': 'of 7' })
    await expect(dataAt(past, 5)).rejects.toThrow(/the tree at 0x5 is not known: .*snapshot.3 was written until 0x6/)
  })
})

test('the newest snapshot that is old enough is taken, a damaged one is passed over', async () => {
  const past = await directory({
    ...whole,
    'snapshot.3': snapshotFile([...systemNodes, ['/a', 'of the snapshot', -1, stat({ czxid: 1 })]]),
    'snapshot.4': Buffer.from('damaged'),
  })
  expect(await dataAt(past, 5)).toEqual({ '/a': 'of the snapshot' })
  expect(await dataAt(past, 2)).toEqual({ '/a': 'one', '/a/b': 'x' })
})

test('logs behind the oldest snapshot alone: the history begins with it', async () => {
  const past = await directory({
    'snapshot.10': snapshotFile([...systemNodes, ['/a', 'old', -1, stat({ czxid: 3 })]]),
    'log.11': log(set(0x11, '/a', 'new', 1)),
  })
  expect(await historyOf(past, '/a')).toEqual(['17 changed /a old → new'])
})

test('logs in front of the oldest snapshot: what was not written since is known', async () => {
  const past = await directory({
    'log.8': log(create(8, '/x', ''), set(9, '/a', 'new', 1), create(10, '/b', 'b')),
    'snapshot.9': snapshotFile([
      ...systemNodes,
      ['/a', 'new', -1, Buffer.concat([stat({ czxid: 3 }).subarray(0, 8), stat({ czxid: 9 }).subarray(8)])],
      ['/still', 'here', -1, stat({ czxid: 4 })],
    ]),
  })
  expect(await historyOf(past, '/a')).toEqual(['9 changed /a undefined → new'])
  expect(await historyOf(past, '/still')).toEqual([])
  expect((await treeAt(past, '/still', 10n)).nodes.size).toBe(1)
})

describe('missing transactions', () => {
  const files = {
    'log.1': log(create(1, '/a', 'one'), set(2, '/a', 'two', 1)),
    'log.5': log(set(5, '/a', 'five', 4), set(6, '/a', 'six', 5)),
  }

  test('are gaps of a history, behind which nothing older is taken for known', async () => {
    expect(await historyOf(await directory(files), '/a')).toEqual([
      '1 created /a undefined → one',
      '2 changed /a one → two',
      'gap 2 5',
      '5 changed /a undefined → five',
      '6 changed /a five → six',
    ])
  })

  test('make a tree behind them unknown, and one in front of them not', async () => {
    const past = await directory(files)
    expect(await dataAt(past, 2)).toEqual({ '/a': 'two' })
    await expect(dataAt(past, 5)).rejects.toThrow(
      /transactions behind 0x2 are missing in front of 0x5 \(.*log.1 at offset/,
    )
  })

  test('in the middle of a file: what stands behind the damage is read', async () => {
    const bytes = log(create(1, '/a', 'one'), set(2, '/a', 'two', 1), set(3, '/a', 'three', 2))
    const second = bytes.indexOf('two')
    bytes[second] = 0
    expect(await historyOf(await directory({ 'log.1': bytes }), '/a')).toEqual([
      '1 created /a undefined → one',
      'gap 1 3',
      '3 changed /a undefined → three',
    ])
  })
})

test('a new epoch is no gap, and a transaction that is logged twice is reported once', async () => {
  const epoch = 0x1_0000_0000
  const past = await directory({
    'log.1': log(create(1, '/a', 'one'), set(2, '/a', 'two', 1)),
    'log.2': log(set(2, '/a', 'two', 1), set(epoch + 1, '/a', 'three', 2)),
  })
  expect((await historyOf(past, '/a')).map((line) => line.split(' ')[0])).toEqual(['1', '2', `${epoch + 1}`])
})

describe('sessions', () => {
  const ephemeral = (zxid: number, path: string, session: bigint): TxnFields => ({
    zxid,
    session,
    type: types.create,
    body: bodies.create(path, '', { ephemeral: true, parentCVersion: 1 }),
  })
  const files = {
    'log.1': log(
      { zxid: 1, session: 7n, type: types.createSession, body: bodies.createSession(1000) },
      ephemeral(2, '/e', 7n),
      ephemeral(3, '/other', 8n),
      { ...error(4), session: 7n },
      { zxid: 5, session: 7n, type: types.closeSession },
    ),
  }

  test('an end without a list of paths, as before 3.6, takes what the session owns', async () => {
    const past = await directory(files)
    expect(await historyOf(past, '/e')).toEqual(['2 created /e undefined → ', '5 deleted /e  → undefined'])
    expect(await historyOf(past, '/other')).toEqual(['3 created /other undefined → '])
  })

  test('all that one did, refused writes included', async () => {
    const acts = await actsOf(await directory(files), 7n)
    expect(acts.map(({ zxid, operation, error: code, changes }) => [zxid, operation, code, changes.length])).toEqual([
      [1n, 'createSession', undefined, 0],
      [2n, 'create', undefined, 1],
      [4n, 'error', -101, 0],
      [5n, 'closeSession', undefined, 1],
    ])
  })

  test('an ephemeral cannot be made again', async () => {
    const undo = await undoOf(await directory(files), 5n)
    expect(undo.obstacles).toEqual(['/e was an ephemeral, which only its own session can have'])
  })
})

describe('undo', () => {
  const steps = async (files: Readonly<Record<string, Buffer>>, zxid: bigint): Promise<unknown> => {
    const undo = await undoOf(await directory(files), zxid)
    const shown = undo.steps.map((step) => ('data' in step ? { ...step, data: text(step.data) } : step))
    return undo.obstacles.length > 0 ? undo.obstacles : shown
  }

  test('of a set, a create, a delete', async () => {
    const txns = [create(1, '/a', 'one'), set(2, '/a', 'two', 1)]
    expect(await steps({ 'log.1': log(...txns) }, 2n)).toEqual([{ kind: 'set', path: '/a', data: 'one', version: 1 }])
    expect(await steps({ 'log.1': log(...txns.slice(0, 1)) }, 1n)).toEqual([{ kind: 'delete', path: '/a', version: 0 }])
    const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
    expect(await steps({ 'log.1': log(...txns, remove(3, '/a')) }, 3n)).toEqual([
      { kind: 'create', path: '/a', data: 'two', acl, mode: 'persistent' },
    ])
  })

  test('is refused where the znode was written since', async () => {
    const files = { 'log.1': log(create(1, '/a', 'one'), set(2, '/a', 'two', 1), set(3, '/a', 'three', 2)) }
    expect(await steps(files, 2n)).toEqual(['/a was changed again by 0x3: undo that first'])
  })

  test('of what changed nothing, and of what is not there', async () => {
    const files = { 'log.1': log(create(1, '/a', 'one'), error(2)) }
    expect(await steps(files, 2n)).toEqual(['it changed nothing'])
    await expect(undoOf(await directory(files), 9n)).rejects.toThrow('there is no transaction 0x9 in the logs')
  })

  test('of one part after the other where one transaction wrote a znode twice', async () => {
    const part = (type: number, body: Buffer): Buffer => {
      const head = Buffer.alloc(8)
      head.writeInt32BE(type)
      head.writeInt32BE(body.length, 4)
      return Buffer.concat([head, body])
    }
    const count = Buffer.from([0, 0, 0, 4])
    const multi = Buffer.concat([
      count,
      part(types.setData, bodies.setData('/a', 'two', 1)),
      part(types.delete, bodies.delete('/a')),
      part(types.create, bodies.create('/a', 'three', { parentCVersion: 3 })),
      part(types.setData, bodies.setData('/a', 'four', 1)),
    ])
    const files = { 'log.1': log(create(1, '/a', 'one'), { zxid: 2, type: 14, body: multi }) }
    expect(await steps(files, 2n)).toMatchObject([
      { kind: 'set', path: '/a', data: 'three', version: 1 },
      { kind: 'delete', path: '/a', version: 2 },
      { kind: 'create', path: '/a', data: 'two' },
      { kind: 'set', path: '/a', data: 'one', version: 0 },
    ])
  })
})

test('a time is the last transaction that is not later', async () => {
  const past = await directory(whole)
  // All of them have one time.
  expect(await past.zxidAt(1_600_000_000_000)).toBe(7n)
  expect(await past.zxidAt(1_599_999_999_999)).toBe(0n)
})
