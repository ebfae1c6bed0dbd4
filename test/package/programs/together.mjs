// @ts-check
/**
 * Both packages in one program, imported and required: names that differ, and whether an error of the one is an error to the other.
 */
import { createRequire } from 'node:module'
import * as client from '@lightkeeper/client'
import * as lightkeeper from 'lightkeeper'
import * as recipes from 'lightkeeper/recipes'
import * as server from 'lightkeeper/server'
import { startServer } from 'lightkeeper/server'
import * as testing from 'lightkeeper/testing'
import * as sim from 'lightkeeper/testing/sim'

const require = createRequire(import.meta.url)
/** Names that lead to different values. @param {Readonly<Record<string, unknown>>[]} copies */
const differing = (...copies) =>
  [...new Set(copies.flatMap(Object.keys))].filter((name) => copies.some((copy) => copy[name] !== copies[0]?.[name]))

const different = [
  ...differing(client, lightkeeper, required('@lightkeeper/client'), required('lightkeeper')),
  ...differing(recipes, required('lightkeeper/recipes')),
  ...differing(server, required('lightkeeper/server')),
  ...differing(testing, required('lightkeeper/testing')),
  ...differing(sim, required('lightkeeper/testing/sim')),
]
if (sim.SeededRandom !== testing.SeededRandom) different.push('SeededRandom of the simulator')

/** What `require` gives, without the mark that compilers look for. @param {string} name */
function required(name) {
  const { __esModule: _, ...values } = require(name)
  return values
}

const running = await startServer({ port: 0 })
const zk = await lightkeeper.connect(running, { runtime: { random: new testing.SeededRandom(7) } })
const error = await zk.get('/nowhere').catch((/** @type {unknown} */ reason) => reason)
const isKnown = client.KeeperError.is(error, 'NO_NODE') && lightkeeper.KeeperError.is(error, 'NO_NODE')
const isOne = error instanceof require('@lightkeeper/client').KeeperError
await zk.close()
await running.close()
console.log(JSON.stringify({ names: Object.keys(client).length, different, isKnown, isOne }))
