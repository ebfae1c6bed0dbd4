// @ts-check
/** Driver of our client. */
import { connect } from '@lightkeeper/client'
import { drive } from './driver.mjs'
import { adapterOf } from './lightkeeper-adapter.mjs'

await drive(async (port) => adapterOf(await connect(`127.0.0.1:${port}`)))
