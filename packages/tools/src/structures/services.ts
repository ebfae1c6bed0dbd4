/** Services: Curator's x-discovery, which ours and Spring's also use, and Dubbo's registry. */
import type { ZnodePath } from '@lightkeeper/client'
import { type Child, type Directories, partyOf } from './directory.ts'
import type { Party, Structure } from './structure.ts'

export function serviceAt(directories: Directories, path: ZnodePath): { structure: Structure } | undefined {
  const children = directories.children(path)
  const curator = children.flatMap((child) => curatorInstance(child) ?? [])
  if (curator.length > 0) return { structure: serviceOf(path, 'curator', curator) }
  const dubbo = path.endsWith('/providers') ? children.flatMap((child) => dubboInstance(child) ?? []) : []
  return dubbo.length > 0 ? { structure: serviceOf(path, 'dubbo', dubbo) } : undefined
}

function serviceOf(path: ZnodePath, layout: 'curator' | 'dubbo', holders: readonly Party[]): Structure {
  return { kind: 'service', path, layouts: [layout], holders, waiters: [], notes: [] }
}

interface Instance {
  readonly name?: unknown
  readonly id?: unknown
  readonly address?: unknown
  readonly port?: unknown
  readonly serviceType?: unknown
}

/** An instance's znode has its id as name, with a number behind it if the znode is sequential. */
function curatorInstance(child: Child): Party | undefined {
  if (child.data[0] !== 0x7b) return undefined
  let instance: Instance
  try {
    instance = JSON.parse(new TextDecoder().decode(child.data)) as Instance
  } catch {
    return undefined
  }
  const { name, id, address, port, serviceType } = instance
  if (typeof name !== 'string' || typeof id !== 'string' || !child.name.startsWith(id)) return undefined
  if (address === undefined && serviceType === undefined) return undefined
  const where = typeof address === 'string' ? address : ''
  return { ...partyOf(child), id: typeof port === 'number' ? `${where}:${port}` : where || undefined }
}

/** Everything is in the name, an encoded URL. */
function dubboInstance(child: Child): Party | undefined {
  let text: string
  try {
    text = decodeURIComponent(child.name.replaceAll('+', ' '))
  } catch {
    return undefined
  }
  const [, host] = /^[a-z][a-z0-9+.-]*:\/\/([^/?]+)/i.exec(text) ?? []
  return host === undefined ? undefined : { ...partyOf(child), id: host.replace(/^.*@/, '') }
}
