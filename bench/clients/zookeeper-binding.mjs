// @ts-check
/** Driver of the npm package zookeeper, Node's binding to the C client. It is in the runner's cache; PEERS has the path. */
import { createRequire } from 'node:module'
import { drive } from './driver.mjs'

const ZooKeeper = createRequire(`${process.env['PEERS']}/`)('zookeeper')

await drive(async (port) => {
  const zk = new ZooKeeper({
    connect: `127.0.0.1:${port}`,
    timeout: 30_000,
    debug_level: 1,
    host_order_deterministic: false,
  })
  await new Promise((resolve) => {
    zk.once('connect', resolve)
    zk.init({})
  })
  const nodeExists = -110
  return {
    get: (path, done) =>
      zk.a_get(path, false, (/** @type {number} */ code, _error, _stat, /** @type {Buffer} */ data) =>
        done(code !== 0 ? code : data.length === 0 ? new Error(`no data at ${path}`) : undefined),
      ),
    set: (path, bytes, done) =>
      zk.a_set(path, bytes, -1, (/** @type {number} */ code) => done(code === 0 ? undefined : code)),
    create: (path, bytes, done) =>
      zk.a_create(path, bytes, 0, (/** @type {number} */ code) =>
        done(code === 0 || code === nodeExists ? undefined : code),
      ),
    watch: (path, onEvent, done) =>
      zk.aw_get(
        path,
        (/** @type {number} */ type) => type === ZooKeeper.ZOO_CHANGED_EVENT && onEvent(),
        (/** @type {number} */ code) => done(code === 0 ? undefined : code),
      ),
    read: (path) =>
      new Promise((resolve, reject) => {
        zk.a_get(path, false, (/** @type {number} */ code, _error, _stat, /** @type {Buffer} */ data) =>
          code === 0 ? resolve(data) : reject(code),
        )
      }),
    close: () => zk.close(),
  }
})
