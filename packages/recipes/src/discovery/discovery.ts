/** Services and where to reach them: registering, looking up, following. */
import { type CallOptions, type Client, type ZnodePath } from '@lightkeeper/client'
import { namesBelow } from '../common/names-below.ts'
import { below } from '../common/paths.ts'
import { type Format, type FormatName, formatOf } from './format.ts'
import type { Registering, ServiceInstance } from './instance.ts'
import { type RegisterOptions, Registration } from './registration.ts'
import { type ResolveOptions, Resolver } from './resolver.ts'

export interface DiscoveryOptions {
  /** Default `curator`. */
  readonly format?: FormatName | Format
}

export interface Discovery {
  readonly base: ZnodePath
  /**
   * Resolves when consumers can see the instance, which then stays registered until it is closed. Where another process that is
   * alive has the same id at another address, it waits until that goes.
   * @throws KeeperError with outcome `rejected` where a server refuses it; TypeError and RangeError for what is no instance; the
   *   reason of the signal.
   */
  register(instance: Registering, options?: RegisterOptions): Promise<Registration>
  /** Names of all services, in the order of the alphabet. Also of those without instances, while their znode is there. */
  names(options?: CallOptions): Promise<string[]>
  /** The instances of a service, read now; by id. What cannot be read as one is left out. Empty for a service nobody knows. */
  instances(name: string, options?: CallOptions): Promise<ServiceInstance[]>
  /** A live view of a service to pick from. Resolves when it is complete; a service nobody knows is empty until somebody comes. */
  resolve(name: string, options?: ResolveOptions): Promise<Resolver>
}

/** Services below `base`, by default where the format's own libraries look. Sends nothing by itself. */
export function discovery(zk: Client, base?: ZnodePath, options: DiscoveryOptions = {}): Discovery {
  const format = formatOf(options.format ?? 'curator')
  const root = base ?? format.base
  return {
    base: root,
    register: (instance, registering = {}) => Registration.make(zk, format, root, instance, registering),
    async names(calling) {
      return (await namesBelow(zk, root, calling ?? {})).map((child) => format.serviceName(child)).sort()
    },
    async instances(name, calling = {}) {
      const directory = format.directory(root, name)
      const children = await namesBelow(zk, directory, calling)
      const found = await Promise.all(
        children.map(async (child): Promise<ServiceInstance[]> => {
          const node = await zk.find(below(directory, child), calling)
          if (node === undefined) return []
          try {
            return [format.decode(name, child, node.data)]
          } catch {
            return []
          }
        }),
      )
      return found.flat().sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    },
    resolve: (name, resolving = {}) => Resolver.make(zk, format, format.directory(root, name), name, resolving),
  }
}
