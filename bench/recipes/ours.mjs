// @ts-check
// Our recipes for bench/recipes.mjs: ours.mjs HOSTS; orders and answers as in Curator.java.
import process from 'node:process'
import { createInterface } from 'node:readline'
import { connect } from '@lightkeeper/client'
import { election, lock } from '@lightkeeper/recipes'

const hosts = process.argv[2] ?? ''
/** @type {import('@lightkeeper/client').Client[]} */
const clients = []

/** One turn of a workload, for one contender. @type {Record<string, (zk: import('@lightkeeper/client').Client, path: `/${string}`) => () => Promise<void>>} */
const workloads = {
  lock(zk, path) {
    const mutex = lock(zk, path)
    return async () => {
      const held = await mutex.acquire()
      await held.release()
    }
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
      const take = workloads[workload]?.(zk, /** @type {`/${string}`} */ (path))
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
