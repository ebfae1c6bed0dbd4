// @ts-check
/**
 * The load of one round, in its own process: frames are encoded before, and replies are counted by their lengths, so that the
 * server is measured and not this process. Prints one JSON line. Options come as JSON in the first argument.
 *
 * @typedef {{ port: number, connections: number, window: number, mix: 'reads' | 'writes' | 'mixed', seconds: number, warmUp: number, nodes: number, bytes: number, echo?: boolean, tls?: { ca: string, cert: string, key: string } }} LoadOptions
 */
import { createConnection } from 'node:net'
import { connect } from 'node:tls'
import { Framer, opCode, openAcl, writeAcl } from '@lightkeeper/protocol'
import { connectFrame, requestFrame } from '../../test/support/frames.mjs'

const options = /** @type {LoadOptions} */ (JSON.parse(process.argv[2] ?? '{}'))
const { port, connections, window, mix, seconds, warmUp, nodes, bytes, tls } = options

/** @param {() => void} opened */
function dial(opened) {
  const where = { host: '127.0.0.1', port }
  if (tls === undefined) return createConnection({ ...where, noDelay: true }, opened)
  const socket = connect({ ...where, servername: 'localhost', ...tls }, opened)
  socket.setNoDelay(true)
  return socket
}

const data = new Uint8Array(bytes).fill(0x78)
/** @param {number} i */
const path = (i) => `/bench/n${String(i % nodes).padStart(5, '0')}`
/** @param {number} i */
const get = (i) =>
  requestFrame(i + 1, opCode.getData, (writer) => {
    writer.ustring(path(i))
    writer.boolean(false)
  })
/** @param {number} i */
const set = (i) =>
  requestFrame(i + 1, opCode.setData, (writer) => {
    writer.ustring(path(i))
    writer.buffer(data)
    writer.int(-1)
  })
/** @param {number} i */
const make = (i) => (mix === 'reads' || (mix === 'mixed' && i % 10 !== 0) ? get(i) : set(i))

/** Requests in a ring, joined so that any sequence of them is one write. */
const ringLength = 4096
const ring = Array.from({ length: ringLength }, (_, i) => make(i * 7919))
const offsets = [0]
for (const each of ring) offsets.push((offsets.at(-1) ?? 0) + each.length)
const joined = Buffer.concat(ring)

let answered = 0
let failed = 0
/** Milliseconds from a batch's write to its last reply, sampled. */
const latencies = /** @type {number[]} */ ([])

class Connection {
  #next = 0
  #inFlight = 0
  #sentAt = 0
  #sampled = 0
  #rest = Buffer.alloc(0)

  /** @param {number} index @param {() => void} ready */
  constructor(index, ready) {
    this.#next = (index * 997) % ringLength
    const framer = new Framer()
    let isReady = false
    this.socket = dial(() => {
      if (options.echo) {
        isReady = true
        ready()
        return
      }
      this.socket.write(connectFrame())
    })
    this.socket.on('data', (chunk) => {
      if (isReady) {
        this.#count(chunk)
        return
      }
      framer.push(chunk)
      if (framer.next() === undefined) return
      isReady = true
      ready()
    })
    this.socket.on('error', (error) => {
      console.error(`load: ${error.message}`)
      process.exit(1)
    })
  }

  start() {
    this.#send(window)
  }

  /** @param {number} count */
  #send(count) {
    this.#inFlight += count
    if (this.#sampled === 0) {
      this.#sentAt = performance.now()
      this.#sampled = this.#inFlight
    }
    for (let left = count; left > 0; ) {
      const run = Math.min(left, ringLength - this.#next)
      this.socket.write(joined.subarray(offsets[this.#next], offsets[this.#next + run]))
      this.#next = (this.#next + run) % ringLength
      left -= run
    }
  }

  /** @param {Buffer} chunk */
  #count(chunk) {
    const bytesNow = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    let count = 0
    while (at + 4 <= bytesNow.length) {
      const length = bytesNow.readInt32BE(at)
      if (at + 4 + length > bytesNow.length) break
      // xid, zxid, err: an error here would make the numbers worthless.
      if (bytesNow.readInt32BE(at + 16) !== 0) failed++
      at += 4 + length
      count++
    }
    this.#rest = bytesNow.subarray(at)
    answered += count
    this.#inFlight -= count
    if (this.#sampled > 0) {
      this.#sampled -= count
      if (this.#sampled <= 0) {
        latencies.push(performance.now() - this.#sentAt)
        this.#sampled = 0
      }
    }
    if (count > 0 && !isOver) this.#send(count)
  }
}

let isOver = false
/** Creates the znodes; existing ones are fine. */
async function prepare() {
  /** @type {import('node:net').Socket} */
  const socket = await new Promise((resolve) => {
    const opening = dial(() => resolve(opening))
  })
  const framer = new Framer()
  let left = nodes + 2
  const done = new Promise((resolve) => {
    socket.on('data', (chunk) => {
      framer.push(chunk)
      while (framer.next() !== undefined) if (--left === 0) resolve(undefined)
    })
  })
  socket.write(connectFrame())
  /** @param {string} name */
  const create = (name) =>
    requestFrame(1, opCode.create, (writer) => {
      writer.ustring(name)
      writer.buffer(data)
      writer.vector(openAcl, writeAcl)
      writer.int(0)
    })
  socket.write(create('/bench'))
  for (let i = 0; i < nodes; i++) socket.write(create(path(i)))
  await done
  socket.end()
}

if (!options.echo) await prepare()
const all = await Promise.all(
  Array.from(
    { length: connections },
    (_, i) =>
      new Promise((resolve) => {
        const connection = new Connection(i, () => resolve(connection))
      }),
  ),
)
for (const connection of all) connection.start()
await new Promise((resolve) => setTimeout(resolve, warmUp * 1000))
const before = answered
latencies.length = 0
const startedAt = performance.now()
await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
const elapsed = (performance.now() - startedAt) / 1000
const perSecond = (answered - before) / elapsed
isOver = true
latencies.sort((a, b) => a - b)
/** @param {number} share */
const percentile = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
console.log(JSON.stringify({ perSecond: Math.round(perSecond), p50: percentile(0.5), p99: percentile(0.99), failed }))
process.exit(failed > 0 ? 1 : 0)
