// @ts-check
/** Runs one attack of a member, on three servers that are started for it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '@lightkeeper/testing'
import { leaderOf, modeOf, ours, pidOf, theirs } from '../ensemble/trio.mjs'
import { dial } from '../support/wire.mjs'
import { bystander, memoryOf } from './watch.mjs'

/** @typedef {import('../ensemble/trio.mjs').Trio} Trio */
/** @typedef {import('./members.mjs').MemberAttack} MemberAttack */
/** @typedef {import('./members.mjs').Place} Place */

/** How long an attack goes on, and what a member that comes back may take at the most, milliseconds. */
const attackMs = 4_000
const patienceMs = 20_000

/**
 * `backMs`: from the start of a member until it serves. The quorum is whole where the epoch is the one before, and everybody serves.
 * @typedef {{ p50?: number, p99?: number, longest?: number, grownMiB: number, backMs?: number | undefined, isWhole: boolean, isLost: boolean }} Row
 */

/** @param {'ours' | 'apache'} name @param {MemberAttack} attack @returns {Promise<Row>} */
export async function besieged(name, attack) {
  const config = { forceSync: 'no', ...attack.config }
  const trio = name === 'ours' ? await ours({ config }) : await theirs({ config })
  try {
    return attack.at === 'looking' ? await looking(trio, attack) : await serving(trio, attack)
  } finally {
    await trio.close()
  }
}

/** @param {Trio} trio @param {MemberAttack} attack */
async function serving(trio, attack) {
  const leader = await leaderOf(trio)
  const [first = 0, second = 0] = [0, 1, 2].filter((i) => i !== leader)
  const attacked = attack.at === 'leader' ? leader : first
  const course = { isOver: false }
  const zxid = () => zxidOf(trio.ports[second] ?? 0)
  const places = placesOf(trio)
  const begin = await attack.setUp({
    attacked: places(attacked),
    other: places(second),
    observer: places(3),
    zxid,
  })
  const watching = await bystander(trio.ports[second] ?? 0)
  try {
    await sleep(1_000)
    const epoch = (await zxid()) >> 32n
    const memory = memoryOf(pidOf(trio.directoryOf(attacked)))
    await watching.begin()
    const attacking = begin(course).catch(() => {})
    await sleep(1_000)
    const backMs = attack.restarts ? await restarted(trio, first) : undefined
    await sleep(attackMs - 1_000)
    const { p50, p99, longest, isLost } = await watching.end()
    const grownMiB = memory.grownMiB()
    course.isOver = true
    await attacking
    const isWhole =
      (await Promise.race([leaderOf(trio), sleep(patienceMs, -1)])) === leader && (await zxid()) >> 32n === epoch
    return { p50, p99, longest, isLost, grownMiB, backMs, isWhole }
  } finally {
    course.isOver = true
    watching.stop()
  }
}

/** The others are killed, the attack begins, and one of them is started again. @param {Trio} trio @param {MemberAttack} attack */
async function looking(trio, attack) {
  const leader = await leaderOf(trio)
  const [attacked = 0, gone = 0] = [0, 1, 2].filter((i) => i !== leader)
  const course = { isOver: false }
  const places = placesOf(trio)
  const begin = await attack.setUp({
    attacked: places(attacked),
    other: places(gone),
    observer: places(3),
    zxid: async () => 0n,
  })
  const memory = memoryOf(pidOf(trio.directoryOf(attacked)))
  await Promise.all([trio.kill(gone), trio.kill(leader)])
  while ((await modeOf(trio.ports[attacked] ?? 0)) !== undefined) await sleep(1)
  const attacking = begin(course).catch(() => {})
  await sleep(1_500)
  const begun = performance.now()
  const written = writes(trio.ports[gone] ?? 0, begun)
  await trio.restart(gone)
  const backMs = await written
  await sleep(500)
  const grownMiB = memory.grownMiB()
  course.isOver = true
  await attacking
  return { grownMiB, backMs, isWhole: backMs !== undefined, isLost: false }
}

/** Milliseconds until the follower that was killed serves again; undefined where that takes too long. @param {Trio} trio @param {number} i */
async function restarted(trio, i) {
  await trio.kill(i)
  const begun = performance.now()
  const starting = trio.restart(i)
  try {
    while ((await modeOf(trio.ports[i] ?? 0)) !== 'follower') {
      if (performance.now() - begun > patienceMs) return undefined
      await sleep(10)
    }
    return performance.now() - begun
  } finally {
    await Promise.race([starting, sleep(patienceMs)])
  }
}

/** When a write succeeds at this port. @param {number} port @param {number} begun */
async function writes(port, begun) {
  while (performance.now() - begun < patienceMs) {
    const client = await Promise.race([dial(port, { from: '127.0.0.2' }).catch(() => undefined), sleep(2_000)])
    const err = await client?.create('/back')
    client?.destroy()
    // It is there where the answer to an earlier try was lost.
    if (err === 0 || err === -110) return performance.now() - begun
    await sleep(10)
  }
  return undefined
}

/** @param {number} port */
async function zxidOf(port) {
  return BigInt(/^Zxid: (.*)$/m.exec(await ask(port, 'srvr'))?.[1] ?? '0')
}

/** The ports of each member, from the configuration of the first. @param {Trio} trio @returns {(i: number) => Place} */
function placesOf(trio) {
  const text = readFileSync(join(trio.directoryOf(0), 'zoo.cfg'), 'utf8')
  return (i) => {
    const [, quorum, election] = new RegExp(`^server\\.${i + 1}=.*?:(\\d+):(\\d+)`, 'm').exec(text) ?? []
    return { client: trio.ports[i] ?? 0, quorum: Number(quorum), election: Number(election), sid: i + 1 }
  }
}
