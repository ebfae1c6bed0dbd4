/** What a leader gives to a learner that comes back costs the others little: one piece a turn, in order, and nothing overtakes it. */
import { type QuorumPacket, QuorumPacketStream } from '@lightkeeper/protocol'
import { silentLog } from '@lightkeeper/runtime'
import { World } from '@lightkeeper/testing/sim'
import { expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import type { TakeTxn } from '../storage/history-reader.ts'
import { RecentTxns } from '../storage/recent-txns.ts'
import { HandNetwork } from '../transport/links.harness.ts'
import { HeldZxids } from '../zab/held-zxids.ts'
import type { PeerInput } from '../zab/inputs.ts'
import { Learners } from './learners.ts'

const txnsOfPart = 10n

test('a part of the history leaves piece by piece, a turn for other work after each', async () => {
  const clock = new HandClock()
  const network = new HandNetwork()
  // Everything that is on the disk is in memory too: nothing but the turn makes a reader wait.
  const storage = {
    async *scan(from: bigint, until: bigint, take: TakeTxn): AsyncGenerator<undefined> {
      for (let zxid = from; zxid <= until; zxid++) {
        take(zxid, new Uint8Array(100))
        if (zxid % txnsOfPart === 0n || zxid === until) yield
      }
    },
  }
  const recent = new RecentTxns(40n)
  for (let zxid = 41n; zxid <= 45n; zxid++) recent.add(zxid, new Uint8Array(100), 40n)
  const inputs: PeerInput[] = []
  let links = 0
  const limits = { packetBytesMax: 10_000, budgetBytes: 1 << 20, stallMs: 1_000 }
  const learners = new Learners(
    { addresses: ['leader:2888'], limits, sliceZnodes: 100, proof: undefined },
    { ...new World(1).runtime('leader'), clock, network, log: silentLog },
    storage,
    recent,
    {
      nextLink: () => ++links,
      step: (input) => void inputs.push(input),
      held: () => new HeldZxids(0n, [{ from: 1n, to: 45n }]),
    },
  )
  learners.listen(true)
  await untilIdle()
  const stream = new QuorumPacketStream(10_000)
  let arrived: QuorumPacket[] = []
  network.connect('leader:2888', {
    data(chunk) {
      stream.push(chunk)
      for (let next = stream.next(); next !== undefined; next = stream.next()) arrived.push(next)
    },
    closed: () => {},
  })
  network.settle()
  expect(inputs).toEqual([{ kind: 'linkAccepted', link: 1 }])

  learners.sendHistory(1, 4n, 45n, 'pairs')
  learners.send(1, { type: 'PROPOSAL', zxid: 46n, data: new Uint8Array(100), authinfo: null })
  const turns: bigint[][] = []
  for (let left = 20; left > 0 && turns.at(-1)?.at(-1) !== 46n; left--) {
    await untilIdle()
    network.settle()
    if (arrived.length > 0) turns.push(arrived.map(({ zxid }) => zxid))
    arrived = []
    clock.endTurn()
  }
  const pairs = (from: number, to: number): bigint[] =>
    Array.from({ length: 2 * (to - from + 1) }, (_, i) => BigInt(from + (i >> 1)))
  expect(turns).toEqual([pairs(5, 10), pairs(11, 20), pairs(21, 30), pairs(31, 40), pairs(41, 45), [46n]])
})

/** Everything that waits for no turn and no network has happened. */
const untilIdle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
