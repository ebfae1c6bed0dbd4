// @ts-check
/**
 * What the drivers of the Node clients share: the commands of the runner (README.md, "How the clients are driven"), executed
 * through an adapter to one client. Drivers in other languages do the same in their own way.
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/**
 * @typedef {(error?: unknown) => void} Done
 * @typedef {object} Adapter Each call settles by one call of `done`.
 * @property {(path: string, done: Done) => void} get Checks that there is data.
 * @property {(path: string, bytes: Buffer, done: Done) => void} set
 * @property {(path: string, bytes: Buffer, done: Done) => void} create A znode that exists already is no error.
 * @property {(path: string, onEvent: () => void, done: Done) => void} watch A get that leaves a one-shot watch; `onEvent` is called
 * only for a change of the data.
 * @property {(path: string) => Promise<Buffer | Uint8Array>} read
 * @property {() => unknown} close
 */

const znodes = 1000
const data = Buffer.alloc(100, 'x')
const paths = Array.from({ length: znodes }, (_, i) => `/bench/n${String(i).padStart(5, '0')}`)
/** @param {number} i */
const watchedPath = (i) => `/bench/watched/w${String(i).padStart(7, '0')}`
/** @param {number} ms */
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const cpuUs = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** @param {(done: Done) => void} call */
const promised = (call) =>
  /** @type {Promise<void>} */ (
    new Promise((resolve, reject) => call((error) => (error === undefined ? resolve() : reject(error))))
  )

/** `count` calls, at most `window` at once. @param {number} count @param {number} window @param {(i: number, done: Done) => void} call */
function all(count, window, call) {
  return new Promise((resolve, reject) => {
    let next = 0
    let left = count
    const start = () => {
      if (next < count) call(next++, done)
    }
    /** @param {unknown} [error] */
    const done = (error) => {
      if (error !== undefined) reject(error)
      else if (--left === 0) resolve(undefined)
      else start()
    }
    for (let i = 0; i < window; i++) start()
  })
}

/** @param {number[]} latencies microseconds */
function percentiles(latencies) {
  latencies.sort((a, b) => a - b)
  /** @param {number} share */
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]
  return { p50: at(0.5), p99: at(0.99) }
}

async function memory() {
  for (let i = 0; i < 3; i++) {
    global.gc?.()
    await sleep(50)
  }
  const { heapUsed, external } = process.memoryUsage()
  const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
  return { heap: heapUsed + external, resident }
}

/** @param {{ heap: number, resident: number }} before @param {{ heap: number, resident: number }} after @param {number} count */
const each = (before, after, count) => ({
  heapBytes: (after.heap - before.heap) / count,
  residentBytes: (after.resident - before.resident) / count,
})

/** @param {Adapter} zk @returns {Record<string, (options: any) => Promise<object>>} */
function commands(zk) {
  /** @param {string} kind @param {string} path @param {Done} done */
  const request = (kind, path, done) => (kind === 'set' ? zk.set(path, data, done) : zk.get(path, done))

  /** @param {string} kind @param {number} seconds */
  async function sequential(kind, seconds) {
    /** @type {number[]} */
    const latencies = []
    const until = performance.now() + seconds * 1000
    await new Promise((resolve, reject) => {
      let i = 0
      let sentAt = 0
      const next = () => {
        sentAt = performance.now()
        request(kind, paths[i++ % znodes] ?? '', done)
      }
      /** @param {unknown} [error] */
      const done = (error) => {
        const now = performance.now()
        latencies.push((now - sentAt) * 1000)
        if (error !== undefined) reject(error)
        else if (now < until) next()
        else resolve(undefined)
      }
      next()
    })
    return latencies
  }

  /** @param {string} kind @param {number} window @param {number} seconds @returns {Promise<number>} */
  function pipelined(kind, window, seconds) {
    return new Promise((resolve, reject) => {
      const until = performance.now() + seconds * 1000
      let count = 0
      let open = window
      let isOver = false
      /** @param {number} i */
      const worker = (i) => {
        let at = i
        /** @param {unknown} [error] */
        const done = (error) => {
          if (error !== undefined) return reject(error)
          if ((++count & 255) === 0) isOver = performance.now() >= until
          if (isOver) {
            if (--open === 0) resolve(count)
            return
          }
          at = (at + window) % znodes
          request(kind, paths[at] ?? '', done)
        }
        request(kind, paths[at % znodes] ?? '', done)
      }
      for (let i = 0; i < window; i++) worker(i)
    })
  }

  let heard = 0
  /** @type {(() => void) | undefined} */
  let wake
  const onEvent = () => {
    heard++
    wake?.()
  }
  /** Resolves to true when `count` events arrived within `ms`. @param {number} count @param {number} ms */
  const events = (count, ms) =>
    new Promise((resolve) => {
      const timer = setTimeout(() => settle(false), ms)
      /** @param {boolean} ok */
      const settle = (ok) => {
        clearTimeout(timer)
        wake = undefined
        resolve(ok)
      }
      wake = () => heard >= count && settle(true)
      wake()
    })

  return {
    async prepare() {
      await promised((done) => zk.create('/bench', data, done))
      await all(znodes, 100, (i, done) => zk.create(paths[i] ?? '', data, done))
      return {}
    },

    async sequential({ kind, seconds, warmUp }) {
      await sequential(kind, warmUp)
      const cpu = cpuUs()
      const latencies = await sequential(kind, seconds)
      const cpuPerOpUs = (cpuUs() - cpu) / latencies.length
      return { count: latencies.length, perSecond: latencies.length / seconds, cpuPerOpUs, ...percentiles(latencies) }
    },

    async pipelined({ kind, window, seconds, warmUp }) {
      await pipelined(kind, window, warmUp)
      const cpu = cpuUs()
      const startedAt = performance.now()
      const count = await pipelined(kind, window, seconds)
      const elapsed = (performance.now() - startedAt) / 1000
      return { count, perSecond: count / elapsed, cpuPerOpUs: (cpuUs() - cpu) / count }
    },

    async deliver({ watches, seconds, warmUp }) {
      let count = 0
      let elapsed = 0
      let cpu = 0
      for (let isWarm = false, spent = 0; spent < seconds || !isWarm; ) {
        if (!isWarm && spent >= warmUp) {
          isWarm = true
          count = elapsed = cpu = spent = 0
        }
        const begun = performance.now()
        heard = 0
        await all(watches, 1000, (i, done) => zk.watch(watchedPath(i), onEvent, done))
        const cpuAt = cpuUs()
        const startedAt = performance.now()
        const reply = promised((done) => zk.set('/fire', data, done))
        if (!(await events(watches, 30_000))) throw new Error(`${heard} of ${watches} events came`)
        elapsed += performance.now() - startedAt
        cpu += cpuUs() - cpuAt
        await reply
        count += watches
        spent += (performance.now() - begun) / 1000
      }
      return { count, perSecond: (count / elapsed) * 1000, cpuPerOpUs: cpu / count }
    },

    async notify({ watches, seconds, warmUp }) {
      await all(watches, 1000, (i, done) => zk.watch(paths[i] ?? '', onEvent, done))
      /** @type {number[]} */
      let latencies = []
      const begun = performance.now()
      for (let i = 0, isWarm = false; ; i = (i + 1) % watches) {
        const spent = (performance.now() - begun) / 1000
        if (!isWarm && spent >= warmUp) {
          isWarm = true
          latencies = []
        }
        if (spent >= warmUp + seconds) break
        const path = paths[i] ?? ''
        const hearing = /** @type {Promise<void>} */ (
          new Promise((resolve) => {
            wake = resolve
          })
        )
        const sentAt = performance.now()
        const reply = promised((done) => zk.set(path, data, done))
        await hearing
        latencies.push((performance.now() - sentAt) * 1000)
        await reply
        await promised((done) => zk.watch(path, onEvent, done))
      }
      return { count: latencies.length, ...percentiles(latencies) }
    },

    async watches({ count }) {
      await all(5000, 1000, (i, done) => zk.get(paths[i % znodes] ?? '', done))
      const before = await memory()
      heard = 0
      await all(count, 1000, (i, done) => zk.watch(watchedPath(i), onEvent, done))
      return each(before, await memory(), count)
    },

    async rearm({ count, patience }) {
      const cutAt = performance.now()
      zk.set('/cut', data, () => {})
      /** @param {Promise<unknown>} answer */
      const within = (answer) =>
        Promise.race([
          answer.then(
            (value) => value ?? true,
            () => false,
          ),
          sleep(2000),
        ])
      let usableAfter = -1
      let stats
      while (stats === undefined && performance.now() - cutAt < patience * 1000) {
        if (await within(promised((done) => zk.get('/bench', done)))) {
          usableAfter = performance.now() - cutAt
          // A client that is cut off again because of its first requests has not returned.
          await sleep(200)
          const reply = await within(zk.read('/stats'))
          if (reply instanceof Uint8Array) stats = JSON.parse(Buffer.from(reply).toString())
        } else await sleep(2)
      }
      if (stats === undefined) return { usable: false }
      heard = 0
      zk.set('/fire', data, () => {})
      await events(count, 5000)
      return { usable: true, usableAfterMs: usableAfter, heard, ...stats }
    },

    async pending({ count }) {
      await all(20_000, 1000, (i, done) => zk.get(paths[i % znodes] ?? '', done))
      const before = await memory()
      const answers = all(count, count, (i, done) => zk.get(`/hold${paths[i % znodes]}`, done))
      await sleep(1000)
      const after = await memory()
      await promised((done) => zk.get('/release', done))
      await answers
      return each(before, after, count)
    },
  }
}

/** Connects, says so, and executes the runner's commands, each a line of JSON. @param {(port: string) => Promise<Adapter>} open */
export async function drive(open) {
  const zk = await open(process.argv[2] ?? '')
  const known = commands(zk)
  /** @param {object} answer */
  const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`)
  say({ ok: true })
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...options } = JSON.parse(line)
    try {
      if (known[command] === undefined) throw new Error(`no command ${command}`)
      say({ ok: true, ...(await known[command](options)) })
    } catch (error) {
      say({ ok: false, reason: String(error) })
    }
  }
  process.exit(0)
}
