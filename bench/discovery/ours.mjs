// @ts-check
// Our resolver for bench/discovery.mjs: ours.mjs HOSTS COUNT. Writes a line when it is full, and one when it sees one more.
import process from 'node:process'
import { connect } from '@lightkeeper/client'
import { discovery, random } from '@lightkeeper/recipes'

const [, , hosts = '', count = '0'] = process.argv
const zk = await connect(hosts)
const memory = () => {
  globalThis.gc?.()
  return process.memoryUsage().rss / 1e6
}
const before = memory()
const start = performance.now()
const users = await discovery(zk).resolve('users')
const filledMs = performance.now() - start
if (users.instances.length < Number(count)) throw new Error(`only ${users.instances.length} instances`)
const memoryMb = memory() - before

/** @param {{ pick(): unknown }} resolver nanoseconds of a pick */
function timed(resolver) {
  const picks = 1_000_000
  for (let i = 0; i < picks / 10; i++) resolver.pick()
  const begun = performance.now()
  for (let i = 0; i < picks; i++) resolver.pick()
  return ((performance.now() - begun) * 1e6) / picks
}

const pickNs = timed(users)
const anyone = await discovery(zk).resolve('users', { strategy: random })
const randomNs = timed(anyone)
await anyone.close()
console.log(JSON.stringify({ filledMs, memoryMb, pickNs, randomNs }))
for await (const instances of users.changes()) if (instances.length > Number(count)) break
console.log(JSON.stringify({ seen: 1 }))
