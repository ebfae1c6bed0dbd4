import { describe, expect, test } from 'vitest'
import { LogFile } from './log-file.ts'
import { type PastFile, type PastFiles, pieceBytes } from './past-files.ts'
import { Bench, directory } from './storage.harness.ts'

/** The bytes of a file, as a reader elsewhere gets them. */
async function bytesOf(bench: Bench, past: PastFiles, { name, size }: PastFile): Promise<Buffer> {
  return bench.world.run(
    (async () => {
      const pieces: Uint8Array[] = []
      for await (const piece of past.content(name, 0, size)) pieces.push(piece)
      return Buffer.concat(pieces)
    })(),
  )
}

/** How many good transactions the first `size` bytes of a log have, and how they end. */
async function recordsIn(bytes: Buffer): Promise<[count: number, end: string]> {
  const file = {
    size: async () => bytes.length,
    read: async (position: number, target: Uint8Array) => bytes.copy(target, 0, position),
    close: async () => {},
  }
  let count = 0
  const end = await (await LogFile.open('log', file)).scan(() => void count++)
  return [count, end.kind]
}

describe('the files of the past', () => {
  test('are logs and snapshots, with what is durable of the log that is being written', async () => {
    const bench = new Bench(1, { preAllocSize: 64 })
    const { past } = await bench.open()
    await bench.creates(5)
    const files = await bench.world.run(past.list())
    expect(files.map(({ name }) => name)).toEqual(['snapshot.0', 'log.1'])
    const log = files[1] as PastFile
    // The file itself has more: it was enlarged in advance.
    expect(log.size).toBeLessThan(64 * 1024)
    expect(await recordsIn(await bytesOf(bench, past, log))).toEqual([5, 'complete'])
    await bench.creates(1)
    expect((await bench.world.run(past.find('log.1')))?.size).toBeGreaterThan(log.size)
    await bench.close()
  })

  test('end where the content ends, also in a log that an earlier process enlarged', async () => {
    const bench = new Bench(1, { preAllocSize: 700 })
    await bench.open()
    await bench.creates(3)
    await bench.close()
    const { past } = await bench.open()
    const [, log] = await bench.world.run(past.list())
    expect(log?.name).toBe('log.1')
    expect(log?.size).toBeLessThan(1000)
    expect(await recordsIn(await bytesOf(bench, past, log as PastFile))).toEqual([3, 'complete'])
    // Asked for again, and of the log of now.
    expect(await bench.world.run(past.list())).toContainEqual(log)
    await bench.creates(1)
    expect((await bench.world.run(past.list())).map(({ name }) => name)).toEqual(['snapshot.0', 'log.1', 'log.4'])
    await bench.close()
  })

  test.each([
    'acknowledged',
    '../version-2/log.1',
    'log.1/../acknowledged',
    'session-secret',
    'tmp.log.1',
    '',
    'log.',
    '/etc/passwd',
  ])('are no others: %j', async (name) => {
    const bench = new Bench()
    const { past } = await bench.open()
    await bench.creates(1)
    expect(await bench.world.run(past.find(name))).toBeUndefined()
    expect(await bytesOf(bench, past, { name, size: 1000 })).toHaveLength(0)
    await bench.close()
  })

  test('that were removed are not found', async () => {
    const bench = new Bench()
    const { past } = await bench.open()
    expect(await bench.world.run(past.find('log.77'))).toBeUndefined()
    await bench.close()
  })

  test('come in pieces, each a read of its own, from any place on', async () => {
    const bench = new Bench()
    const { past } = await bench.open()
    const content = Buffer.alloc(pieceBytes * 2 + 10, 'abcdefg')
    bench.disk.damage(`${directory}/snapshot.0`, () => content)
    const sizes: number[] = []
    await bench.world.run(
      (async () => {
        for await (const piece of past.content('snapshot.0', 0, content.length)) sizes.push(piece.length)
      })(),
    )
    expect(sizes).toEqual([pieceBytes, pieceBytes, 10])
    const pieces: Uint8Array[] = []
    await bench.world.run(
      (async () => {
        for await (const piece of past.content('snapshot.0', 5, 7)) pieces.push(piece)
      })(),
    )
    expect(Buffer.concat(pieces)).toEqual(content.subarray(5, 12))
    await bench.close()
  })
})
