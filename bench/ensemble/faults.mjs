// @ts-check
/** What three servers do when one of them dies, hangs, or comes back with less than the others. */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@lightkeeper/client'
import { ask } from '@lightkeeper/testing'
import { fill } from '../support/fill.mjs'
import { probe } from './loads.mjs'
import { emptied, leaderOf, memoryOf, modeOf, processorOf, signal } from './trio.mjs'

/** @typedef {import('./trio.mjs').Trio} Trio */

/** @param {readonly number[]} ports */
const to = (ports) => connect(ports.map((port) => `127.0.0.1:${port}`).join(','), { sessionTimeout: 30_000 })

/** A follower, and the leader. @param {Trio} trio */
async function roles(trio) {
  const leader = await leaderOf(trio)
  return { leader, follower: (leader + 1) % 3 }
}

/**
 * Milliseconds from the end of the leader to the first write that a survivor acknowledges, shortest first.
 * @param {Trio} trio @param {number} kills
 */
export async function leaderKilled(trio, kills) {
  /** @type {number[]} */
  const gaps = []
  for (let i = 0; i < kills; i++) {
    const leader = await leaderOf(trio)
    const zk = await to(trio.ports.filter((_, at) => at !== leader))
    await zk.create(`/kill-${i}`, '')
    const begun = performance.now()
    await trio.kill(leader)
    await written(zk, `/kill-${i}`)
    gaps.push(performance.now() - begun)
    await zk.close()
    await trio.restart(leader)
  }
  return gaps.sort((a, b) => a - b)
}

/**
 * Milliseconds from the moment at which nothing comes from the leader any more, to the first write that a survivor acknowledges. Its
 * process is stopped, so its connections stay open, as they do when somebody pulls its cable.
 * @param {Trio} trio
 */
export async function leaderSilent(trio) {
  const leader = await leaderOf(trio)
  const zk = await to(trio.ports.filter((_, at) => at !== leader))
  await zk.create('/silent', '')
  const begun = performance.now()
  signal(trio.directoryOf(leader), 'SIGSTOP')
  await written(zk, '/silent')
  const gap = performance.now() - begun
  signal(trio.directoryOf(leader), 'SIGCONT')
  await zk.close()
  await leaderOf(trio)
  return gap
}

/** Returns when a write succeeds. @param {import('@lightkeeper/client').ZooKeeper} zk @param {string} path */
async function written(zk, path) {
  for (;;) {
    try {
      await zk.set(path, '')
      return
    } catch {
      await sleep(2)
    }
  }
}

/**
 * The longest time without an acknowledged write, of a thousand a second at the leader: while nothing happens, and while a follower dies.
 * @param {Trio} trio
 */
export async function followerLost(trio) {
  const { leader, follower } = await roles(trio)
  const zk = await to([trio.ports[leader] ?? 0])
  await zk.create('/probe', '').catch(() => {})
  // The first second warms everything up.
  const warm = probe(zk, '/probe')
  await sleep(1000)
  await warm.stop()
  const quiet = probe(zk, '/probe')
  await sleep(1500)
  const { gap: quietMs } = await quiet.stop()
  const lost = probe(zk, '/probe')
  await sleep(500)
  await trio.kill(follower)
  await sleep(1000)
  const { gap: lostMs } = await lost.stop()
  await zk.close()
  await trio.restart(follower)
  await leaderOf(trio)
  return { quietMs, lostMs }
}

/**
 * How long a follower needs from the start of its process until it serves again, and the slowest write of a hundred meanwhile. It is
 * `behind` writes behind, or has lost everything.
 * @param {Trio} trio @param {{ behind: number } | 'empty'} state
 */
export async function rejoin(trio, state) {
  const { leader, follower } = await roles(trio)
  await trio.kill(follower)
  const zk = await to([trio.ports[leader] ?? 0])
  await zk.create('/probe', '').catch(() => {})
  if (state === 'empty') emptied(trio.directoryOf(follower))
  else for (let left = state.behind; left > 0; left -= 500) await many(zk, Math.min(left, 500))
  const writes = probe(zk, '/probe')
  const begun = performance.now()
  const port = trio.ports[follower] ?? 0
  const [ms] = await Promise.all([serving(port, begun), trio.restart(follower)])
  const { p99 } = await writes.stop()
  await zk.close()
  return { ms, p99 }
}

/** @param {import('@lightkeeper/client').ZooKeeper} zk @param {number} count */
async function many(zk, count) {
  await Promise.all(Array.from({ length: count }, () => zk.set('/probe', 'x')))
}

/** Milliseconds from `begun` until the server follows. @param {number} port @param {number} begun */
async function serving(port, begun) {
  while ((await modeOf(port)) !== 'follower') await sleep(5)
  return performance.now() - begun
}

/**
 * Fills the servers, and returns the resident memory of the leader and of a follower, megabytes.
 * @param {Trio} trio @param {number} znodes
 */
export async function filled(trio, znodes) {
  const { leader, follower } = await roles(trio)
  const data = new Uint8Array(100).fill(0x78)
  await fill(trio.ports[leader] ?? 0, { root: '/filled', folders: 100, znodes, data })
  const count = async (/** @type {number} */ port) =>
    Number(/^zk_znode_count\t(\d+)$/m.exec(await ask(port, 'mntr'))?.[1] ?? 0)
  while ((await count(trio.ports[follower] ?? 0)) < znodes) await sleep(50)
  return { leaderMb: memoryOf(trio.directoryOf(leader)), followerMb: memoryOf(trio.directoryOf(follower)) }
}

/**
 * Processor time of the leader for a write, microseconds: alone with two followers, and with an observer beside them. `writes` loads the
 * leader and returns how many writes it took.
 * @param {Trio} trio @param {(port: number) => Promise<number>} writes
 */
export async function observed(trio, writes) {
  const { leader } = await roles(trio)
  const directory = trio.directoryOf(leader)
  const each = async () => {
    const before = processorOf(directory)
    const count = await writes(trio.ports[leader] ?? 0)
    return (processorOf(directory) - before) / count
  }
  await each()
  const withoutUs = await each()
  await trio.observer.start()
  while ((await modeOf(trio.observer.port)) !== 'observer') await sleep(20)
  const withUs = await each()
  await trio.observer.stop()
  return { withoutUs, withUs }
}

/** Milliseconds from `begun` to the first write that these servers acknowledge. @param {Trio} trio @param {number} begun */
export async function firstWrite(trio, begun) {
  const zk = await to(trio.ports)
  for (;;) {
    try {
      await zk.create('/first', '')
      break
    } catch {
      await sleep(2)
    }
  }
  const ms = performance.now() - begun
  await zk.close()
  return ms
}
