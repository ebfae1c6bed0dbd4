// @ts-check
/** A normal client: a set or a get every ten milliseconds. Its line of output says how long it waited. Arguments: port and door, as JSON. */
import { performance } from 'node:perf_hooks'
import { opCode, writePathWatchRequest, writeSetDataRequest } from '@lightkeeper/protocol'
import { useDoor } from '../support/door.mjs'
import { dial } from '../support/wire.mjs'

const port = Number(process.argv[2])
useDoor(JSON.parse(process.argv[3] ?? '{}'))
/** @type {number[]} */
const sentAt = []
/** @type {number[]} */
const waits = []
let errors = 0
let answered = 0
let isLost = false
const client = await dial(port, {
  from: '127.0.0.2',
  reply(err) {
    waits.push(performance.now() - /** @type {number} */ (sentAt[answered++]))
    if (err !== 0) errors++
  },
  closed() {
    isLost = true
  },
})
await client.create('/bystander')
sentAt.length = 0
waits.length = 0
answered = 0
let sent = 0
const timer = setInterval(() => {
  if (isLost) return
  sentAt.push(performance.now())
  if (sent++ % 2 === 0) {
    client.send(opCode.setData, (writer) =>
      writeSetDataRequest(writer, { path: '/bystander', data: new Uint8Array(100), version: -1 }),
    )
  } else client.send(opCode.getData, (writer) => writePathWatchRequest(writer, { path: '/bystander', watch: false }))
}, 10)

process.stdin.on('data', (text) => {
  if (String(text).includes('begin')) {
    // What came before the attack does not count; what is under way does.
    waits.length = 0
    console.log('begun')
    return
  }
  clearInterval(timer)
  const now = performance.now()
  // Who waits still has waited until now at least.
  for (let i = answered; i < sentAt.length; i++) waits.push(now - /** @type {number} */ (sentAt[i]))
  waits.sort((a, b) => a - b)
  const at = (/** @type {number} */ share) => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? 0
  console.log(
    JSON.stringify({ p50: at(0.5), p99: at(0.99), longest: waits.at(-1) ?? 0, count: waits.length, errors, isLost }),
  )
  process.exit(0)
})
console.log('ready')
