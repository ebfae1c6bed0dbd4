/**
 * The damaged directories A to J, written by Apache: what it does with them, for the record, what ours does, and what doctor finds. Where
 * Apache starts and serves a part of the data without a word, ours refuses; C alone cannot be distinguished from a
 * crash in a directory that has no mark of what was acknowledged (in one of ours it is refused, see damage.test.ts
 * beside the storage).
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { examine } from '@lightkeeper/server'
import { apache, apacheAvailable } from '@lightkeeper/testing'
import { findingsInDirectory } from '@lightkeeper/tools'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ourProcess } from '../../support/our-process.ts'

const count = 400

/** How a server ends up: how many of the znodes it serves, or why it does not. */
type Outcome = number | string

interface Case {
  readonly name: string
  /** Which of the two directories: one log, or two. */
  readonly from: 'one' | 'two'
  damage(directory: string): void
  /** By version of Apache, where they differ. */
  readonly theirs: Outcome | Readonly<Record<'3.8' | '3.9', Outcome>>
  readonly ours: Outcome | RegExp
  /** What doctor finds. */
  readonly found: readonly string[]
}

const logs = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.startsWith('log.'))
    .sort((a, b) => Number.parseInt(a.slice(4), 16) - Number.parseInt(b.slice(4), 16))
    .map((name) => join(directory, name))

/** Offset of the n-th record, and with -1 of the end of the last. */
function recordAt(file: string, n: number): number {
  const bytes = readFileSync(file)
  let at = 16
  for (let i = 0; i !== n && bytes.readInt32BE(at + 8) > 0; i++) at += 13 + bytes.readInt32BE(at + 8)
  return at
}

/** It ends; the jars of 3.9 come without a place for its messages. */
const refused = 'it ended with 1'
const half = count / 2
const first = (directory: string): string => logs(directory)[0] as string

const cases: readonly Case[] = [
  { name: 'A: nothing', from: 'one', damage: () => {}, theirs: count, ours: count, found: [] },
  {
    name: 'B: the last record torn',
    from: 'one',
    damage: (directory) => truncateSync(first(directory), recordAt(first(directory), -1) - 5),
    theirs: count - 1,
    ours: count - 1,
    found: ['warning log-ends-inside-record'],
  },
  {
    name: 'C: the log cut in the middle',
    from: 'one',
    damage: (directory) => truncateSync(first(directory), recordAt(first(directory), half) + 7),
    theirs: half - 1,
    ours: half - 1,
    found: ['warning log-ends-inside-record'],
  },
  {
    name: 'D: a page of zeros in the middle',
    from: 'one',
    damage(directory) {
      const bytes = readFileSync(first(directory))
      const at = recordAt(first(directory), half)
      writeFileSync(first(directory), bytes.fill(0, at, at + 4096))
    },
    theirs: half - 1,
    ours: /good transactions from 0x[0-9a-f]+ on behind it/,
    found: ['critical zeros-in-log'],
  },
  {
    name: 'E: two bytes flipped',
    from: 'one',
    damage(directory) {
      const bytes = readFileSync(first(directory))
      const at = recordAt(first(directory), half) + 60
      bytes[at] = (bytes[at] as number) ^ 0xff
      bytes[at + 1] = (bytes[at + 1] as number) ^ 0xff
      writeFileSync(first(directory), bytes)
    },
    theirs: { '3.8': 'CRC check failed', '3.9': refused },
    ours: /checksum does not match.*Transactions 0x[0-9a-f]+ to/s,
    found: ['critical damaged-record'],
  },
  {
    name: 'F: an empty next log',
    from: 'one',
    damage: (directory) => writeFileSync(join(directory, 'log.fff'), ''),
    theirs: { '3.8': 'EOFException', '3.9': count },
    ours: count,
    found: ['warning empty-log'],
  },
  {
    name: 'G: six bytes of a next log',
    from: 'one',
    damage: (directory) => writeFileSync(join(directory, 'log.fff'), 'ZKLG\0\0'),
    theirs: { '3.8': 'EOFException', '3.9': refused },
    ours: count,
    found: ['warning torn-header'],
  },
  {
    name: 'H: every snapshot empty',
    from: 'one',
    damage(directory) {
      for (const name of readdirSync(directory)) {
        if (name.startsWith('snapshot.')) truncateSync(join(directory, name), 0)
      }
    },
    theirs: { '3.8': 'No snapshot found, but there are log entries', '3.9': refused },
    ours: count,
    found: ['warning no-usable-snapshot'],
  },
  {
    name: 'I: the first of two logs cut',
    from: 'two',
    damage: (directory) => truncateSync(first(directory), recordAt(first(directory), half / 2) + 7),
    theirs: { '3.8': half / 2 - 1 + half, '3.9': refused },
    ours: /Transactions 0x[0-9a-f]+ to 0x[0-9a-f]+ are missing/,
    found: ['critical log-cut'],
  },
  {
    name: 'J: the first of two logs missing',
    from: 'two',
    damage: (directory) => rmSync(first(directory)),
    theirs: half,
    ours: /the logs begin with|follows 0x/,
    found: ['critical log-missing'],
  },
]

for (const version of ['3.8', '3.9'] as const) {
  const found = apacheAvailable(version)
  if (!found.available) {
    if (process.env['INTEROP'] === 'require' && version === '3.8')
      throw new Error(`Apache ${version} is required: ${found.reason}`)
    console.log(`damaged directories of Apache ${version}: skipped, because ${found.reason}`)
  }

  describe.skipIf(!found.available)(`a damaged directory of Apache ${version}`, () => {
    const root = mkdtempSync(join(tmpdir(), 'lightkeeper-damage-'))
    afterAll(() => rmSync(root, { recursive: true, force: true }))

    beforeAll(async () => {
      const one = join(root, 'one')
      // No snapshot but the first, so that all hangs on the logs.
      const config = { preAllocSize: 64 }
      const server = await apache({ version, dataDir: one, config })
      const zk = await connect(server, { sessionTimeout: 40_000 })
      await write(zk, 0, count)
      await server.kill()
      const two = await apache({ version, dataDir: join(root, 'two'), config })
      const again = await connect(two, { sessionTimeout: 40_000 })
      await write(again, 0, half)
      await two.kill()
      await two.restart()
      await write(again, half, count)
      await two.kill()
      await Promise.all([zk.close(), again.close()])
      // A restart leaves a snapshot, and the cases are about what happens without one.
      const directory = join(root, 'two', '1', 'version-2')
      for (const name of readdirSync(directory)) {
        if (/^snapshot\.[^0]/.test(name)) rmSync(join(directory, name))
      }
    })

    test.each(cases.map((each) => [each.name, each] as const))(
      '%s',
      async (_name, { from, damage, theirs, ours, found }) => {
        const examined = mkdtempSync(join(root, 'copy-'))
        cpSync(join(root, from), examined, { recursive: true })
        damage(join(examined, '1', 'version-2'))
        expect(await findingsIn(join(examined, '1'))).toEqual(found)
        const expected = typeof theirs === 'object' ? theirs[version] : theirs
        for (const who of ['theirs', 'ours'] as const) {
          const copy = mkdtempSync(join(root, 'copy-'))
          cpSync(join(root, from), copy, { recursive: true })
          damage(join(copy, '1', 'version-2'))
          const outcome = await (who === 'theirs' ? theirOutcome(copy) : ourOutcome(join(copy, '1')))
          const wanted = who === 'theirs' ? expected : ours
          if (wanted instanceof RegExp) expect(outcome, who).toMatch(wanted)
          else if (typeof wanted === 'string') expect(outcome, who).toContain(wanted)
          else expect(outcome, who).toBe(wanted)
        }
      },
    )

    async function theirOutcome(dataDir: string): Promise<Outcome> {
      try {
        await using server = await apache({ version, dataDir, jvm: ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error'] })
        return await served(server.connectString)
      } catch (error) {
        return (error as Error).message
      }
    }
  })
}

/** Without what concerns this machine, its disk for example. */
async function findingsIn(dataDir: string): Promise<string[]> {
  const runtime = nodeRuntime({ log: silentLog })
  const facts = await examine(runtime, { dataDir })
  const found = findingsInDirectory(facts, { directory: dataDir, now: runtime.clock.wall() })
  return found.map(({ name, severity }) => `${severity} ${name}`)
}

async function ourOutcome(dataDir: string): Promise<Outcome> {
  try {
    await using server = await ourProcess(['--port', '0', '--data-dir', dataDir])
    return await served(server.connectString)
  } catch (error) {
    return (error as Error).message
  }
}

async function served(connectString: string): Promise<number> {
  await using zk = await connect(connectString)
  return (await zk.children('/')).children.filter((name) => name.startsWith('n')).length
}

async function write(zk: Awaited<ReturnType<typeof connect>>, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) await zk.create(`/n${i}`, 'x'.repeat(50))
}
