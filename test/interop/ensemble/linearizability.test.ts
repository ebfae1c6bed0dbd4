/**
 * Histories of calls on real processes while they are killed, stopped and cut off: three of ours, and two of Apache with one of ours.
 * `LINEAR_HISTORIES` is the number for each of the two, `SEED` chooses them.
 */
import { type Client, connect } from '@lightkeeper/client'
import { SeededRandom } from '@lightkeeper/testing/sim'
import { describe, expect, test } from 'vitest'
import { ourEnsemble, type Servers } from '../../faults/targets.ts'
import { History } from '../../linearizability/clients.ts'
import { sleep } from '../../support/wait.ts'
import { missingVersion } from './trio.ts'
import { Voters } from './voters.ts'

const histories = Number(process.env['LINEAR_HISTORIES'] ?? 0)
const firstSeed = Number(process.env['SEED'] ?? 1)
const clientsMax = 4
const callsEach = 60
const sessionTimeout = 40_000
const reason = 'LINEAR_HISTORIES says how many; npm run test:ensemble -- --all asks for them'
if (histories === 0) console.log(`histories on real processes: skipped, because ${reason}`)

/** One fault with its end. */
type Fault = (random: SeededRandom) => Promise<void>

async function record(seed: number, ports: readonly number[], fault: Fault): Promise<string | undefined> {
  const random = new SeededRandom(seed)
  const history = new History({ random, delay: sleep }, `/lin${seed}`)
  const clients: Client[] = []
  try {
    for (let i = 0; i < clientsMax; i++) {
      const at = i % ports.length
      const servers = [...ports.slice(at), ...ports.slice(0, at)].map((port) => `127.0.0.1:${port}`).join(',')
      clients.push(await connect(servers, { sessionTimeout, requestTimeout: 15_000 }))
    }
    await history.layOut(clients[0] as Client)
    let isOver = false
    const work = Promise.all(clients.map((client, i) => history.work(client, i + 1, callsEach, () => false)))
    const over = (): void => void (isOver = true)
    work.then(over, over)
    do {
      await sleep(200 + random.below(500))
      await fault(random)
    } while (!isOver)
    await work
  } finally {
    for (const client of clients) await client.close()
  }
  const unknown = history.calls.filter(({ answer }) => answer.kind === 'unknown').length
  console.log(`seed ${seed}: ${history.calls.length} calls, ${unknown} with an unknown outcome`)
  return history.problem()
}

async function recordAll(ports: readonly number[], fault: Fault): Promise<void> {
  for (let i = 0; i < histories; i++) {
    const seed = firstSeed + i
    expect(await record(seed, ports, fault), `seed ${seed}`).toBeUndefined()
  }
}

async function faultOfOurs(servers: Servers, random: SeededRandom): Promise<void> {
  const index = random.oneIn(2) ? await servers.leader() : random.below(servers.ports.length)
  switch (random.below(4)) {
    case 0:
    case 1:
      await servers.kill(index)
      await sleep(random.below(1_500))
      return servers.restart(index)
    case 2:
      servers.pause(index)
      await sleep(random.below(2_500))
      return servers.resume(index)
    default:
      servers.cut(index)
      await sleep(random.below(2_500))
      return servers.heal(index)
  }
}

describe.skipIf(histories === 0)('writes and synced reads are linearizable', () => {
  test(
    'on three of ours',
    async () => {
      const servers = await ourEnsemble()
      try {
        await recordAll(servers.ports, (random) => faultOfOurs(servers, random))
      } finally {
        await servers.close()
      }
    },
    60_000 + histories * 60_000,
  )

  test.skipIf(histories > 0 && missingVersion('3.9') !== undefined)(
    'on two of Apache and one of ours',
    async () => {
      await using voters = await Voters.start('3.9', ['apache', 'apache', 'ours'])
      const ports = voters.all.map(({ port }) => port)
      // A leader of Apache's that is cut off answers syncs (ZOOKEEPER-1675), so none is.
      await recordAll(ports, async (random) => {
        const voter = random.pick(voters.all)
        await voter.end()
        await sleep(random.below(1_500))
        await voter.start()
      })
    },
    60_000 + histories * 120_000,
  )
})
