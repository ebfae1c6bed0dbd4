/** Services and their addresses: registers instances, looks them up, follows them. */
import type { CallOptions, Client, ZnodePath } from '@lightkeeper/client'
import { callOptions, optionsOf } from '../arguments/options.ts'
import { checkPlaceOrRoot } from '../arguments/places.ts'
import { namesBelow } from '../common/names-below.ts'
import { below } from '../common/paths.ts'
import { curator } from './curator.ts'
import { checkServiceName, type Format } from './format.ts'
import { type FormatName, format as formatCheck } from './formats.ts'
import type { Registering, ServiceInstance } from './instance.ts'
import { type RegisterOptions, Registration } from './registration.ts'
import { type ResolveOptions, Resolver } from './resolver.ts'

/** The options of `discovery`. */
export interface DiscoveryOptions {
  /** Default `curator`. */
  readonly format?: FormatName | Format
}

/** Services below one path: registers instances, and finds them. */
export interface Discovery {
  /** The znode below which services are. */
  readonly base: ZnodePath
  /**
   * Resolves when consumers can see the instance; it stays registered until it is closed. If another live process has the same id
   * at another address, the call waits until that instance goes.
   * @throws KeeperError with outcome `rejected` where a server refuses it; TypeError and RangeError for an invalid instance;
   * TIMEOUT; the reason of the signal.
   */
  register(instance: Registering, options?: RegisterOptions): Promise<Registration>
  /** Names of all services, sorted. Services without instances are included while their znode exists. */
  names(options?: CallOptions): Promise<string[]>
  /**
   * The instances of a service, read now, sorted by id; empty for an unknown service. A znode that holds no instance is left out.
   */
  instances(name: string, options?: CallOptions): Promise<ServiceInstance[]>
  /**
   * A live view of a service to pick instances from. Resolves when it is complete. An unknown service is empty until an instance
   * comes.
   */
  resolve(name: string, options?: ResolveOptions): Promise<Resolver>
}

/** The services below `base`; its default is where the libraries of the format look. Sends nothing. */
export function discovery(zk: Client, base?: ZnodePath, options: DiscoveryOptions = {}): Discovery {
  const own = discoveryOptions(options as { readonly format?: Format }, 'discovery')
  const format = own.format ?? curator
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

/** Empty for a child that represents no service in this format. */
function nameOrNone(format: Format, child: string): string[] {
  try {
    return [format.serviceName(child)]
  } catch {
    return []
  }
}

const discoveryOptions = optionsOf<{ readonly format?: Format }>({ format: formatCheck })
