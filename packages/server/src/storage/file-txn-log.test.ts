/** Transactions come back from the log as they went in, from any place in it, and a log can be cut behind any of them. */
import { opCode, Writer } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { FileTxnLog } from './file-txn-log.ts'
import { HistoryDamage, scanHistory } from './history-reader.ts'
import { Bench, create, directory, dump } from './storage.harness.ts'
import { writeTxn } from './txn-codec.ts'
import { logTxn, memoryLog, NotInLogError, type TxnLog } from './txn-log.ts'

const header = (zxid: bigint) => ({ clientId: 7n, cxid: 1, zxid, time: 1_000n, type: opCode.create })

function payloadOf(zxid: bigint, bytes = 10): Uint8Array {
  const writer = new Writer()
  writeTxn(writer, header(zxid), create(`/n${zxid}`, new Uint8Array(bytes)), 5n)
  return writer.written()
}

async function flushed(bench: Bench, log: TxnLog): Promise<void> {
  const done = new Promise<void>((resolve, reject) =>
    log.flush((error) => (error === undefined ? resolve() : reject(error))),
  )
  await bench.world.run(done)
}

async function read(bench: Bench, log: TxnLog, from: bigint): Promise<[bigint, string][]> {
  const all = async (): Promise<[bigint, string][]> => {
    const read: [bigint, string][] = []
    for await (const { zxid, payload } of log.read(from)) read.push([zxid, Buffer.from(payload).toString('hex')])
    return read
  }
  return bench.world.run(all())
}

/** Three files with ten transactions each. */
async function filled(): Promise<Bench> {
  const bench = new Bench()
  for (let i = 0; i < 3; i++) {
    await bench.open()
    await bench.creates(10)
    if (i < 2) await bench.close()
  }
  return bench
}

const logOf = (bench: Bench): FileTxnLog => bench.storage?.log as FileTxnLog
const zxids = (read: readonly [bigint, string][]): bigint[] => read.map(([zxid]) => zxid)
const range = (from: number, to: number): bigint[] => Array.from({ length: to - from + 1 }, (_, i) => BigInt(from + i))

test('a payload that is appended and a transaction that is encoded into the log leave the same bytes', async () => {
  const contents = []
  for (const put of [
    (log: TxnLog, zxid: bigint) => log.append(zxid, payloadOf(zxid)),
    (log: TxnLog, zxid: bigint) => logTxn(log, header(zxid), create(`/n${zxid}`, new Uint8Array(10)), 5n),
  ]) {
    const bench = new Bench()
    await bench.open()
    for (let zxid = 1n; zxid <= 5n; zxid++) put(logOf(bench), zxid)
    await flushed(bench, logOf(bench))
    expect(logOf(bench).durableZxid).toBe(5n)
    expect(await read(bench, logOf(bench), 1n)).toEqual(
      range(1, 5).map((zxid) => [zxid, Buffer.from(payloadOf(zxid)).toString('hex')]),
    )
    contents.push(Buffer.from(bench.disk.files(directory).get('log.1') as Uint8Array).toString('hex'))
  }
  expect(contents[0]).toBe(contents[1])
})

test('a record is whole wherever the memory of its batch ends', async () => {
  const around = 256 * 1024
  const front = 16 + 12
  // Exactly full before its last byte, or one byte on either side; and so large that memory grows by no more than it needs.
  for (const bytes of [around - front - 1, around - front, around - front + 1, 600_000]) {
    const bench = new Bench()
    await bench.open()
    const payload = payloadOf(1n, bytes - payloadOf(1n, 0).length)
    expect(payload).toHaveLength(bytes)
    logOf(bench).append(1n, payload)
    logOf(bench).append(2n, payloadOf(2n))
    await flushed(bench, logOf(bench))
    expect(zxids(await read(bench, logOf(bench), 1n))).toEqual([1n, 2n])
    expect((await bench.recover()).lastZxid).toBe(2n)
  }
})

describe('read', () => {
  test('begins with any transaction of any file and goes on to the last durable one', async () => {
    const bench = await filled()
    for (let from = 1; from <= 30; from++) {
      expect(zxids(await read(bench, logOf(bench), BigInt(from)))).toEqual(range(from, 30))
    }
  })

  test('ends with what was durable when it began, however much follows', async () => {
    const bench = await filled()
    const reading = logOf(bench).read(5n)
    await bench.creates(10)
    const all = async (): Promise<bigint[]> => {
      const read = []
      for await (const { zxid } of reading) read.push(zxid)
      return read
    }
    expect(await bench.world.run(all())).toEqual(range(5, 30))
  })

  test('looks at few bytes in a turn, and goes on when it is asked', async () => {
    const bench = new Bench()
    await bench.open()
    for (let zxid = 1n; zxid <= 4_000n; zxid++) logOf(bench).append(zxid, payloadOf(zxid, 100))
    await flushed(bench, logOf(bench))
    const { disk } = bench.world.runtime('server')
    const parts: { zxids: bigint[]; bytes: number }[] = [{ zxids: [], bytes: 0 }]
    const take = (zxid: bigint, payload: Uint8Array): void => {
      const part = parts.at(-1) as (typeof parts)[number]
      part.zxids.push(zxid)
      part.bytes += payload.length
    }
    const all = async (): Promise<void> => {
      for await (const _ of scanHistory(disk, directory, 5n, 3_990n, take)) parts.push({ zxids: [], bytes: 0 })
    }
    await bench.world.run(all())
    expect(parts.flatMap((part) => part.zxids)).toEqual(range(5, 3_990))
    expect(Math.max(...parts.map(({ bytes }) => bytes))).toBeLessThan(2 * 65_536)
  })

  test('hands out more than it reads at once', async () => {
    const bench = new Bench()
    await bench.open()
    for (let zxid = 1n; zxid <= 40n; zxid++) logOf(bench).append(zxid, payloadOf(zxid, 50_000))
    await flushed(bench, logOf(bench))
    expect(zxids(await read(bench, logOf(bench), 3n))).toEqual(range(3, 40))
  })

  test('refuses what is not in the log, with what the log has', async () => {
    const bench = await filled()
    const log = logOf(bench)
    await expect(read(bench, log, 31n)).rejects.toMatchObject({
      code: 'NOT_IN_LOG',
      message: 'transaction 0x1f is not in the log in /data/version-2: it ends with 0x1e',
      first: 1n,
      last: 30n,
    })
    bench.disk.lose(`${directory}/log.1`)
    await expect(read(bench, log, 3n)).rejects.toMatchObject({
      code: 'NOT_IN_LOG',
      message: 'transaction 0x3 is not in the log in /data/version-2: it begins with 0xb',
    })
    bench.disk.lose(`${directory}/log.15`)
    await expect(read(bench, log, 25n)).rejects.toThrow(
      'transaction 0x19 is not in the log in /data/version-2: /data/version-2/log.b ends behind 0x14',
    )
    bench.disk.lose(`${directory}/log.b`)
    await expect(read(bench, log, 12n)).rejects.toThrow('there are no log files')
  })

  test('refuses a number that the log leaves out', async () => {
    const bench = new Bench()
    await bench.open()
    const log = logOf(bench)
    for (const zxid of [1n, 2n, 0x1_0000_0001n]) log.append(zxid, payloadOf(zxid))
    await flushed(bench, log)
    await expect(read(bench, log, 3n)).rejects.toThrow('0x2 is followed by 0x100000001')
    expect(zxids(await read(bench, log, 2n))).toEqual([2n, 0x1_0000_0001n])
  })

  test('says where the files break off', async () => {
    const bench = await filled()
    const log = logOf(bench)
    bench.disk.lose(`${directory}/log.b`)
    await expect(read(bench, log, 5n)).rejects.toThrow(
      new HistoryDamage('/data/version-2/log.15 at offset 16: transaction 0x15 follows 0xa'),
    )
    bench.disk.lose(`${directory}/log.15`)
    await expect(read(bench, log, 5n)).rejects.toThrow(HistoryDamage)
  })

  test("passes over Apache's repeats: the number of an unreadable write, and records logged again after an election", async () => {
    const bench = new Bench()
    await bench.open()
    const log = logOf(bench)
    const unread = new Writer()
    writeTxn(unread, { ...header(2n), type: opCode.error }, { type: opCode.error, err: -5 }, undefined)
    for (const zxid of [1n, 2n]) log.append(zxid, payloadOf(zxid))
    log.append(2n, unread.written())
    for (const zxid of [3n, 4n, 2n, 3n, 4n, 5n]) log.append(zxid, payloadOf(zxid))
    await flushed(bench, log)
    expect(zxids(await read(bench, log, 1n))).toEqual(range(1, 5))
    log.append(4n, payloadOf(4n, 11))
    log.append(6n, payloadOf(6n))
    await flushed(bench, log)
    await expect(read(bench, log, 1n)).rejects.toThrow('transaction 0x4 follows 0x5')
  })
})

describe('truncate', () => {
  test.each([1, 5, 10, 11, 20, 29, 30])(
    'cuts behind %i; the log goes on from there and a start finds it',
    async (last) => {
      const bench = await filled()
      const log = logOf(bench)
      await bench.world.run(log.truncate(BigInt(last)))
      expect(log.durableZxid).toBe(BigInt(last))
      expect(zxids(await read(bench, log, 1n))).toEqual(range(1, last))
      log.append(BigInt(last + 1), payloadOf(BigInt(last + 1)))
      await flushed(bench, log)
      expect(zxids(await read(bench, log, 1n))).toEqual(range(1, last + 1))
      await bench.close()
      bench.forgetMark()
      expect((await bench.recover()).lastZxid).toBe(BigInt(last + 1))
    },
  )

  test.each([0n, 31n])('refuses %s, which is not in the log, and changes nothing', async (zxid) => {
    const bench = await filled()
    const before = [...bench.disk.files(directory)]
    await expect(bench.world.run(logOf(bench).truncate(zxid))).rejects.toThrow(NotInLogError)
    expect([...bench.disk.files(directory)]).toEqual(before)
    await bench.creates(1)
    expect(logOf(bench).durableZxid).toBe(31n)
  })

  test('a crash at any moment leaves a log that is whole and reaches at least as far', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const bench = await filled()
      bench.disk.faults.latencyMs = 10
      const truncation = logOf(bench).truncate(14n)
      truncation.catch(() => {})
      await bench.world.advance(seed)
      bench.world.crash('server', 'power')
      bench.forgetMark()
      const recovered = await bench.recover()
      expect(recovered.lastZxid).toBeGreaterThanOrEqual(14n)
      expect(recovered.lastZxid).toBeLessThanOrEqual(30n)
      const paths = dump(recovered.tree).filter((line) => line.startsWith('/n'))
      expect(paths).toHaveLength(Number(recovered.lastZxid))
    }
  })

  test('takes no more after it failed half way', async () => {
    const bench = await filled()
    bench.disk.faults.syncErrors = 1000
    await expect(bench.world.run(logOf(bench).truncate(14n))).rejects.toThrow(/EIO/)
    bench.disk.faults.syncErrors = 0
    logOf(bench).append(31n, payloadOf(31n))
    await expect(flushed(bench, logOf(bench))).rejects.toThrow(/EIO/)
  })
})

test('a log in memory keeps nothing, so there is nothing to read or to cut', async () => {
  const log = memoryLog()
  logTxn(log, header(1n), create('/a'), undefined)
  log.append(2n, new Uint8Array(0))
  log.flush((error) => expect(error).toBeUndefined())
  expect(log.durableZxid).toBe(2n)
  expect(() => log.read(1n)).toThrow(NotInLogError)
  await expect(log.truncate(1n)).rejects.toThrow(NotInLogError)
})

test('a file doubles its size until it grows by all that is allocated at once', async () => {
  const bench = new Bench(1, { preAllocSize: 2 * 1024 })
  await bench.open()
  const sizes = new Set<number>()
  for (let zxid = 1n; zxid <= 7n; zxid++) {
    logOf(bench).append(zxid, payloadOf(zxid, 700_000))
    await flushed(bench, logOf(bench))
    sizes.add((bench.disk.files(directory).get('log.1') as Uint8Array).length)
  }
  expect([...sizes].map((size) => size >> 20)).toEqual([1, 2, 4, 6])
  expect(zxids(await read(bench, logOf(bench), 1n))).toEqual(range(1, 7))
})

test('reading ends at a damaged place, also where the next file begins an epoch', async () => {
  for (const change of [
    (bytes: Uint8Array) => bytes.fill(0x55, 700, 710),
    (bytes: Uint8Array) => bytes.fill(0, 512, 1024),
    (bytes: Uint8Array) => bytes.subarray(0, 700),
  ]) {
    const bench = new Bench()
    await bench.open()
    await bench.creates(20)
    await bench.close()
    await bench.open()
    bench.lastZxid = 0x1_0000_0000n
    await bench.creates(5)
    expect(zxids(await read(bench, logOf(bench), 2n))).toEqual([
      ...range(2, 20),
      ...range(0x1_0000_0001, 0x1_0000_0005),
    ])
    bench.damage('log.1', change)
    await expect(read(bench, logOf(bench), 2n)).rejects.toThrow(HistoryDamage)
    expect(await read(bench, logOf(bench), 0x1_0000_0002n)).toHaveLength(4)
    await bench.close()
  }
})
