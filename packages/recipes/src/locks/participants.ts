/** Who stands in line, for people and programs that look on. */
import type { CallOptions, Client, ZnodePath } from '@lightkeeper/client'
import { jsonable } from '../common/json-form.ts'
import { below } from '../common/paths.ts'

export interface Participant {
  readonly path: ZnodePath
  readonly name: string
  /** What it has put into its znode: an address, an identifier, nothing. */
  readonly data: Uint8Array
  readonly sessionId: bigint
  /** When it joined the line, by the server's clock. */
  readonly since: Date
  readonly fencingToken: bigint
}

/** Reads the znodes of a line, in its order; those that left meanwhile are left out. */
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
