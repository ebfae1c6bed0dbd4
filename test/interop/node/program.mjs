// node-zookeeper-client against a server: node program.mjs PACKAGE HOSTS main | PACKAGE HOSTS hold PATH
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'

const [, , packageFolder, hosts, mode, held] = process.argv
const zookeeper = createRequire(`${packageFolder}/`)('node-zookeeper-client')
const { CreateMode, Exception } = zookeeper

const step = (name, ok, detail = '') =>
  console.log(JSON.stringify({ step: name, ok: Boolean(ok), detail: String(detail) }))
/** A method of `target` that takes a callback last, as a promise of what the callback gets besides the error. */
const call = (target, method, ...args) =>
  new Promise((resolve, reject) => {
    target[method](...args, (error, ...results) => (error ? reject(error) : resolve(results)))
  })
const fails = async (code, promise) => {
  try {
    await promise
  } catch (error) {
    return error.getCode?.() === code
  }
  return false
}
const open = (sessionTimeout) =>
  new Promise((resolve) => {
    const client = zookeeper.createClient(hosts, { sessionTimeout, spinDelay: 100, retries: 3 })
    client.once('connected', () => resolve(client))
    client.connect()
  })
const watched = (register) => new Promise((resolve, reject) => void register(resolve).catch(reject))
const soon = (promise) => Promise.race([promise, sleep(10_000).then(() => ({ getName: () => 'nothing' }))])

const zk = await open(mode === 'hold' ? 2_000 : 6_000)
if (mode === 'hold') {
  await call(zk, 'create', held, Buffer.from(''), CreateMode.EPHEMERAL)
  step('holding', true)
  await sleep(60_000)
}
const root = '/node'
step('connect', !zk.getSessionId().equals(Buffer.alloc(8)))
step('create', (await call(zk, 'create', root, Buffer.from('x')))[0] === root)
step('set', (await call(zk, 'setData', root, Buffer.from('yy'), 0))[0].version === 1)
const [data, stat] = await call(zk, 'getData', root)
step('get', data.toString() === 'yy' && stat.dataLength === 2, stat)
step(
  'errors',
  (await fails(Exception.NODE_EXISTS, call(zk, 'create', root))) &&
    (await fails(Exception.NO_NODE, call(zk, 'getData', '/nowhere'))) &&
    (await fails(Exception.BAD_VERSION, call(zk, 'setData', root, Buffer.from(''), 9))),
)
const [first] = await call(zk, 'create', `${root}/s-`, Buffer.from(''), CreateMode.PERSISTENT_SEQUENTIAL)
const [second] = await call(zk, 'create', `${root}/s-`, Buffer.from(''), CreateMode.EPHEMERAL_SEQUENTIAL)
step('sequence', first === `${root}/s-0000000000` && second === `${root}/s-0000000001`, [first, second])
step('children', (await call(zk, 'getChildren', root))[0].length === 2)
await call(zk, 'mkdirp', `${root}/a/b/c`)
step('mkdirp', (await call(zk, 'exists', `${root}/a/b/c`))[0] !== null)

const ofData = watched((heard) => call(zk, 'getData', root, heard))
await call(zk, 'setData', root, Buffer.from('z'), -1)
step('data-watch', (await soon(ofData)).getName() === 'NODE_DATA_CHANGED')
const ofChildren = watched((heard) => call(zk, 'getChildren', root, heard))
await call(zk, 'create', `${root}/new`)
step('child-watch', (await soon(ofChildren)).getName() === 'NODE_CHILDREN_CHANGED')
const ofExistence = watched((heard) => call(zk, 'exists', `${root}/later`, heard))
await call(zk, 'create', `${root}/later`, Buffer.from(''), CreateMode.EPHEMERAL)
step('exists-watch', (await soon(ofExistence)).getName() === 'NODE_CREATED')

const [results] = await call(
  zk
    .transaction()
    .create(`${root}/m`)
    .setData(`${root}/m`, Buffer.from('1'), 0)
    .check(`${root}/m`, 1)
    .remove(`${root}/m`, 1),
  'commit',
)
step('multi', results.length === 4 && (await call(zk, 'exists', `${root}/m`))[0] === null)
step(
  'multi-fails',
  (await fails(Exception.BAD_VERSION, call(zk.transaction().create(`${root}/m`).check(root, 99), 'commit'))) &&
    (await call(zk, 'exists', `${root}/m`))[0] === null,
)
zk.addAuthInfo('digest', Buffer.from('joe:pw'))
await call(zk, 'create', `${root}/secret`, Buffer.from('s'), zookeeper.ACL.CREATOR_ALL_ACL)
const other = await open(6_000)
step(
  'acl',
  (await fails(Exception.NO_AUTH, call(other, 'getData', `${root}/secret`))) &&
    (await call(zk, 'getData', `${root}/secret`))[0].toString() === 's' &&
    (await call(zk, 'getACL', `${root}/secret`))[0][0].id.scheme === 'digest',
)
const many = await Promise.all(Array.from({ length: 200 }, (_, i) => call(zk, 'create', `${root}/many-${i}`)))
step(
  'pipelined',
  many.every(([path], i) => path === `${root}/many-${i}`),
)

const session = zk.getSessionId().toString('hex')
const back = new Promise((resolve) => {
  zk.once('disconnected', () => zk.once('connected', resolve))
})
step('cut', true)
await Promise.race([back, sleep(20_000)])
step(
  'reconnect',
  zk.getSessionId().toString('hex') === session && (await call(zk, 'exists', `${root}/later`))[0] !== null,
)
let hear
const again = new Promise((resolve) => {
  hear = resolve
})
await call(zk, 'getData', root, hear)
await call(other.getState().getName() === 'SYNC_CONNECTED' ? other : zk, 'setData', root, Buffer.from('after'), -1)
step('watch-after-reconnect', (await soon(again)).getName() === 'NODE_DATA_CHANGED')
other.close()
zk.close()
step('close', true)
// Timers of what did not happen are still open.
process.exit(0)
