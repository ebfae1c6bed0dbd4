// @ts-check
/** Both packages in one program: names that differ, and whether an error of the one is an error to the other. */
import * as client from '@lightkeeper/client'
import * as lightkeeper from 'lightkeeper'
import { startServer } from 'lightkeeper/server'
import { SeededRandom } from 'lightkeeper/testing'

/** @type {Readonly<Record<string, unknown>>} */
const [one, other] = [client, lightkeeper]
const names = [...new Set([...Object.keys(one), ...Object.keys(other)])]
const different = names.filter((name) => one[name] !== other[name])

const server = await startServer({ port: 0 })
const zk = await lightkeeper.connect(server, { runtime: { random: new SeededRandom(7) } })
const error = await zk.get('/nowhere').catch((/** @type {unknown} */ reason) => reason)
const isKnown = client.KeeperError.is(error, 'NO_NODE') && lightkeeper.KeeperError.is(error, 'NO_NODE')
await zk.close()
await server.close()
console.log(JSON.stringify({ names: names.length, different, isKnown }))
