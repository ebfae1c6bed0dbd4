/** Before the first file of the lane: every package is packed, into .cache/pack. */
import { packAll } from '../../scripts/pack.mjs'

export default async function setup(): Promise<void> {
  await packAll()
}
