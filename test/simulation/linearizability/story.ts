/** Clients of an ensemble in a simulated world call a few znodes while members are killed, cut off and stopped. One seed is one history. */
import { type Client, connect } from '@lightkeeper/client'
import { type Ensemble, startEnsemble } from '@lightkeeper/testing'
import { SeededRandom, World } from '@lightkeeper/testing/sim'
import { History } from '../../linearizability/clients.ts'
import { Violation } from '../durability/ledger.ts'

const clientsMax = 4
const callsEach = 45
const longestFaultMs = 4_000
/** Longer than any fault with the election behind it, milliseconds. */
const sessionTimeout = 20_000

export interface HistoryReport {
  readonly calls: number
  readonly unknown: number
  readonly trace: readonly string[]
}

export async function recordHistory(seed: number): Promise<HistoryReport> {
  const world = new World(seed)
  const random = new SeededRandom(seed ^ 0x11ea)
  const voters = random.oneIn(4) ? 5 : 3
  const options = { tickTime: 200, initLimit: 20, syncLimit: 5, snapCount: random.pick([20, 1000]) }
  for (let i = 1; i <= voters; i++) world.disk(`s${i}`).faults.latencyMs = random.pick([0.2, 5])
  const ensemble = await world.run(startEnsemble({ world, size: voters, options }))
  const history = new History({ random, delay: (ms) => world.delay(ms) }, '/lin')
  const clients: Client[] = []
  for (let i = 0; i < clientsMax; i++) {
    const { addresses } = ensemble
    const servers = [...addresses.slice(i % voters), ...addresses.slice(0, i % voters)].join(',')
    const runtime = world.runtime(`c${i + 1}`)
    clients.push(await world.run(connect(servers, { sessionTimeout, requestTimeout: 5_000, runtime })))
  }
  await world.run(history.layOut(clients[0] as Client))
  const work = Promise.all(clients.map((client, i) => history.work(client, i + 1, callsEach, () => false)))
  let isOver = false
  const over = (): void => void (isOver = true)
  work.then(over, over)
  const faults = async (): Promise<void> => {
    while (!isOver) {
      await world.delay(100 + random.below(800))
      await fault(world, ensemble, random)
    }
  }
  const failing = faults()
  await world.run(work)
  await world.run(failing)
  for (const client of clients) await world.run(client.close())
  await world.run(ensemble.close())
  const problem = history.problem()
  if (problem !== undefined) {
    const violation = new Violation(`seed ${seed}: ${problem}`)
    throw Object.assign(violation, { trace: world.trace })
  }
  const unknown = history.calls.filter(({ answer }) => answer.kind === 'unknown').length
  return { calls: history.calls.length, unknown, trace: world.trace }
}

/** One fault with its end. The leader more often than others. */
async function fault(world: World, ensemble: Ensemble, random: SeededRandom): Promise<void> {
  const leader = ensemble.leader()
  const index = leader !== undefined && random.oneIn(2) ? leader : random.below(ensemble.servers.length)
  const pass = (): Promise<void> => world.delay(random.below(longestFaultMs))
  switch (random.below(6)) {
    case 0:
    case 1:
      await ensemble.kill(index, { power: random.oneIn(2) })
      await pass()
      return ensemble.start(index)
    case 2:
      ensemble.pause(index)
      await pass()
      return ensemble.resume(index)
    case 3: {
      // Its clients reach it, and it reaches nobody: it must not answer what it does not know.
      for (const other of ensemble.servers.keys()) if (other !== index) ensemble.cut(index, { from: other })
      await pass()
      return ensemble.heal(index)
    }
    case 4:
      ensemble.cut(index, { direction: random.pick(['in', 'out', 'both'] as const) })
      await pass()
      return ensemble.heal(index)
    default:
      world.network.reset(`c${1 + random.below(clientsMax)}`, `s${index + 1}`)
  }
}
