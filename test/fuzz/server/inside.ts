/** The parts of a server that runs, which `startServer` keeps to itself. */
import type { RunningServer } from '@lightkeeper/server'
import type { Replica } from '../../../packages/server/src/replica.ts'
import { ClientListener } from '../../../packages/server/src/transport/client-listener.ts'

export interface Inside {
  readonly listener: ClientListener
  readonly replica: Replica
}

let latest: Inside | undefined
const { serve } = ClientListener.prototype
ClientListener.prototype.serve = function (replica) {
  if (replica !== undefined) latest = { listener: this, replica }
  serve.call(this, replica)
}

/** The server that was started last. */
export function insideOf(_server: RunningServer): Inside {
  if (latest === undefined) throw new Error('no server was started')
  return latest
}
