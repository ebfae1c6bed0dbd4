/** Who is accepted at the quorum port of a leader. */
import { learnerInfoBytes, Writer, writeQuorumPacket } from '@lightkeeper/protocol'
import { type Listener, type Network, silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import { LearnerListener } from './learner-listener.ts'
import { HandNetwork } from './links.harness.ts'

test('strangers that say nothing keep no learner out, and what has said who it is stays', async () => {
  const network = new HandNetwork()
  const runtime = nodeRuntime({ network, clock: new HandClock(), log: silentLog })
  const heard: number[] = []
  let links = 0
  const limits = { packetBytesMax: 10_000, budgetBytes: 10_000, stallMs: 1_000 }
  const listener = new LearnerListener(['h1:2888'], runtime, limits, () => ++links, {
    accepted() {},
    packet: (id) => void heard.push(id),
    closed() {},
  })
  listener.open()
  // The port opens by promises alone.
  await new Promise((resolve) => setImmediate(resolve))
  const open = new Set<number>()
  const dial = (i: number, bytes?: Uint8Array): void => {
    open.add(i)
    const link = network.connect('h1:2888', { data() {}, closed: () => void open.delete(i) })
    if (bytes !== undefined) link.write(bytes)
    network.settle()
  }
  const writer = new Writer()
  writeQuorumPacket(writer, { type: 'FOLLOWERINFO', zxid: 0n, data: learnerInfoBytes(2, 0n), authinfo: null })
  dial(0, writer.written())
  for (let i = 1; i <= 1_000; i++) dial(i)
  expect(heard).toEqual([1])
  expect(open.size).toBe(257)
  expect(open.has(0)).toBe(true)
  dial(1_001, writer.written())
  expect(heard).toEqual([1, 1_002])
})

test('the port opens again for the next term although a connection of the last one is not over', async () => {
  const network = new HandNetwork()
  const ended: (() => void)[] = []
  /** As in Node: the port is free at once, and the listener reports its end behind that of its last connection. */
  const lingering: Network = {
    connect: (address, events) => network.connect(address, events),
    service: () => network.service(),
    async listen(at, accept): Promise<Listener> {
      const { address, close } = await network.listen(at, accept)
      const end = new Promise<void>((resolve) => ended.push(resolve))
      return { address, close: () => close().then(() => end) }
    },
  }
  const runtime = nodeRuntime({ network: lingering, clock: new HandClock(), log: silentLog })
  const limits = { packetBytesMax: 10_000, budgetBytes: 10_000, stallMs: 1_000 }
  const accepted: number[] = []
  let links = 0
  const listener = new LearnerListener(['h1:2888'], runtime, limits, () => ++links, {
    accepted: (id) => void accepted.push(id),
    packet() {},
    closed() {},
  })
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const dial = (): void => {
    network.connect('h1:2888', { data() {}, closed() {} })
    network.settle()
  }
  listener.open()
  await turn()
  dial()
  void listener.close()
  await turn()
  listener.open()
  await turn()
  dial()
  expect(accepted).toEqual([1, 2])
  let isClosed = false
  const closing = listener.close().then(() => {
    isClosed = true
  })
  ended[0]?.()
  await turn()
  expect(isClosed).toBe(false)
  ended[1]?.()
  await closing
})
