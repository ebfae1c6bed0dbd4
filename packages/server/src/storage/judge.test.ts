/** The decisions of recovery as tables: what is found and known, and what recovery does. */
import { describe, expect, test } from 'vitest'
import { type Judgement, judge, judgeReach, judgeRecord, type Known } from './judge.ts'
import type { LogEnd } from './log-file.ts'

const end = (kind: LogEnd['kind'], reason = ''): LogEnd => ({ kind, offset: 100, reason, size: 1000 })
const at5: Known = { last: 5n, promised: 5n, hasReplayed: true, hasSnapshot: false, isLastFile: true }
const others: Known = { ...at5, promised: undefined }
const next = (zxid: bigint) => ({ offset: 300, zxid })
const more = { isLastFile: false } as const

type Row = [claim: string, end: LogEnd, next: ReturnType<typeof next> | undefined, known: Known, is: Judgement]

const endings: Row[] = [
  ['a file that ends behind a record', end('complete'), undefined, at5, { kind: 'continue' }],
  ['a scan that was stopped on purpose', end('stopped'), undefined, at5, { kind: 'continue' }],
  ['padding and nothing else', end('padding'), undefined, at5, { kind: 'continue' }],
  ['padding in the directory of another server', end('padding'), undefined, others, { kind: 'continue' }],
  ['a torn record at the end', end('torn', 'why'), undefined, at5, { kind: 'cut', reason: 'why' }],
  [
    'a torn record at the end of a file in the middle',
    end('torn', 'why'),
    undefined,
    { ...at5, ...more },
    { kind: 'cut', reason: 'why' },
  ],
  ['a torn record at the end, without a mark', end('torn', 'why'), undefined, others, { kind: 'cut', reason: 'why' }],
  ['a file without a header', end('header', '6 bytes'), undefined, at5, { kind: 'drop', hasRecords: false }],
  [
    'a file without a header, without a mark',
    end('header', '6 bytes'),
    undefined,
    others,
    { kind: 'drop', hasRecords: false },
  ],
  ['a record of an unknown kind', end('foreign', 'why'), undefined, at5, { kind: 'loss', until: 6n, reason: 'why' }],
  [
    'a record of an unknown kind in front of good ones',
    end('foreign', 'why'),
    next(6n),
    at5,
    { kind: 'loss', until: 6n, reason: 'why' },
  ],
  ['damage in front of all that is needed', end('torn', 'why'), next(6n), at5, { kind: 'continue', from: 300 }],
  ['zeros in front of all that is needed', end('padding'), next(6n), others, { kind: 'continue', from: 300 }],
  [
    'a lost header in front of all that is needed',
    end('header', 'zeros'),
    next(6n),
    at5,
    { kind: 'continue', from: 300 },
  ],
  [
    'damage in front of the first of an epoch, all that is needed',
    end('torn', 'why'),
    next(0x2_0000_0001n),
    { ...at5, hasReplayed: false },
    { kind: 'continue', from: 300 },
  ],
  [
    'damage between a transaction and the first of an epoch',
    end('torn', 'why'),
    next(0x2_0000_0001n),
    others,
    { kind: 'loss', until: 0x2_0000_0001n, reason: 'why, and good transactions from 0x200000001 on behind it' },
  ],
  [
    'damage between the last transaction of a snapshot and the first of an epoch, above the mark',
    end('torn', 'why'),
    next(0x2_0000_0001n),
    { ...at5, hasReplayed: false, hasReadLast: true },
    { kind: 'cut', reason: 'why' },
  ],
  [
    'a torn record and a good one behind it, above the mark',
    end('torn', 'why'),
    next(8n),
    at5,
    { kind: 'cut', reason: 'why' },
  ],
  [
    'zeros and a good record behind them, above the mark',
    end('padding'),
    next(8n),
    at5,
    { kind: 'cut', reason: 'a batch that was torn' },
  ],
  ['no header and a good record behind', end('header', 'zeros'), next(8n), at5, { kind: 'drop', hasRecords: true }],
  [
    'a torn record and a good one behind it, without a mark',
    end('torn', 'why'),
    next(8n),
    others,
    { kind: 'loss', until: 8n, reason: 'why, and good transactions from 0x8 on behind it' },
  ],
  [
    'zeros and a good record behind them, without a mark',
    end('padding'),
    next(8n),
    others,
    { kind: 'loss', until: 8n, reason: 'zeros, and good transactions from 0x8 on behind it' },
  ],
  [
    'the same in a file in the middle, where the next file shows whether anything is missing',
    end('torn', 'why'),
    next(8n),
    { ...others, ...more, nextFile: 6n },
    { kind: 'cut', reason: 'why' },
  ],
  [
    'the same where the next file begins an epoch',
    end('torn', 'why'),
    next(8n),
    { ...others, ...more, nextFile: 0x2_0000_0001n },
    { kind: 'loss', until: 8n, reason: 'why, and good transactions from 0x8 on behind it' },
  ],
  [
    'no header where the next file begins an epoch, with a mark',
    end('header', 'zeros'),
    next(8n),
    { ...at5, ...more, nextFile: 0x2_0000_0001n },
    { kind: 'loss', until: 8n, reason: 'zeros, and good transactions from 0x8 on behind it' },
  ],
]

test.each(endings)('where a log ends: %s', (_claim, ending, following, known, judgement) => {
  expect(judge(ending, following, known)).toEqual(judgement)
})

test('no ending of a file is taken for a loss of less than what is there, nor cut where a good record would follow', () => {
  for (const kind of ['complete', 'padding', 'torn', 'header', 'foreign'] as const) {
    for (const zxid of [undefined, 4n, 5n, 6n, 7n, 0x1_0000_0000n, 0x1_0000_0001n, 0x1_0000_0002n]) {
      for (const promised of [undefined, 0n, 5n, 9n]) {
        for (const isLastFile of [true, false]) {
          const known = { ...at5, promised, isLastFile, hasReplayed: false }
          const judgement = judge(end(kind), zxid === undefined ? undefined : next(zxid), known)
          if (judgement.kind === 'loss' && kind !== 'foreign')
            expect(judgement.until).toBeGreaterThanOrEqual(zxid ?? 0n)
          const follows = zxid === 6n || zxid === 0x1_0000_0000n || zxid === 0x1_0000_0001n
          if (follows && kind !== 'complete' && kind !== 'foreign') expect(judgement.kind).toBe('continue')
          if (kind === 'foreign') expect(judgement.kind).toBe('loss')
        }
      }
    }
  }
})

describe('a record', () => {
  const replayed = { ...at5, last: 0x1_0000_0005n }
  const covered = { ...replayed, hasReplayed: false }
  const fresh = { ...at5, last: 0n, hasReplayed: false }
  test.each<[string, bigint, boolean, Known, string]>([
    ['the next number', 0x1_0000_0006n, false, replayed, 'apply'],
    ['the first of the next epoch', 0x2_0000_0001n, false, replayed, 'apply'],
    ['the first of a later epoch, counted from 0', 0x7_0000_0000n, false, replayed, 'apply'],
    ['the second of the next epoch', 0x2_0000_0002n, false, replayed, 'transaction 0x200000002 follows 0x100000005'],
    ['one left out', 0x1_0000_0007n, false, replayed, 'transaction 0x100000007 follows 0x100000005'],
    ['the same number', 0x1_0000_0005n, false, replayed, 'transaction 0x100000005 again, behind 0x100000005'],
    ['an earlier epoch', 0x0_0000_0006n, false, replayed, 'transaction 0x6 again, behind 0x100000005'],
    ['a repeat', 0x1_0000_0005n, true, replayed, 'skip'],
    ['what the snapshot has', 0x1_0000_0005n, false, covered, 'skip'],
    ['what the snapshot has, from an earlier epoch', 0x0_0000_0009n, false, covered, 'skip'],
    ['the next number behind a snapshot', 0x1_0000_0006n, false, covered, 'apply'],
    ['the very first', 1n, false, fresh, 'apply'],
    ['the very first of an ensemble', 0x1_0000_0001n, false, fresh, 'apply'],
    [
      'the very first, in a later epoch, behind the snapshot of an empty tree',
      0x2_0000_0001n,
      false,
      { ...fresh, hasSnapshot: true },
      'apply',
    ],
    [
      'the first of a later epoch with no snapshot',
      0x2_0000_0001n,
      false,
      fresh,
      'the logs begin with 0x200000001, and there is no usable snapshot to start from',
    ],
    [
      'a later one with no snapshot',
      9n,
      false,
      fresh,
      'the logs begin with 0x9, and there is no usable snapshot to start from',
    ],
  ])('%s', (_claim, zxid, isRepeat, known, is) => {
    const judgement = judgeRecord(zxid, isRepeat, known)
    if (typeof judgement === 'string') expect(judgement).toBe(is)
    else expect(judgement).toEqual({ kind: 'loss', until: zxid, reason: is })
  })
})

describe('a history', () => {
  const nothing = { promised: undefined, newestSnapshot: undefined, fuzzyUntil: 0n }
  test.each<[string, bigint, Parameters<typeof judgeReach>[1], undefined | [bigint, string]]>([
    ['nothing is asked of it', 0n, nothing, undefined],
    ['it reaches what was promised', 9n, { ...nothing, promised: 9n }, undefined],
    ['it goes beyond everything', 9n, { promised: 8n, newestSnapshot: 7n, fuzzyUntil: 6n }, undefined],
    ['more was promised', 8n, { ...nothing, promised: 9n }, [9n, 'the log ends, and more was acknowledged']],
    [
      'a snapshot that cannot be used reaches further',
      8n,
      { ...nothing, promised: 8n, newestSnapshot: 9n },
      [9n, 'the log ends, and does not reach the newest snapshot'],
    ],
    [
      'the snapshot holds effects of later transactions',
      8n,
      { ...nothing, promised: 8n, newestSnapshot: 7n, fuzzyUntil: 9n },
      [9n, 'the log ends, and the snapshot holds some of what came later'],
    ],
  ])('%s', (_claim, last, reach, loss) => {
    expect(judgeReach(last, reach)).toEqual(
      loss === undefined ? undefined : { kind: 'loss', until: loss[0], reason: loss[1] },
    )
  })
})
