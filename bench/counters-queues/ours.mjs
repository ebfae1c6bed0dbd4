// @ts-check
// Our counters and queues for bench/counters-queues.mjs: ours.mjs HOSTS; orders and answers as in Load.java.
import process from 'node:process'
import { createInterface } from 'node:readline'
import { connect } from '@lightkeeper/client'
import { counter, queue } from '@lightkeeper/recipes'

const zk = await connect(process.argv[2] ?? '')
const base = /** @type {const} */ (`/ours-${process.pid}`)
let orders = 0

/** Increments a second. @param {number} parties @param {number} seconds */
async function counting(parties, seconds) {
  const n = counter(zk, /** @type {const} */ (`${base}/n${orders}`))
  let done = 0
  // The first round warms up.
  for (const ms of [1_000, seconds * 1_000]) {
    const until = performance.now() + ms
    done = 0
    await Promise.all(
      Array.from({ length: parties }, async () => {
        for (; performance.now() < until; done++) await n.increment()
      }),
    )
  }
  return { increments: done / seconds }
}

/** Puts and takes a second. @param {string} name @param {number} count */
async function queued(name, count) {
  const body = new Uint8Array(100)
  const q = queue(zk, /** @type {const} */ (`${base}/${name}${orders}`))
  let start = performance.now()
  await Promise.all(Array.from({ length: count }, () => q.put(body)))
  const puts = (count / (performance.now() - start)) * 1_000
  start = performance.now()
  // As in Curator's consumer: each item is done before the next is taken.
  for (let i = 0; i < count; i++) await (await q.take()).done()
  const takes = (count / (performance.now() - start)) * 1_000
  return { puts, takes }
}

console.log(JSON.stringify({ ready: true }))
for await (const line of createInterface({ input: process.stdin })) {
  const [what, first, second] = line.split(' ')
  orders++
  if (what === 'counter') console.log(JSON.stringify(await counting(Number(first), Number(second))))
  else {
    await queued('warm', Number(first) / 4)
    console.log(JSON.stringify(await queued('q', Number(first))))
  }
}
await zk.close()
process.exit(0)
