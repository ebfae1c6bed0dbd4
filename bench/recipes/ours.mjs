// @ts-check
// Our recipes for bench/recipes.mjs: ours.mjs HOSTS; orders and answers as in Curator.java.
import process from 'node:process'
import { createInterface } from 'node:readline'
import { connect } from '@lightkeeper/client'
import {
  doubleBarrier,
  election,
  lock,
  persistentNode,
  readWriteLock,
  semaphore,
  sharedValue,
} from '@lightkeeper/recipes'

const hosts = process.argv[2] ?? ''
/** @type {import('@lightkeeper/client').Client[]} */
const clients = []

/** @param {import('@lightkeeper/recipes').Lockable} lockable */
const taken = (lockable) => async () => {
  const held = await lockable.acquire()
  await held.release()
}

/**
 * One turn of a workload, for one contender.
 * @type {Record<string, (zk: import('@lightkeeper/client').Client, path: `/${string}`) => Promise<() => Promise<void>> | (() => Promise<void>)>}
 */
const workloads = {
  lock: (zk, path) => taken(lock(zk, path)),
  'read-lock': (zk, path) => taken(readWriteLock(zk, path).read),
  semaphore: (zk, path) => taken(semaphore(zk, path, { leases: 2 })),
  'double-barrier'(zk, path) {
    const one = doubleBarrier(zk, path, { count: 1 })
    return async () => {
      const inside = await one.enter()
      await inside.leave()
    }
  },
  'persistent-node': (zk, path) => async () => {
    const node = await persistentNode(zk, path, new Uint8Array(10))
    await node.close()
  },
  async 'shared-value'(zk, path) {
    const value = await sharedValue(zk, path, undefined, { seed: new Uint8Array(10) })
    return async () => void (await value.set(new Uint8Array(10)))
  },
  election(zk, path) {
    const one = election(zk, path)
    return async () => {
      // The end of the step resigns.
      for await (const _term of one.terms()) break
    }
  },
}

clients.push(await connect(hosts))
console.log(JSON.stringify({ ready: true }))
for await (const line of createInterface({ input: process.stdin })) {
  const [workload = '', contenders, seconds, warmUp, path] = line.split(' ')
  while (clients.length < Number(contenders)) clients.push(await connect(hosts))
  const start = performance.now() + Number(warmUp) * 1000
  const end = start + Number(seconds) * 1000
  let turns = 0
  await Promise.all(
    clients.slice(0, Number(contenders)).map(async (zk) => {
      const take = await workloads[workload]?.(zk, /** @type {`/${string}`} */ (path))
      if (take === undefined) throw new Error(`there is no workload ${workload}`)
      while (performance.now() < end) {
        await take()
        const done = performance.now()
        if (done >= start && done < end) turns++
      }
    }),
  )
  console.log(JSON.stringify({ turns }))
}
await Promise.all(clients.map((zk) => zk.close()))
process.exit(0)
