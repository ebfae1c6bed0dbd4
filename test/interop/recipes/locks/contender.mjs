// A contender of ours: contender.mjs HOSTS ROOT NAMES lock|election. Its steps are those of Contender.java and contender.py.
import process from 'node:process'
import { createInterface } from 'node:readline'
import { connect, KeeperError, op } from '@lightkeeper/client'
import { election, lock } from '@lightkeeper/recipes'

const [, , hosts = '', root = '/x', names = 'curator', recipe = 'lock'] = process.argv
const say = (step, detail) => console.log(JSON.stringify({ step, detail: String(detail ?? '') }))
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const text = (data) => new TextDecoder().decode(data)

let isOver = false
const input = createInterface({ input: process.stdin })
input.on('close', () => {
  isOver = true
})

const zk = await connect(hosts, { sessionTimeout: 2000 })
const path = `${root}/lock`
const mutex = lock(zk, path, { names })

/** A turn: the lock, or a term. */
async function turn() {
  if (recipe === 'lock') return mutex.acquire({ timeout: 20_000 })
  const terms = election(zk, path, { id: 'ours', names }).terms({ signal: AbortSignal.timeout(20_000) })
  const { value: term } = await terms.next()
  if (term === undefined) throw new Error('no term within 20 s')
  return {
    path: term.path,
    fencingToken: term.epoch,
    guard: () => term.guard(),
    release: () => terms.return(),
  }
}
say('started', process.pid)

/** Nobody else may be inside, as the server sees it: both znodes would have to be there. */
async function enter(held) {
  try {
    await zk.transaction(held.guard(), op.create(`${root}/witness`, '', { mode: 'ephemeral' }))
    return true
  } catch (error) {
    if (!KeeperError.is(error, 'TRANSACTION_FAILED')) throw error
    if (error.failedOp.index === 0) return say('refused', 'to enter')
    const found = await zk.find(`${root}/witness`)
    if (found?.stat.ephemeralOwner === zk.sessionId) return true
    return say('violation', `${held.path} and session ${found?.stat.ephemeralOwner} are inside`)
  }
}

async function count(held) {
  say('inside')
  const n = Number(text((await zk.get(`${root}/count`)).data)) + 1
  await sleep(5 + Math.random() * 10)
  try {
    await zk.transaction(
      held.guard(),
      op.set(`${root}/count`, String(n)),
      op.create(`${root}/log/${n}`, `ours ${held.fencingToken}`),
      op.delete(`${root}/witness`),
    )
    say('in', n)
  } catch (error) {
    if (!KeeperError.is(error, 'TRANSACTION_FAILED')) throw error
    if (error.failedOp.index === 0) return say('refused', 'to count')
    say('violation', `${n} was counted by another: ${error.failedOp.code} of ${error.failedOp.path}`)
  }
}

while (!isOver) {
  try {
    const held = await turn()
    try {
      if (await enter(held)) await count(held)
    } catch (error) {
      say('lost', error)
      const found = await zk.find(`${root}/witness`)
      if (found?.stat.ephemeralOwner === zk.sessionId) await zk.delete(`${root}/witness`, { idempotent: true })
    } finally {
      await held.release()
    }
  } catch (error) {
    say('failed', error)
  }
  await sleep(Math.random() * 3)
}
await zk.close()
say('ended')
