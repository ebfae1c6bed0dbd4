/** Everything a client can learn of a server's tree, as text: two servers with equal dumps hold equal trees. */
import { createHash } from 'node:crypto'
import { type Client, KeeperError } from '@lightkeeper/client'
import type { ZnodePath } from '@lightkeeper/protocol'

/** A line a znode, by path: data, every number of the Stat, the ACL. `client` must be allowed to read it all. */
export async function dumpTree(client: Client): Promise<string[]> {
  const lines: string[] = []
  const visit = async (path: ZnodePath): Promise<void> => {
    const { data, stat } = await client.get(path)
    const { acl } = await client.getAcl(path)
    const { children } = await client.children(path)
    const numbers = [
      stat.czxid,
      stat.mzxid,
      stat.pzxid,
      stat.created.getTime(),
      stat.modified.getTime(),
      stat.version,
      stat.cversion,
      stat.aversion,
      stat.ephemeralOwner,
      stat.dataLength,
      stat.numChildren,
    ]
    const acls = acl.map(({ perms, id }) => `${perms}:${id.scheme}:${id.id}`)
    lines.push(`${path} ${show(data)} [${numbers.join(' ')}] ${acls.join(',')}`)
    for (const name of [...children].sort()) {
      await visit((path === '/' ? `/${name}` : `${path}/${name}`) as ZnodePath).catch((error: unknown) => {
        if (!KeeperError.is(error, 'NO_NODE')) throw error
      })
    }
  }
  await visit('/')
  return lines
}

function show(data: Uint8Array): string {
  const hex = Buffer.from(data).toString('hex')
  return data.length <= 40
    ? hex
    : `${data.length} bytes ${createHash('sha256').update(data).digest('hex').slice(0, 16)}`
}
