/**
 * An observer and a voter of ours while the servers around them are killed and cut off, and they are too: they come back each time, miss
 * nothing, and their clients keep their sessions. `ENSEMBLE_KILLS` is the number of faults for each role and version, `SEED` chooses them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, connect, KeeperError } from '@lightkeeper/client'
import type { Log } from '@lightkeeper/runtime'
import type { RunningServer } from '@lightkeeper/server'
import { type ApacheServer, type Guest, SeededRandom } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { sleep, until } from '../../support/wait.ts'
import {
  commonDigests,
  connectTo,
  figure,
  leaderOf,
  member,
  missingVersion,
  modeAt,
  pair,
  serving,
  sharedTree,
  times,
  trio,
  versions,
  voting,
  zxidAt,
} from './trio.ts'

const kills = Number(process.env['ENSEMBLE_KILLS'] ?? 5)
const seed = Number(process.env['SEED'] ?? 1)
/** Long, since a busy machine takes its time to start a server of Apache. */
const sessionTimeout = 40_000
/** A cut is noticed after this time at the latest. */
const silenceMs = times.tickTime * times.syncLimit

/** Writes numbers to one znode, one after the other, and knows which ones were acknowledged. */
class Writer {
  acknowledged = 0
  attempts = 0
  #isOver = false
  readonly #zk: Client
  readonly #path: `/${string}`
  readonly #done: Promise<void>

  constructor(zk: Client, path: `/${string}`) {
    this.#zk = zk
    this.#path = path
    this.#done = this.#run()
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      this.attempts++
      try {
        await this.#zk.set(this.#path, `${this.attempts}`)
        this.acknowledged = this.attempts
      } catch (error) {
        if (!(error instanceof KeeperError)) throw error
        await sleep(20)
      }
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#done
  }

  /** The znode has the last acknowledged number, or a later one. */
  async check(zk: Client): Promise<void> {
    await zk.sync(this.#path)
    const found = Number(new TextDecoder().decode((await zk.get(this.#path)).data))
    expect(found, this.#path).toBeGreaterThanOrEqual(this.acknowledged)
    expect(found, this.#path).toBeLessThanOrEqual(this.attempts)
  }
}

/** What ours is among the servers of Apache, and how many of these there are. */
const roles = [
  { role: /^observer$/, who: 'an observer among three', size: 3, begin: trio },
  { role: voting, who: 'a voter with two', size: 2, begin: pair },
]

for (const version of versions) {
  describe.skipIf(missingVersion(version) !== undefined).each(roles)(`$who of Apache ${version}`, (row) => {
    const { role, size, begin } = row
    test(`is there again after each of ${kills} faults`, { timeout: 60_000 + kills * 60_000 }, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-member-'))
      const random = new SeededRandom(seed)
      const others: ApacheServer = await begin(version, {
        cuttable: true,
        config: { maxSessionTimeout: sessionTimeout },
      })
      const [guest] = others.guests as [Guest]
      const port = guest.clientPort
      const dataDir = join(folder, 'ours')
      const log: Log = (_level, message, facts) =>
        void lines.push(`${Math.round(performance.now())} ${message} ${Object.entries(facts ?? {}).join(' ')}`)
      const lines: string[] = []
      const start = { dataDir, log, options: { maxSessionTimeout: sessionTimeout } }
      let ours: RunningServer = await member(guest, start)
      await serving(port, role)
      const everywhere = `${others.connectString},127.0.0.1:${port}`
      const here = await connect(`127.0.0.1:${port}`, { sessionTimeout })
      const there = await connect(others.connectString, { sessionTimeout })
      const anywhere = await connect(everywhere, { sessionTimeout })
      for (const path of ['/here', '/there', '/moving'] as const) await there.create(path, '0')
      await here.create('/held', '', { mode: 'ephemeral' })
      await anywhere.create('/held-moving', '', { mode: 'ephemeral' })
      const [owner, movingOwner] = [here.sessionId, anywhere.sessionId]
      const seen: number[] = []
      const watching = new AbortController()
      await here.sync('/there')
      const watch = (async () => {
        for await (const change of here.node('/there').watch({ signal: watching.signal })) {
          if (change.kind === 'created' || change.kind === 'changed')
            seen.push(Number(new TextDecoder().decode(change.value)))
        }
      })()
      const [atApache, moving] = [new Writer(there, '/there'), new Writer(anywhere, '/moving')]
      const writers = [new Writer(here, '/here'), atApache, moving]
      const goOn = async (which: readonly Writer[], what: string): Promise<void> => {
        for (const writer of which) {
          const before = writer.acknowledged
          await until(
            () => writer.acknowledged > before,
            () => `a write ${what}: ${lines.slice(-40).join('\n')}`,
          )
        }
      }
      let mismatches = 0
      const gaps: string[] = []
      try {
        for (let i = 0; i < kills; i++) {
          const fault = faultOf(i, random)
          const what = `fault ${i + 1}, ${fault}, seed ${seed}`
          // Ours has the index behind those of Apache's.
          const leader = await leaderOf(others, port)
          const isOurs = leader === size
          const follower = (leader + 1 + random.below(size - 1)) % size
          switch (fault) {
            case 'kill the leader':
              if (isOurs) await ours.close()
              else await others.kill(leader)
              // The rest is a majority, whoever is killed: they elect another one.
              await goOn(isOurs ? [atApache, moving] : writers, `during ${what}`)
              await sleep(random.below(500))
              if (isOurs) ours = await member(guest, start)
              else await others.restart(leader)
              break
            case 'kill a follower':
              await others.kill(follower)
              // Ours may be the vote that decides.
              await goOn(writers, `during ${what}`)
              await others.restart(follower)
              break
            case 'cut the leader off':
              others.cut(leader)
              await sleep(silenceMs + random.below(1_000))
              others.heal(leader)
              break
            case 'cut ours off':
              others.cut(size)
              await sleep(random.below(silenceMs * 2))
              others.heal(size)
              break
            case 'restart ours':
              mismatches += await figure(port, 'digest_mismatches_count').catch(() => 0)
              await ours.close()
              await goOn([atApache, moving], `during ${what}`)
              ours = await member(guest, start)
              break
          }
          const begun = performance.now()
          await leaderOf(others, port)
          const led = performance.now()
          await until(
            async () => role.test((await modeAt(port)) ?? '') && (await caughtUp(others, port)),
            () => `ours after ${what}: ${lines.slice(-40).join('\n')}`,
          )
          gaps.push(`${fault}: leader ${Math.round(led - begun)} ms, ours ${Math.round(performance.now() - led)} ms`)
          await goOn(writers, `after ${what}`)
        }
        await Promise.all(writers.map((writer) => writer.stop()))
        await leaderOf(others, port)
        const other = others.ports[0] as number
        await using fresh = await connectTo(port)
        await using atOther = await connectTo(other)
        for (const writer of writers) await writer.check(fresh)
        expect(await sharedTree(fresh)).toEqual(await sharedTree(atOther))
        expect(mismatches + (await figure(port, 'digest_mismatches_count'))).toBe(0)
        await commonDigests(port, other)
        expect([here.sessionId, anywhere.sessionId]).toEqual([owner, movingOwner])
        expect((await fresh.exists('/held'))?.ephemeralOwner).toBe(owner)
        expect((await fresh.exists('/held-moving'))?.ephemeralOwner).toBe(movingOwner)
        const last = Number(new TextDecoder().decode((await fresh.get('/there')).data))
        await until(() => seen.at(-1) === last)
        expect(seen).toEqual([...seen].sort((a, b) => a - b))
      } finally {
        console.log(`${row.who} of Apache ${version}, seed ${seed}, after each fault:\n${gaps.join('\n')}`)
        if (process.env['TRACE'] === '1') console.log(lines.join('\n'))
        watching.abort()
        await watch.catch(() => {})
        for (const writer of writers) void writer.stop()
        await Promise.all([here, there, anywhere].map((zk) => zk.close()))
        await ours.close()
        await others.close()
        rmSync(folder, { recursive: true, force: true })
      }
    })
  })
}

const faults = ['kill the leader', 'cut ours off', 'restart ours', 'cut the leader off', 'kill a follower'] as const

/** Each of them once, then by chance, and the leader more often than others. */
function faultOf(index: number, random: SeededRandom): (typeof faults)[number] {
  return faults[index] ?? (random.oneIn(2) ? faults[0] : random.pick(faults))
}

/** Ours has what the leader had a moment ago. */
async function caughtUp(others: ApacheServer, port: number): Promise<boolean> {
  const leader = await others.leader()
  if (leader === undefined) return (await modeAt(port)) === 'leader'
  try {
    const there = await zxidAt(others.ports[leader] as number)
    return (await zxidAt(port)) >= there
  } catch {
    return false
  }
}
