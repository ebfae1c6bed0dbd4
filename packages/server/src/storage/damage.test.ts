/**
 * What a damaged data directory comes to: the right data, or a refusal that names file and place. The cases A to J are those of
 * a table of what Apache does with the same damage; test/interop/damage runs them against it.
 */
import { describe, expect, test } from 'vitest'
import { Bench, create, dump } from './storage.harness.ts'

const count = 200

/** A directory with `count` creates in one log, ended as by kill -9. */
async function filled(options: { readonly mark: boolean } = { mark: true }): Promise<Bench> {
  const bench = new Bench()
  await bench.open()
  await bench.creates(count)
  await bench.close()
  if (!options.mark) bench.forgetMark()
  return bench
}

/** With two logs, the second from the middle on. */
async function inTwoLogs(mark: boolean): Promise<Bench> {
  const bench = new Bench()
  await bench.open()
  await bench.creates(count / 2)
  await bench.close()
  await bench.open()
  await bench.creates(count / 2)
  await bench.close()
  if (!mark) bench.forgetMark()
  return bench
}

/** Offset of the n-th record of a log, and of the end of the last. */
function recordAt(bytes: Uint8Array, n: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  let at = 16
  for (let i = 0; i < n; i++) at += 13 + view.getInt32(at + 8)
  return at
}

const cut = (n: number) => (bytes: Uint8Array) => bytes.slice(0, recordAt(bytes, n) + 20)

for (const mark of [true, false]) {
  describe(mark ? 'in a directory of ours' : 'in a directory that has no mark of what was acknowledged', () => {
    test('A: nothing is damaged, and everything is there', async () => {
      const bench = await filled({ mark })
      const recovered = await bench.recover()
      expect(recovered.lastZxid).toBe(BigInt(count))
      expect(dump(recovered.tree)).toEqual(dump(bench.tree))
    })

    test('B: the last record is torn, and was never acknowledged: it is cut off, loudly', async () => {
      const bench = await filled({ mark: false })
      // One more transaction was under way, and its write was torn.
      bench.damage('log.1', (bytes) => {
        const end = recordAt(bytes, count)
        const torn = bytes.slice()
        torn.set(bytes.slice(recordAt(bytes, count - 1), end - 5), end)
        return torn
      })
      const recovered = await bench.recover()
      expect(recovered.lastZxid).toBe(BigInt(count))
      expect(bench.world.trace.join('\n')).toContain('cut a torn end off a log')
      const size = bench.disk.files('/data/version-2').get('log.1')?.length
      expect(size).toBe(recordAt(bench.disk.files('/data/version-2').get('log.1') as Uint8Array, count))
    })

    test('D: a page of zeros in the middle, and good records behind it: refused', async () => {
      const bench = await filled({ mark })
      bench.damage('log.1', (bytes) => bytes.fill(0, 4096, 8192))
      await expect(bench.recover()).rejects.toThrow(
        /log\.1.*Transactions 0x[0-9a-f]+ to 0x[0-9a-f]+ are missing or damaged/s,
      )
    })

    test('E: two bytes flipped in the middle: refused, with file and offset', async () => {
      const bench = await filled({ mark })
      let offset = 0
      bench.damage('log.1', (bytes) => {
        offset = recordAt(bytes, count / 2)
        bytes[offset + 40] = (bytes[offset + 40] as number) ^ 0xff
        bytes[offset + 41] = (bytes[offset + 41] as number) ^ 0xff
        return bytes
      })
      if (mark) await expect(bench.recover()).rejects.toThrow(/Transactions 0x65 to 0xc8/)
      else await expect(bench.recover()).rejects.toThrow(new RegExp(`log\\.1 at offset ${offset}.*checksum`))
    })

    test('F, G: an empty next log, or one with half a header: they start', async () => {
      for (const bytes of [0, 6]) {
        const bench = await filled({ mark })
        await bench.open()
        await bench.creates(1)
        await bench.close()
        if (!mark) bench.forgetMark()
        bench.disk.lose(`/data/version-2/log.${(count + 1).toString(16)}`)
        if (mark) bench.disk.lose('/data/version-2/acknowledged')
        // A crash before the first record of a new file was whole.
        bench.damage('log.1', (all) => all)
        bench.disk.put(`/data/version-2/log.${(count + 1).toString(16)}`, new Uint8Array(bytes))
        const recovered = await bench.recover()
        expect(recovered.lastZxid).toBe(BigInt(count))
        expect(bench.names()).not.toContain(`log.${(count + 1).toString(16)}`)
      }
    })

    test('H: every snapshot is empty, and the log reaches back to the beginning: it starts', async () => {
      const bench = await filled({ mark })
      bench.damage('snapshot.0', () => new Uint8Array(0))
      const recovered = await bench.recover()
      expect(recovered.lastZxid).toBe(BigInt(count))
      expect(dump(recovered.tree)).toEqual(dump(bench.tree))
    })

    test('I: the first of two logs is cut: refused, since numbers are missing', async () => {
      const bench = await inTwoLogs(mark)
      bench.damage('log.1', cut(50))
      await expect(bench.recover()).rejects.toThrow(
        /transaction 0x65 follows 0x32.*Transactions 0x33 to 0xc8 are missing/s,
      )
    })

    test('J: the first of two logs is missing: refused', async () => {
      const bench = await inTwoLogs(mark)
      bench.disk.lose('/data/version-2/log.1')
      await expect(bench.recover()).rejects.toThrow(/the logs begin with 0x65.*Transactions 0x1 to 0xc8 are missing/s)
    })
  })
}

test('C: the log is cut in the middle, which only the mark shows: refused, with the range and the way out', async () => {
  const bench = await filled()
  bench.damage('log.1', cut(count / 2))
  await expect(bench.recover()).rejects.toThrow(/more was acknowledged.*Transactions 0x65 to 0xc8.*--accept-loss/s)
  // Nothing was touched by the refusal.
  await expect(bench.recover()).rejects.toThrow(/0x65 to 0xc8/)
})

test('a loss that is accepted leaves what came before it, puts the rest aside, and never gives a lost number again', async () => {
  const bench = await inTwoLogs(true)
  bench.damage('log.1', cut(50))
  const storage = await bench.open({ damage: 'accept' })
  expect(storage.recovered.tree.get('/n50')).toBeDefined()
  expect(storage.recovered.tree.get('/n51')).toBeUndefined()
  expect(bench.lastZxid).toBe(200n)
  expect(bench.names()).toContain('damaged.log.65')
  await bench.creates(3)
  await bench.close()
  // From now on all is well.
  const again = await bench.recover()
  expect(again.lastZxid).toBe(203n)
  expect(again.tree.get('/n50')).toBeDefined()
  expect(again.tree.get('/n201')).toBeDefined()
})

test('a corrupt newest snapshot gives way to an older one, when the logs reach back', async () => {
  const bench = await filled()
  await bench.open()
  await bench.snapshot()
  await bench.creates(5)
  await bench.close()
  bench.damage('snapshot.c8', (bytes) => bytes.fill(7, 100, 110))
  const recovered = await bench.recover()
  expect(recovered.snapshotZxid).toBe(0n)
  expect(dump(recovered.tree)).toEqual(dump(bench.tree))
})

test('without a usable snapshot and with logs that begin late, the message says why no snapshot could be used', async () => {
  const bench = await filled()
  await bench.open()
  await bench.snapshot()
  await bench.creates(5)
  await bench.close()
  bench.disk.lose('/data/version-2/log.1')
  bench.disk.lose('/data/version-2/snapshot.0')
  bench.damage('snapshot.c8', (bytes) => bytes.slice(0, 100))
  await expect(bench.recover()).rejects.toThrow(/the logs begin with 0xc9.*snapshot\.c8 cannot be used: it ends early/s)
})

test('a snapshot beyond the end of the log is fine, one whose log is gone behind it is not, when more was acknowledged', async () => {
  const bench = await filled()
  await bench.open()
  await bench.snapshot()
  await bench.close()
  bench.disk.lose('/data/version-2/log.1')
  expect((await bench.recover()).lastZxid).toBe(200n)
  await bench.open()
  await bench.creates(2)
  await bench.close()
  bench.disk.lose('/data/version-2/log.c9')
  await expect(bench.recover()).rejects.toThrow(/Transactions 0xc9 to 0xca/)
})

test('every block of every file, flipped, zeroed or unreadable, leads to the right data or to a refusal', async () => {
  const bench = new Bench()
  await bench.open()
  await bench.creates(30, 'a', 60)
  await bench.snapshot()
  await bench.creates(30, 'b', 60)
  await bench.close()
  const whole = dump(bench.tree)
  const originals = bench.disk.files('/data/version-2')
  const outcomes = { right: 0, refused: 0 }
  for (const [name, bytes] of originals) {
    for (let at = 0; at < Math.min(bytes.length, 8192); at += 512) {
      for (const change of ['flip', 'zero'] as const) {
        const end = Math.min(at + 512, bytes.length)
        bench.damage(name, (content) => {
          for (let i = at; i < end; i++) content[i] = change === 'zero' ? 0 : (content[i] as number) ^ 0x55
          return content
        })
        try {
          const { tree } = await bench.recover()
          // Damage to the mark alone, to padding or to an old snapshot takes nothing away.
          expect(dump(tree), `${name} ${change} at ${at}`).toEqual(whole)
          outcomes.right++
        } catch (error) {
          expect(String(error), `${name} ${change} at ${at}`).toMatch(/DATA_DAMAGED|RecoveryError|version-2/)
          outcomes.refused++
        }
        for (const left of bench.names()) bench.disk.lose(`/data/version-2/${left}`)
        for (const [each, content] of originals) bench.disk.put(`/data/version-2/${each}`, content)
      }
    }
  }
  expect(outcomes.right).toBeGreaterThan(10)
  expect(outcomes.refused).toBeGreaterThan(10)
})

test('a record of a kind this version does not know is refused, and never cut off', async () => {
  const bench = new Bench()
  await bench.open()
  await bench.creates(3)
  await bench.write({ ...create('/x'), type: 99 } as never).catch(() => {})
  await bench.close()
  bench.forgetMark()
  await expect(bench.recover()).rejects.toThrow(/log\.1/)
})

test('a record that is whole and too short to be a transaction is refused with its file and place', async () => {
  const bench = new Bench()
  const storage = await bench.open()
  await bench.creates(3)
  storage.log.append(4n, new Uint8Array(5))
  await bench.world.run(new Promise<void>((resolve) => storage.log.flush(() => resolve())))
  await bench.close()
  await expect(bench.recover()).rejects.toThrow(/log\.1 at offset \d+: a record that cannot be understood/)
})

test('zxids go on over the border of an epoch, and a directory that does so opens again', async () => {
  const bench = new Bench()
  await bench.open()
  await bench.close()
  const snapshot = bench.disk.files('/data/version-2').get('snapshot.0') as Uint8Array
  // Without its last part, which says up to where it reaches, and which is younger than snapshots of 3.8.
  bench.disk.put('/data/version-2/snapshot.fffffff0', snapshot.slice(0, -21))
  await bench.open()
  expect(bench.lastZxid).toBe(0xffff_fff0n)
  await bench.creates(40)
  await bench.close()
  const recovered = await bench.recover()
  expect(recovered.lastZxid).toBe(0x1_0000_0018n)
  expect(dump(recovered.tree)).toEqual(dump(bench.tree))
})

describe('where an epoch begins behind the damage', () => {
  const epoch = (each: bigint): bigint => each << 32n

  /** Twenty transactions of each of two epochs, in one log or in two. */
  async function ofTwoEpochs(logs: 1 | 2, mark: boolean): Promise<Bench> {
    const bench = new Bench()
    await bench.open()
    bench.lastZxid = epoch(4n)
    await bench.creates(20)
    if (logs === 2) {
      await bench.close()
      await bench.open()
    }
    bench.lastZxid = epoch(5n)
    await bench.creates(20)
    await bench.close()
    if (!mark) bench.forgetMark()
    return bench
  }

  const flipped = (n: number) => (bytes: Uint8Array) =>
    bytes.fill(0x55, recordAt(bytes, n) + 20, recordAt(bytes, n) + 24)
  const zeroed = (n: number) => (bytes: Uint8Array) => bytes.fill(0, recordAt(bytes, n), recordAt(bytes, n) + 20)
  const beheaded = (bytes: Uint8Array): Uint8Array => bytes.fill(0, 0, 512)

  test.each([
    ['a flipped record', flipped(9)],
    ['zeros', zeroed(9)],
    ['no header', beheaded],
  ])(
    'a log with %s and good records behind is refused, though the next log may follow by its number',
    async (_what, change) => {
      for (const mark of [true, false]) {
        const bench = await ofTwoEpochs(2, mark)
        bench.damage('log.400000001', change)
        const before = [...bench.disk.files('/data/version-2')]
        await expect(bench.recover()).rejects.toThrow(
          /log\.400000001 at offset .*good transactions from 0x40000000[0-9a-f] on/s,
        )
        expect((await bench.recover({ damage: 'report' })).damage).toContain('log.400000001')
        expect([...bench.disk.files('/data/version-2')]).toEqual(before)
      }
    },
  )

  test.each([
    ['a flipped record', flipped(19)],
    ['zeros', zeroed(19)],
  ])('a log with %s right before the first record of the epoch is refused', async (_what, change) => {
    for (const mark of [true, false]) {
      const bench = await ofTwoEpochs(1, mark)
      bench.damage('log.400000001', change)
      await expect(bench.recover()).rejects.toThrow(/Transactions 0x400000014 to 0x5000000/)
    }
  })

  test('the same right behind the last transaction of a snapshot', async () => {
    for (const mark of [true, false]) {
      const bench = new Bench()
      await bench.open()
      bench.lastZxid = epoch(4n)
      await bench.creates(19)
      await bench.snapshot()
      await bench.creates(1)
      bench.lastZxid = epoch(5n)
      await bench.creates(20)
      await bench.close()
      if (!mark) bench.forgetMark()
      bench.damage('log.400000001', flipped(19))
      await expect(bench.recover()).rejects.toThrow(/Transactions 0x400000014 to 0x5000000/)
    }
  })

  test('an empty log behind the damaged one hides nothing', async () => {
    const bench = await filled({ mark: false })
    bench.damage('log.1', flipped(99))
    bench.disk.put(`/data/version-2/log.${(count + 1).toString(16)}`, new Uint8Array(0))
    await expect(bench.recover()).rejects.toThrow(/log\.1 at offset .*good transactions from 0x65 on/s)
  })
})

test('a mark from before another server went on says nothing about what that one wrote', async () => {
  const bench = await filled()
  const mark = bench.disk.files('/data/version-2').get('acknowledged') as Uint8Array
  await bench.open()
  await bench.creates(50)
  await bench.close()
  bench.disk.put('/data/version-2/acknowledged', mark)
  bench.damage('log.c9', (bytes) => {
    const at = recordAt(bytes, 20)
    // As in a header of Apache, and a record that rots.
    return bytes.fill(0, 8, 16).fill(0x55, at + 20, at + 24)
  })
  await expect(bench.recover()).rejects.toThrow(/log\.c9 at offset .*good transactions from 0xde on behind it/s)
})

test.each([
  ['its header', 0],
  ['a part of it', 512],
])('the first batch of all may be torn by a power cut: %s is missing', async (_what, from) => {
  const bench = new Bench()
  await bench.open()
  const mark = bench.disk.files('/data/version-2').get('acknowledged') as Uint8Array
  await bench.write(...Array.from({ length: 20 }, (_, i) => create(`/n${i}`, new Uint8Array(50))))
  bench.world.crash('server', 'kill')
  // The write was under way, so nobody was told.
  bench.disk.put('/data/version-2/acknowledged', mark)
  bench.damage('log.1', (bytes) => bytes.fill(0, from, from + 512))
  expect((await bench.recover()).lastZxid).toBeLessThan(10n)
  await bench.open()
  await bench.creates(3)
  await bench.close()
  expect((await bench.recover()).lastZxid).toBe(bench.lastZxid)
})

test('what a snapshot covers stays in the log behind a damaged place: it was acknowledged', async () => {
  for (const change of [
    (bytes: Uint8Array) => bytes.fill(0x55, recordAt(bytes, 20) + 20, recordAt(bytes, 20) + 24),
    (bytes: Uint8Array) => bytes.fill(0, 0, 512),
  ]) {
    const bench = await filled()
    await bench.open()
    await bench.snapshot()
    await bench.close()
    bench.damage('log.1', change)
    const before = bench.disk.files('/data/version-2').get('log.1')
    await bench.open()
    expect(bench.lastZxid).toBe(BigInt(count))
    await bench.creates(2)
    await bench.close()
    expect((await bench.recover()).lastZxid).toBe(BigInt(count + 2))
    expect(bench.disk.files('/data/version-2').get('log.1')).toEqual(before)
    expect(bench.world.trace.join('\n')).not.toContain('nothing of it was acknowledged')
  }
})
