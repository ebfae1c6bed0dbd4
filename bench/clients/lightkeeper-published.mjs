// @ts-check
/** Driver of our client as it is published: the second argument is the module, which is imported or required by its ending. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { drive } from './driver.mjs'
import { adapterOf } from './lightkeeper-adapter.mjs'

const file = process.argv[3] ?? ''
const require = createRequire(import.meta.url)
/** @type {typeof import('@lightkeeper/client')} */
const { connect } = file.endsWith('.cjs') ? require(file) : await import(pathToFileURL(file).href)

await drive(async (port) => adapterOf(await connect(`127.0.0.1:${port}`)))
