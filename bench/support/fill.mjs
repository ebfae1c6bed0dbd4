// @ts-check
/** Fills a server with very many znodes: over a few connections, a window of requests on each. */
import { opCode, openAcl, writeCreateRequest } from '@lightkeeper/protocol'
import { requestFrame } from '../../test/support/frames.mjs'
import { dial } from './wire.mjs'

const connections = 8
const window = 64

/** @param {number} xid @param {string} path @param {Uint8Array} data */
const create = (xid, path, data) =>
  requestFrame(xid, opCode.create, (writer) => writeCreateRequest(writer, { path, data, acl: openAcl, flags: 0 }))

/**
 * Creates `znodes` znodes with `data`, spread over `folders` folders `ROOT/d0`, `ROOT/d1`… @throws Error where a create fails.
 * @param {number} port @param {{ root: string, folders: number, znodes: number, data: Uint8Array }} plan
 */
export async function fill(port, { root, folders, znodes, data }) {
  let failed = 0
  const nothing = new Uint8Array(0)
  const first = await dial(port)
  for (const path of [root, ...Array.from({ length: folders }, (_, i) => `${root}/d${i}`)]) {
    if ((await first.create(path, nothing)) !== 0) failed++
  }
  first.socket.end()
  let next = 0
  await Promise.all(
    Array.from({ length: connections }, async () => {
      let inFlight = 0
      let xid = 0
      /** @type {() => void} */
      let finished = () => {}
      const done = new Promise((resolve) => (finished = () => resolve(undefined)))
      const reply = (/** @type {number} */ err) => {
        if (err !== 0) failed++
        inFlight--
        // In halves, so that many leave in one write.
        if (inFlight <= window / 2) more()
      }
      const { socket } = await dial(port, { reply, timeOut: 40_000 })
      const more = () => {
        const frames = []
        while (inFlight < window && next < znodes) {
          frames.push(create(++xid, `${root}/${nameOf(next, folders)}`, data))
          next++
          inFlight++
        }
        if (frames.length > 0) socket.write(Buffer.concat(frames))
        else if (inFlight === 0) finished()
      }
      more()
      await done
      socket.end()
    }),
  )
  if (failed > 0) throw new Error(`${failed} creates failed`)
}

/** The path of znode `i` below the root of a fill. @param {number} i @param {number} folders */
export function nameOf(i, folders) {
  return `d${i % folders}/node-${String(i).padStart(10, '0')}`
}
