/** Services and where to reach them: registering, looking up, following. */
import type { CallOptions, Client, ZnodePath } from '@lightkeeper/client'
import { callOptions } from '../arguments/calls.ts'
import { checkPlaceOrRoot, optionsOf } from '../arguments/checks.ts'
import { namesBelow } from '../common/names-below.ts'
import { below } from '../common/paths.ts'
import { checkServiceName, type Format, type FormatName, format as formatCheck, formatOf } from './format.ts'
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
  const own = discoveryOptions(options, 'discovery')
  const format = formatOf(own.format ?? 'curator')
  const root = base ?? format.base
  checkPlaceOrRoot(zk, root, 'discovery')
  return {
    base: root,
    register: (instance, registering) => Registration.make(zk, format, root, instance, registering),
    async names(calling) {
      const children = await namesBelow(zk, root, callOptions(calling, 'names'))
      return children.flatMap((child) => nameOrNone(format, child)).sort()
    },
    async instances(name, options) {
      const calling = callOptions(options, 'instances')
      const directory = checkServiceName(format, root, name, 'instances')
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
    async resolve(name, resolving) {
      return Resolver.make(zk, format, checkServiceName(format, root, name, 'resolve'), name, resolving)
    },
  }
}

/** None for a child that stands for no service in this format. */
function nameOrNone(format: Format, child: string): string[] {
  try {
    return [format.serviceName(child)]
  } catch {
    return []
  }
}

const discoveryOptions = optionsOf<DiscoveryOptions>({ format: formatCheck })
