/** The clients in a line, for people and programs that only look. */
import type { CallOptions, Client, ZnodePath } from '@lightkeeper/client'
import { jsonable } from '../common/json-form.ts'
import { below } from '../common/paths.ts'

/** One who holds a lock or waits for it. */
export interface Participant {
  /** The znode of the contender. */
  readonly path: ZnodePath
  /** The name of this znode, without its path. */
  readonly name: string
  /** The data of its znode: an address, an identifier, or nothing. */
  readonly data: Uint8Array
  /** The session that holds or waits. */
  readonly sessionId: bigint
  /** When it joined the line, by the server's clock. */
  readonly since: Date
  /** The zxid of the create of its znode: a later holder has a larger one. */
  readonly fencingToken: bigint
}

/** Reads the znodes of a line, in its order, without those that have left meanwhile. */
export async function participants(
  zk: Client,
  parent: ZnodePath,
  line: readonly { readonly name: string }[],
  options: CallOptions,
): Promise<Participant[]> {
  const found = await Promise.all(line.map(({ name }) => zk.find(below(parent, name), options)))
  return line.flatMap(({ name }, i) => {
    const each = found[i]
    if (each === undefined) return []
    const { ephemeralOwner, created, czxid } = each.stat
    const path = below(parent, name)
    return [jsonable({ path, name, data: each.data, sessionId: ephemeralOwner, since: created, fencingToken: czxid })]
  })
}
