/**
 * Servers are killed under load of kazoo, Curator and our client at the same time: whoever is killed, no acknowledged write is lost, no
 * session, no ephemeral and no lock. `ENSEMBLE_KILLS` is the number of kills for each kind of ensemble.
 */
import { describe, expect, test } from 'vitest'
import { sleep, until } from '../../../support/wait.ts'
import { connectTo, missingVersion } from '../trio.ts'
import { type Kind, type Voter, Voters } from '../voters.ts'
import { type Library, Load, missingLibraries, type Outcome, sessionTimeout } from './loads.ts'

const libraries: readonly Library[] = ['ours', 'kazoo', 'curator']

/** CI has time for a few kills of the first; `--kills` names the number, and has both. */
const asked = process.env['ENSEMBLE_KILLS']
const kills = Number(asked ?? 2)
const ensembles: readonly (readonly [Kind, Kind, Kind])[] = [
  ['ours', 'ours', 'ours'],
  ...(asked === undefined ? [] : [['apache', 'apache', 'ours'] as const]),
]

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0

async function leaderAmong(voters: Voters): Promise<Voter> {
  let leader: Voter | undefined
  await until(async () => {
    for (const voter of voters.all) if ((await voter.mode()) === 'leader') leader = voter
    return leader !== undefined
  })
  return leader as Voter
}

/** Notes how long this process could not run, and our client with it. */
class Stalls implements Disposable {
  longestMs = 0
  #last = performance.now()
  readonly #timer = setInterval(() => {
    const now = performance.now()
    this.longestMs = Math.max(this.longestMs, now - this.#last)
    this.#last = now
  }, 100)

  /** @throws Error where no client of this process could keep to its session timeout; `cause` is what came of it. */
  check(cause: unknown): void {
    if (this.longestMs < sessionTimeout / 3) return
    const message = `this process stood still for ${Math.round(this.longestMs)} ms, so its session may have expired: run it again`
    throw new Error(message, { cause })
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}

/** Every load had `count` writes acknowledged after this call. */
async function goOn(loads: readonly Load[], count = 3): Promise<void> {
  await Promise.all(
    loads.map(async (load) => {
      const goal = (await load.writes()) + count
      await until(
        async () => (await load.writes()) >= goal,
        () => `writes of ${load.library}`,
      )
    }),
  )
}

/** What a server lacks of what was acknowledged, and of what the session holds. */
async function lacks(port: number, { root, session }: Load, outcome: Outcome): Promise<string[]> {
  await using zk = await connectTo(port)
  await zk.sync(root)
  const [key, names, held, lock] = await Promise.all([
    zk.get(`${root}/key`),
    zk.children(`${root}/names`),
    zk.exists(`${root}/held`),
    zk.children(`${root}/lock`),
  ])
  const number = Number(new TextDecoder().decode(key.data))
  const present = new Set(names.children.map((name) => name.slice(-10)))
  const owners = await Promise.all(lock.children.map((name) => zk.exists(`${root}/lock/${name}`)))
  const isOwn = (stat: { readonly ephemeralOwner: bigint } | undefined): boolean =>
    stat?.ephemeralOwner.toString(16) === session
  return [
    ...outcome.names.filter((name) => !present.has(name)).map((name) => `${root}/names/${name} is missing`),
    ...(number >= outcome.acknowledged && number <= outcome.sent ? [] : [`${root}/key is ${number}`]),
    ...(isOwn(held) ? [] : [`${root}/held is not of session ${session}`]),
    ...(owners.length === 1 && isOwn(owners[0]) ? [] : [`${root}/lock has another owner than session ${session}`]),
  ]
}

describe.skipIf((missingVersion('3.9') ?? missingLibraries()) !== undefined)('under load of three libraries', () => {
  test.each(ensembles)(
    `%s, %s and %s: ${kills} kills of a leader lose nothing`,
    { timeout: 120_000 + kills * 60_000 },
    async (...kinds) => {
      using stalls = new Stalls()
      await using voters = await Voters.start('3.9', kinds)
      const loads: Load[] = []
      const gaps = new Map<Library, number[]>(libraries.map((library) => [library, []]))
      try {
        await using zk = await connectTo(voters.all[2]?.port as number)
        for (const library of libraries) loads.push(await Load.start(library, voters.connectString, zk))
        for (let i = 0; i < kills; i++) {
          // In an ensemble of both, each in its turn is the leader.
          if (kinds.includes('apache')) await voters.lead(voters.all[i % 3] as Voter, () => goOn(loads))
          const leader = await leaderAmong(voters)
          await goOn(loads)
          // Another moment of the load each time.
          await sleep((i * 37) % 100)
          for (const load of loads) await load.gap()
          await leader.end()
          await goOn(loads)
          for (const load of loads) gaps.get(load.library)?.push(await load.gap())
          await leader.start()
        }
        await goOn(loads)
        for (const load of loads) {
          const outcome = await load.end()
          expect(outcome, load.library).toMatchObject({ session: load.session, lost: 'none' })
          expect(outcome.names, load.library).toEqual([...outcome.names].sort())
          for (const { port } of voters.all) expect(await lacks(port, load, outcome)).toEqual([])
        }
        await voters.agree()
      } catch (error) {
        stalls.check(error)
        throw error
      } finally {
        for (const load of loads) {
          const own = gaps.get(load.library) ?? []
          const longest = `longest ${Math.max(...own)} ms, median ${median(own)} ms`
          console.log(`${kinds.join(', ')}: ${own.length} kills, ${load.library}: gap ${longest}`)
        }
        await Promise.all(loads.map((load) => load.close()))
      }
    },
  )
})
