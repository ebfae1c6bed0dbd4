/** A value of the one package passes for a value of the other, in both directions. */
import type * as client from '@lightkeeper/client'
import type * as lightkeeper from 'lightkeeper'
import type { World } from 'lightkeeper/testing'

export const there = (zk: client.Client, error: client.KeeperError): [lightkeeper.Client, lightkeeper.KeeperError] => [
  zk,
  error,
]
export const back = (zk: lightkeeper.Client, stat: lightkeeper.ZnodeStat): [client.Client, client.ZnodeStat] => [
  zk,
  stat,
]
/** The seams were copied into the client's types; what the test kit makes must fit all the same. */
export const simulated = (world: World): client.ConnectOptions => ({ runtime: world.runtime('here') })
