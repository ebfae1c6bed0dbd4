/**
 * Locks of ours among those of others: processes with our lock and processes with Curator's, or kazoo's, work under one lock of a
 * real Apache 3.8 while some of them are killed, or stopped for less or more than their sessions. Judged by the server: whoever is
 * inside makes an ephemeral `witness` in one transaction with a check of its lock's znode, and leaves in another that counts and
 * takes a number in `log`; two inside would meet in either.
 *
 * LOCK_ROUNDS=1000 for the long version: turns until it ends; default 40. A tenth as many kills and stops, and at least eight.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Client, connect, type ZnodePath } from '@lightkeeper/client'
import { lock } from '@lightkeeper/recipes'
import { type ApacheServer, apache, apacheAvailable } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { has } from '../../lane.ts'

const rounds = Number(process.env['LOCK_ROUNDS'] ?? 40)
const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const classes = fileURLToPath(new URL('../../../../.cache/interop/locks', import.meta.url))
const jars = [
  'zookeeper',
  'zookeeper-jute',
  'curator-client',
  'curator-framework',
  'curator-recipes',
  'slf4j-api',
  'netty-all',
]
const more = ['guava', 'failureaccess', 'log4j-over-slf4j']
const classPath = [classes, ...[...jars, ...more].map((name) => `/usr/share/java/${name}.jar`)].join(':')
const python = ['/usr/bin/python3', 'python3'].find((each) => spawnSync(each, ['-c', 'import kazoo']).status === 0)

type Kind = 'ours' | 'curator' | 'kazoo'

function missing(kind: Kind): string | undefined {
  const found = apacheAvailable('3.8')
  if (!found.available) return found.reason
  if (!existsSync(file('../../../../packages/recipes/dist/index.js'))) return 'the packages are not built'
  if (kind === 'kazoo') return python === undefined ? 'no python3 here can import kazoo (python3-kazoo)' : undefined
  if (!has('javac')) return 'there is no javac'
  return existsSync('/usr/share/java/curator-recipes.jar') ? undefined : 'libcurator-recipes-java is not installed'
}

/** One process that takes its turn again and again. */
class Contender {
  readonly kind: Kind
  readonly child: ChildProcess
  readonly said: { readonly step: string; readonly detail: string }[] = []
  readonly ended: Promise<void>
  errors = ''

  constructor(kind: Kind, hosts: string, root: string, names: 'curator' | 'kazoo') {
    this.kind = kind
    const [command, ...args] = {
      ours: [process.execPath, file('contender.mjs'), hosts, root, names],
      curator: ['java', '-XX:TieredStopAtLevel=1', '-Xmx128m', '-cp', classPath, 'Contender', hosts, root],
      kazoo: [python ?? 'python3', file('contender.py'), hosts, root],
    }[kind] as [string, ...string[]]
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    // One that was killed does not read the end of its input.
    this.child.stdin?.on('error', () => {})
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.errors = (this.errors + chunk.toString()).slice(-4000)
    })
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      if (line.startsWith('{"step"')) this.said.push(JSON.parse(line) as { step: string; detail: string })
    })
    this.ended = new Promise((resolve) => void this.child.once('close', () => resolve()))
  }

  /** Resolves when it says that it has the lock, and has not let go of it; after a while in any case. */
  async inside(): Promise<void> {
    for (let waits = 0; waits < 2_000 && this.said.at(-1)?.step !== 'inside'; waits++) await sleep(2)
  }

  steps(step: string): string[] {
    return this.said.filter((each) => each.step === step).map(({ detail }) => detail)
  }

  /** Asks it to finish its turn and leave. */
  end(): Promise<void> {
    this.child.stdin?.end()
    return this.ended
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

interface Outcome {
  readonly contenders: readonly Contender[]
  readonly turns: number
  readonly logged: readonly string[]
  readonly count: number
  readonly left: readonly string[]
}

async function prepare(zk: Client, root: ZnodePath): Promise<void> {
  await zk.create(root)
  await Promise.all([zk.create(`${root}/log`), zk.create(`${root}/count`, '0')])
}

/** Until `rounds` turns are taken: five processes, of which one after the other is killed and replaced, or stopped a while. */
async function contention(server: ApacheServer, zk: Client, root: ZnodePath, theirs: Kind): Promise<Outcome> {
  await prepare(zk, root)
  const names = theirs === 'kazoo' ? 'kazoo' : 'curator'
  const start = (kind: Kind): Contender => new Contender(kind, server.connectString, root, names)
  const alive = [start('ours'), start(theirs), start('ours'), start(theirs), start('ours')]
  const all = [...alive]
  const turns = async (): Promise<number> => (await zk.exists(`${root}/log`)).stat?.numChildren ?? 0
  try {
    while (all.some((each) => each.steps('in').length === 0)) {
      await sleep(50)
      const dead = all.find(({ child }) => child.exitCode !== null)
      if (dead !== undefined) throw new Error(`a contender with ${dead.kind} ended: ${dead.errors}`)
    }
    for (let at = 0; at < Math.max(8, rounds / 10) || (await turns()) < rounds; at++) {
      // Each in its turn, each way in its turn, neither in step with the other.
      const i = at % alive.length
      const { child, kind } = alive[i] as Contender
      const way = (['long', 'kill', 'brief', 'long inside', 'kill inside', 'brief inside'] as const)[at % 6] ?? 'brief'
      if (way.endsWith('inside')) await (alive[i] as Contender).inside()
      if (way.startsWith('kill')) {
        child.kill('SIGKILL')
        const next = start(kind)
        alive[i] = next
        all.push(next)
      } else {
        child.kill('SIGSTOP')
        await sleep(way.startsWith('brief') ? 300 : 3_500)
        child.kill('SIGCONT')
      }
      await sleep(300)
    }
    await Promise.all(alive.map((each) => each.end()))
  } finally {
    for (const { child } of all) child.kill('SIGKILL')
  }
  // Those that were killed last are gone with their sessions.
  while ((await zk.children(`${root}/lock`)).children.length > 0) await sleep(100)
  return {
    contenders: all,
    turns: await turns(),
    logged: (await zk.children(`${root}/log`)).children,
    count: Number(new TextDecoder().decode((await zk.get(`${root}/count`)).data)),
    left: (await zk.children(root)).children,
  }
}

describe.each(['curator', 'kazoo'] as const)('among those of %s', (theirs) => {
  const reason = missing(theirs)
  if (reason !== undefined) {
    if (process.env['INTEROP'] === 'require') throw new Error(`the lock lane with ${theirs} cannot run: ${reason}`)
    console.log(`locks with ${theirs}: skipped, because ${reason}`)
  }
  describe.skipIf(reason !== undefined)('locks of ours', () => {
    let server: ApacheServer
    let zk: Client
    beforeAll(async () => {
      if (theirs === 'curator') {
        mkdirSync(classes, { recursive: true })
        const build = ['-nowarn', '-d', classes, '-cp', classPath, file('Contender.java')]
        const built = spawnSync('javac', build, { encoding: 'utf8' })
        if (built.status !== 0) throw new Error(built.stderr)
      }
      server = await apache({ version: '3.8', config: { tickTime: 500 } })
      zk = await connect(server.connectString)
    })
    afterAll(async () => {
      await zk?.close()
      await server?.close()
    })

    test(
      'are never had by two, through kills and stops',
      async () => {
        const { contenders, turns, logged, count, left } = await contention(server, zk, '/mixed', theirs)
        const told = contenders.map(({ kind, said, errors }) => ({
          kind,
          last: said.slice(-3),
          errors: errors.slice(-300),
        }))
        expect(contenders.flatMap((each) => each.steps('violation'))).toEqual([])
        // Nobody counted what another had counted, and everybody had a turn.
        expect(count, JSON.stringify(told)).toBe(turns)
        expect(logged.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: turns }, (_, i) => i + 1))
        expect(turns).toBeGreaterThanOrEqual(rounds)
        expect([...left].sort()).toEqual(['count', 'lock', 'log'])
        // Who was stopped inside for longer than its session was refused, of whatever kind.
        expect(contenders.flatMap((each) => [...each.steps('refused'), ...each.steps('lost')]).length).toBeGreaterThan(
          0,
        )
        for (const kind of ['ours', theirs] as const) {
          const own = contenders.filter((each) => each.kind === kind)
          expect(own.flatMap((each) => each.steps('in')).length, `turns of ${kind}`).toBeGreaterThan(0)
        }
        const sum = (step: string): number => contenders.reduce((n, each) => n + each.steps(step).length, 0)
        console.log(
          `locks with ${theirs}: ${turns} turns of ${contenders.length} processes, ` +
            `${sum('refused')} refused by the guard, ${sum('lost')} lost, ${sum('failed')} without a turn`,
        )
      },
      60_000 + rounds * 2_000,
    )

    test.each(['ours', theirs] as const)(
      'shut out one of %s that was stopped inside, and its writes are refused',
      async (kind) => {
        const root: ZnodePath = `/stopped-${kind}`
        await prepare(zk, root)
        const names = theirs === 'kazoo' ? 'kazoo' : 'curator'
        const contender = new Contender(kind, server.connectString, root, names)
        const refused = (): number => contender.steps('refused').length + contender.steps('lost').length
        try {
          while (refused() === 0) {
            await contender.inside()
            contender.child.kill('SIGSTOP')
            // Its session ends, whether it was still inside or had left a moment before.
            const mine = lock(zk, `${root}/lock`, { names })
            const held = await mine.acquire({ timeout: 20_000 })
            const { data } = await zk.get(`${root}/count`)
            await sleep(4_000)
            contender.child.kill('SIGCONT')
            await sleep(500)
            expect((await zk.get(`${root}/count`)).data, 'written by one who had lost the lock').toEqual(data)
            await held.release()
            await sleep(200)
          }
          await contender.end()
          expect(contender.steps('violation')).toEqual([])
        } finally {
          contender.child.kill('SIGKILL')
        }
      },
    )

    test('are waited for by theirs, and wait for them', async () => {
      const root: ZnodePath = '/turns'
      await prepare(zk, root)
      const names = theirs === 'kazoo' ? 'kazoo' : 'curator'
      const held = await lock(zk, `${root}/lock`, { names }).acquire()
      const contender = new Contender(theirs, server.connectString, root, names)
      try {
        while ((await lock(zk, `${root}/lock`).waiting()).length === 0) await sleep(20)
        expect(contender.steps('in')).toEqual([])
        await held.release()
        while (contender.steps('in').length === 0) await sleep(20)
        // It goes on taking turns: between two of them it lets us in.
        await using again = await lock(zk, `${root}/lock`, { names }).acquire({ timeout: 20_000 })
        expect(again.fencingToken).toBeGreaterThan(held.fencingToken)
        await again.release()
        await contender.end()
        expect(contender.steps('violation')).toEqual([])
      } finally {
        contender.child.kill('SIGKILL')
      }
    })
  })
})
