/**
 * The damaged directories A to J of a table of what servers do with them, and others: each has a name. What is found is compared with
 * what a start does: a directory on which a start fails has a critical finding, and no other one has.
 */
import { examine } from '@lightkeeper/server'
import { describe, expect, test } from 'vitest'
import { Bench, directory } from '../../../server/src/storage/storage.harness.ts'
import { findingsInDirectory } from './directory.ts'
import { type Finding, isWrong } from './finding.ts'

const count = 200
const host = 'server'

interface Options {
  /** The file that says up to where transactions were acknowledged is there: the directory is ours. */
  readonly mark: boolean
  /** The second half of the transactions is in another log. */
  readonly logs?: 1 | 2
  readonly withSnapshot?: boolean
}

async function filled({ mark, logs = 1, withSnapshot = false }: Options): Promise<Bench> {
  const bench = new Bench()
  for (let i = 0; i < logs; i++) {
    await bench.open()
    await bench.creates(count / logs)
    await bench.close()
  }
  if (withSnapshot) {
    await bench.open()
    await bench.snapshot()
    await bench.creates(5)
    await bench.close()
  }
  if (!mark) bench.forgetMark()
  return bench
}

async function found(bench: Bench): Promise<Finding[]> {
  const facts = await bench.world.run(examine(bench.world.runtime(host), { dataDir: directory }))
  return findingsInDirectory(facts, { directory: '/data', now: 10_000 })
}

async function names(bench: Bench): Promise<string[]> {
  return (await found(bench)).map(({ name, severity }) => `${severity} ${name}`)
}

/** The offset of the n-th record of a log. */
function recordAt(bytes: Uint8Array, n: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  let at = 16
  for (let i = 0; i < n; i++) at += 13 + view.getInt32(at + 8)
  return at
}

/** Ends the file in the middle of the n-th record. */
const cut = (n: number) => (bytes: Uint8Array) => bytes.slice(0, recordAt(bytes, n) + 20)

/** As a kill leaves it: another record has begun, and the rest of the file is room for more. */
const torn = (bytes: Uint8Array): Uint8Array => {
  const [begin, end] = [recordAt(bytes, count - 1), recordAt(bytes, count)]
  const copy = bytes.slice()
  copy.set(bytes.slice(begin, end - 5), end)
  return copy
}

const zeros = (bytes: Uint8Array): Uint8Array => bytes.fill(0, 4096, 8192)

const flipped = (bytes: Uint8Array): Uint8Array => {
  const at = recordAt(bytes, count / 2) + 40
  bytes[at] = (bytes[at] as number) ^ 0xff
  return bytes
}

const next = `log.${(count + 1).toString(16)}`

interface Case {
  readonly damage: string
  readonly logs?: 1 | 2
  readonly make: (bench: Bench) => void
  readonly ours: readonly string[]
  /** Where it differs without the mark. */
  readonly theirs?: readonly string[]
}

const cases: readonly Case[] = [
  { damage: 'A: nothing', make() {}, ours: [] },
  {
    damage: 'B: the last record is torn, by a kill',
    make: (bench) => bench.damage('log.1', torn),
    ours: ['note torn-end'],
  },
  {
    damage: 'C: the log is cut in the middle',
    make: (bench) => bench.damage('log.1', cut(count / 2)),
    ours: ['critical acknowledged-missing'],
    theirs: ['warning log-ends-inside-record'],
  },
  {
    damage: 'D: a page of zeros in the middle',
    make: (bench) => bench.damage('log.1', zeros),
    ours: ['critical damaged-record'],
  },
  {
    damage: 'E: a byte is flipped in the middle',
    make: (bench) => bench.damage('log.1', flipped),
    ours: ['critical damaged-record'],
  },
  {
    damage: 'F: the next log is empty',
    make: (bench) => bench.disk.put(`${directory}/${next}`, new Uint8Array(0)),
    ours: ['warning empty-log'],
  },
  {
    damage: 'G: the next log has six bytes',
    make: (bench) => bench.disk.put(`${directory}/${next}`, new Uint8Array([0x5a, 0x4b, 0x4c, 0x47, 0, 0])),
    ours: ['warning torn-header'],
  },
  {
    damage: 'H: every snapshot is empty',
    make: (bench) => bench.damage('snapshot.0', () => new Uint8Array(0)),
    ours: ['warning no-usable-snapshot'],
  },
  {
    damage: 'I: the first of two logs is cut',
    logs: 2,
    make: (bench) => bench.damage('log.1', cut(50)),
    ours: ['critical log-cut'],
  },
  {
    damage: 'J: the first of two logs is missing',
    logs: 2,
    make: (bench) => bench.disk.lose(`${directory}/log.1`),
    ours: ['critical log-missing'],
  },
]

for (const mark of [true, false]) {
  describe(mark ? 'a directory of ours' : 'a directory that has no mark of what was acknowledged', () => {
    test.each(cases.map((each) => [each.damage, each] as const))(
      '%s',
      async (_damage, { logs = 1, make, ours, theirs }) => {
        const bench = await filled({ mark, logs })
        make(bench)
        expect(await names(bench)).toEqual(mark ? ours : (theirs ?? ours))
      },
    )
  })
}

test('a page of zeros at the border of two records is named, too', async () => {
  const bench = await filled({ mark: false })
  bench.damage('log.1', (bytes) => bytes.fill(0, recordAt(bytes, 100), recordAt(bytes, 110)))
  const [finding] = await found(bench)
  expect(finding).toMatchObject({ name: 'zeros-in-log', severity: 'critical' })
  expect(finding?.what).toBe('A log has zeros in its middle: the transactions 0x65 to 0x6e are gone.')
  expect(finding?.evidence).toContain('Apache ZooKeeper would start on it and serve what is left, without a word')
})

test('what is missing is said with its range, its place and the next command', async () => {
  const bench = await filled({ mark: true })
  bench.damage('log.1', cut(count / 2))
  expect(await found(bench)).toEqual([
    {
      name: 'acknowledged-missing',
      severity: 'critical',
      what: 'The log ends too early: the transactions 0x65 to 0xc8 were acknowledged to clients and are gone.',
      where: '/data/version-2/log.1',
      evidence: [
        expect.stringMatching(/^the logs end at offset \d+ of \/data\/version-2\/log\.1$/),
        'the file "acknowledged" says 0xc8',
        'Apache ZooKeeper would start on it and serve what is left, without a word',
      ],
      next: 'Restore the directory from a backup. Without one, go on without what is lost: lightkeeper server --data-dir /data --accept-loss',
    },
  ])
})

/** What a start says agrees with the finding. */
const starts = (bench: Bench): Promise<boolean> =>
  bench.recover({ readOnly: true }).then(
    () => true,
    () => false,
  )

describe('the directory of a member of an ensemble', () => {
  const withEpochs = async (accepted: string | undefined, current: string | undefined): Promise<Bench> => {
    const bench = await filled({ mark: true })
    const put = (name: string, text: string | undefined): void => {
      if (text !== undefined) bench.world.disk(host).put(`${directory}/${name}`, new TextEncoder().encode(text))
    }
    put('acceptedEpoch', accepted)
    put('currentEpoch', current)
    return bench
  }

  test('has nothing wrong with epochs that fit', async () => {
    expect(await names(await withEpochs('3', '2'))).toEqual([])
    expect(await names(await withEpochs('3', undefined))).toEqual([])
  })

  test.each([
    ['garbage', '2'],
    ['', '0'],
    ['1', '2'],
    ['-1', undefined],
  ])('with the epochs %j and %j has a name, and what to do', async (accepted, current) => {
    const [finding, ...more] = await found(await withEpochs(accepted, current))
    expect([more, finding?.name, finding?.severity]).toEqual([[], 'bad-epoch', 'critical'])
    expect(finding?.next).toMatch(/^Empty the directory, but for myid beside it, and start the server/)
  })

  test('gets no backup: what is damaged comes from the leader', async () => {
    const bench = await withEpochs('2', '2')
    bench.damage('log.1', flipped)
    const [finding] = await found(bench)
    expect([finding?.name, finding?.next]).toEqual([
      'damaged-record',
      'Start it: a member of an ensemble gives no vote with such a directory, and gets everything from its leader.',
    ])
  })
})

test('numbers that are missing inside a log are a loss', async () => {
  const bench = await filled({ mark: true })
  bench.damage('log.1', (bytes) => {
    const [begin, end] = [recordAt(bytes, 100), recordAt(bytes, 102)]
    return Uint8Array.from(Buffer.concat([bytes.subarray(0, begin), bytes.subarray(end)]))
  })
  const all = await found(bench)
  expect(all.map(({ name }) => name)).toEqual(['transactions-missing'])
  expect(all[0]?.what).toBe('Transactions are missing inside a log: 0x65 to 0x66.')
  expect(await starts(bench)).toBe(false)
})

test('damage with good transactions behind it is a loss, though the next log begins an epoch', async () => {
  for (const logs of [1, 2]) {
    for (const mark of [true, false]) {
      const bench = new Bench()
      await bench.open()
      await bench.creates(20)
      if (logs === 2) {
        await bench.close()
        await bench.open()
      }
      bench.lastZxid = 0x1_0000_0000n
      await bench.creates(5)
      await bench.close()
      if (!mark) bench.forgetMark()
      const damaged = logs === 2 ? 10 : 19
      bench.damage('log.1', (bytes) => bytes.fill(0x55, recordAt(bytes, damaged) + 20, recordAt(bytes, damaged) + 24))
      expect((await names(bench)).filter((each) => each.startsWith('critical'))).toEqual(['critical damaged-record'])
      expect(await starts(bench)).toBe(false)
    }
  }
})

test('damage in the log of another server is a loss, whatever ours promised before', async () => {
  const bench = await filled({ mark: true })
  const mark = bench.disk.files(directory).get('acknowledged') ?? new Uint8Array(0)
  await bench.open()
  await bench.creates(50)
  await bench.close()
  bench.disk.put(`${directory}/acknowledged`, mark)
  bench.damage(next, (bytes) => bytes.fill(0, 8, 16).fill(0x55, recordAt(bytes, 20) + 20, recordAt(bytes, 20) + 24))
  expect(await names(bench)).toEqual(['critical damaged-record'])
  expect(await starts(bench)).toBe(false)
})

test('a log of another server, whose numbers come again with another content, is a loss', async () => {
  const other = new Bench()
  await other.open()
  await other.creates(3, 'other')
  await other.close()
  const bench = await filled({ mark: true })
  bench.disk.put(`${directory}/${next}`, other.disk.files(directory).get('log.1') ?? new Uint8Array(0))
  expect(await names(bench)).toEqual(['critical history-repeats'])
  expect(await starts(bench)).toBe(false)
})

test('logs that end before a snapshot that cannot be read are a loss', async () => {
  const bench = await filled({ mark: false, withSnapshot: true })
  const files = bench.names()
  for (const name of files.filter((each) => each.startsWith('log.') && each !== 'log.1')) {
    bench.disk.lose(`${directory}/${name}`)
  }
  bench.damage('log.1', (bytes) => bytes.fill(0, recordAt(bytes, 150)))
  bench.damage(files.findLast((name) => name.startsWith('snapshot.')) ?? '', (bytes) => bytes.slice(0, 40))
  expect(await names(bench)).toEqual(['critical ends-before-snapshot', 'warning damaged-snapshot'])
  expect(await starts(bench)).toBe(false)
})

test('a tree that is not the one that was served, ephemerals without a session and old files are named', async () => {
  const bench = await filled({ mark: true })
  const facts = await bench.world.run(examine(bench.world.runtime(host), { dataDir: directory }))
  const [snapshot] = facts.snapshots
  if (facts.start.kind !== 'starts' || snapshot === undefined) throw new Error('it is healthy')
  const strange = {
    ...facts,
    snapshots: Array.from({ length: 11 }, () => snapshot),
    start: { ...facts.start, digestMismatches: 2, orphans: ['/app/lock-1'] },
  }
  const all = findingsInDirectory(strange, { directory: '/data', now: 10_000 })
  expect(all.map(({ name, severity, where }) => [name, severity, where])).toEqual([
    ['old-files', 'warning', directory],
    ['digest-mismatch', 'critical', directory],
    ['orphaned-ephemerals', 'warning', '/app/lock-1'],
  ])
})

test('damage that a snapshot covers is a warning', async () => {
  const bench = await filled({ mark: true, withSnapshot: true })
  bench.damage('log.1', flipped)
  expect(await names(bench)).toEqual(['warning damage-behind-snapshot'])
})

test('a damaged newest snapshot is a warning while the logs reach back, and a loss where they do not', async () => {
  const bench = await filled({ mark: true, withSnapshot: true })
  const snapshot = bench.names().findLast((name) => name.startsWith('snapshot.')) ?? ''
  bench.damage(snapshot, (bytes) => bytes.slice(0, bytes.length >> 1))
  expect(await names(bench)).toEqual(['warning damaged-snapshot'])
  bench.disk.lose(`${directory}/log.1`)
  expect((await names(bench)).sort()).toEqual(['critical log-missing', 'warning damaged-snapshot'])
})

test('a directory without files of a server, and one that is not there, are errors', async () => {
  const bench = await filled({ mark: true })
  for (const name of bench.names()) bench.disk.lose(`${directory}/${name}`)
  const examined = (dataDir: string) => bench.world.run(examine(bench.world.runtime(host), { dataDir }))
  await expect(examined(directory)).rejects.toThrow(
    '/data/version-2 holds neither snapshots nor logs of a ZooKeeper server',
  )
  await expect(examined('/nowhere')).rejects.toThrow('/nowhere does not exist')
})

test('sessions that expire by the dozen, clocks, misplaced files and a full disk are named', async () => {
  const bench = await filled({ mark: true })
  const facts = await bench.world.run(examine(bench.world.runtime(host), { dataDir: directory }))
  const hour = Date.parse('2026-11-28T10:00:00Z')
  const around = { directory: '/data', now: hour, space: { free: 5, total: 100 } }
  const strange = {
    ...facts,
    sessionHours: [
      { from: hour, opened: 40, expired: 30, brief: 0 },
      { from: hour + 3_600_000, opened: 500, expired: 0, brief: 400 },
    ],
    clockStep: { zxid: 5n, path: '/data/version-2/log.1', backMs: 60_000 },
    lastTime: hour + 3_600_000,
    misplaced: ['/data/log.500'],
    others: ['damaged.log.1'],
  }
  expect(findingsInDirectory(strange, around).map(({ name }) => name)).toEqual([
    'misplaced-files',
    'set-aside-files',
    'disk-nearly-full',
    'clock-went-back',
    'clock-ahead',
    'sessions-expire',
    'brief-sessions',
  ])
  const usual = {
    ...strange,
    misplaced: [],
    others: ['acknowledged'],
    sessionHours: [{ from: hour, opened: 10_000, expired: 19, brief: 99 }],
    lastTime: hour,
  }
  const calm = findingsInDirectory({ ...usual, clockStep: undefined }, { ...around, space: { free: 50, total: 100 } })
  expect(calm).toEqual([])
})

test('every block of every file, flipped or zeroed: a critical finding if and only if a start fails', async () => {
  const outcomes = { starts: 0, refuses: 0 }
  for (const mark of [true, false]) {
    const bench = new Bench()
    await bench.open()
    await bench.creates(15, 'a', 100)
    await bench.snapshot()
    await bench.creates(15, 'b', 100)
    await bench.close()
    await bench.open()
    await bench.creates(10, 'c', 100)
    await bench.close()
    if (!mark) bench.forgetMark()
    const originals = bench.disk.files(directory)
    for (const [name, bytes] of originals) {
      for (let at = 0; at < Math.min(bytes.length, 5120); at += 512) {
        for (const change of ['flip', 'zero'] as const) {
          bench.damage(name, (content) => {
            for (let i = at; i < Math.min(at + 512, content.length); i++) {
              content[i] = change === 'zero' ? 0 : (content[i] as number) ^ 0x55
            }
            return content
          })
          const failed = await bench.recover({ readOnly: true }).then(
            () => false,
            () => true,
          )
          const findings = await found(bench)
          const said = findings.map((each) => `${each.severity} ${each.name}`).join(', ')
          expect(
            findings.some(({ severity }) => severity === 'critical'),
            `${name} ${change} at ${at}: ${said}`,
          ).toBe(failed)
          if (failed) {
            // With a name of its own, and not only with what a start says.
            expect(said).not.toContain('cannot-start')
            expect(isWrong(findings)).toBe(true)
            outcomes.refuses++
          } else outcomes.starts++
          bench.disk.put(`${directory}/${name}`, bytes)
        }
      }
    }
  }
  expect(outcomes.starts).toBeGreaterThan(10)
  expect(outcomes.refuses).toBeGreaterThan(10)
})
