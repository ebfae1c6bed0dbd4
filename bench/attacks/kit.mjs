// @ts-check
/** What attacks share. An attack is a function: what it sets up does not count, what is begun by `begin` does. All of them end by themselves. */
import { opCode, openAcl, writeMultiRequest, writePathWatchRequest, writeSetDataRequest } from '@lightkeeper/protocol'

/** @typedef {Awaited<ReturnType<typeof import('../support/wire.mjs').dial>>} Client */
/** @typedef {(writer: import('@lightkeeper/protocol').Writer) => void} Body */
/**
 * `needs` says what the server must have for it. `boundMiB` is how much memory our server may take for it where that is more than 64
 * MiB, without and with TLS; docs/performance/attacks.md has the reason of each.
 * @typedef {{ name: string, needs?: 'tls' | 'sasl', boundMiB?: readonly [plain: number, tls: number], setUp(port: number): Promise<() => Promise<void>> }} Attack
 */

/** @param {number} ms */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
/** Waits for a promise, but no longer than some seconds: the server may never answer. @param {Promise<unknown>} promise @param {number} [ms] */
export const atMost = (promise, ms = 8_000) => Promise.race([promise.catch(() => {}), pause(ms)])
/** Runs `task` again and again for so long: the second client needs some hundred requests meanwhile, since the p99 of twenty is the longest of them. @param {number} ms @param {(round: number) => Promise<unknown>} task */
export async function during(ms, task) {
  const end = performance.now() + ms
  for (let round = 0; performance.now() < end; round++) await task(round)
}
/** @param {string} path @param {boolean} [watch] @returns {Body} */
export const at =
  (path, watch = false) =>
  (writer) =>
    writePathWatchRequest(writer, { path, watch })
/** @param {string} path @param {Uint8Array} [data] @returns {Body} */
export const set =
  (path, data = new Uint8Array(10)) =>
  (writer) =>
    writeSetDataRequest(writer, { path, data, version: -1 })

/** @param {string} path @param {number} [flags] */
const creation = (path, flags = 0) =>
  /** @type {const} */ ({ type: opCode.create, path, data: null, acl: openAcl, flags })

/** Creates in multis of a thousand. @param {Client} client @param {readonly string[]} paths @param {number} [flags] */
export async function createAll(client, paths, flags = 0) {
  for (let i = 0; i < paths.length; i += 1000) {
    const operations = paths.slice(i, i + 1000).map((path) => creation(path, flags))
    await client.call(opCode.multi, (writer) => writeMultiRequest(writer, operations))
  }
}

/** A path of many levels, made level by level. @param {Client} client @param {number} levels */
export async function createDeep(client, levels) {
  for (let from = 1; from <= levels; from += 200) {
    const calls = []
    for (let level = from; level < from + 200 && level <= levels; level++) calls.push(client.create('/d'.repeat(level)))
    await Promise.all(calls)
  }
  return '/d'.repeat(levels)
}
