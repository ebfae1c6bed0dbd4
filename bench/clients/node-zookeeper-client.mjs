// @ts-check
/** Driver of the npm package node-zookeeper-client. It is in the runner's cache; PEERS has the path. */
import { createRequire } from 'node:module'
import { drive } from './driver.mjs'

const zookeeper = createRequire(`${process.env['PEERS']}/`)('node-zookeeper-client')

await drive(async (port) => {
  const zk = zookeeper.createClient(`127.0.0.1:${port}`, { sessionTimeout: 30_000 })
  await new Promise((resolve) => {
    zk.once('connected', resolve)
    zk.connect()
  })
  return {
    get: (path, done) =>
      zk.getData(path, (/** @type {unknown} */ error, /** @type {Buffer} */ data) =>
        done(error ?? (data.length === 0 ? new Error(`no data at ${path}`) : undefined)),
      ),
    set: (path, bytes, done) => zk.setData(path, bytes, (/** @type {unknown} */ error) => done(error ?? undefined)),
    create: (path, bytes, done) =>
      zk.create(path, bytes, (/** @type {any} */ error) =>
        done(error?.getCode?.() === zookeeper.Exception.NODE_EXISTS ? undefined : (error ?? undefined)),
      ),
    watch: (path, onEvent, done) =>
      zk.getData(
        path,
        (/** @type {any} */ event) => event.getType() === zookeeper.Event.NODE_DATA_CHANGED && onEvent(),
        (/** @type {unknown} */ error) => done(error ?? undefined),
      ),
    read: (path) =>
      new Promise((resolve, reject) => {
        zk.getData(path, (/** @type {unknown} */ error, /** @type {Buffer} */ data) =>
          error ? reject(error) : resolve(data),
        )
      }),
    close: () => zk.close(),
  }
})
