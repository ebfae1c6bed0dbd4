/** How the instances of services are written into znodes. formats.ts has the existing formats. */
import type { ZnodePath } from '@lightkeeper/client'
import { looking, wrongType } from '@lightkeeper/client/arguments'
import { nodeName, path } from '../arguments/places.ts'
import { text } from '../arguments/values.ts'
import type { ServiceInstance } from './instance.ts'

/** How instances of services are written into znodes. */
export interface Format {
  /** Default base of the services. */
  readonly base: ZnodePath
  /** How to create the znodes above an instance. */
  readonly parents: 'container' | 'persistent'
  /** The znode whose children are the instances of a service. */
  directory(base: ZnodePath, name: string): ZnodePath
  /** Names of the services, from the children of `base`. */
  serviceName(child: string): string
  /** Name of the znode of an instance. If the name contains more than the id, it changes with the instance. */
  nodeName(instance: ServiceInstance): string
  /** The data of the znode of an instance. */
  encode(instance: ServiceInstance): Uint8Array
  /** @throws any error for a znode that holds no instance. */
  decode(service: string, nodeName: string, data: Uint8Array): ServiceInstance
}

/**
 * The directory of a service. A format that uses the name as a path element needs a name that is valid for one znode.
 * @throws TypeError for a name that would give the directory of another service.
 */
export function checkServiceName(format: Format, base: ZnodePath, name: unknown, operation: string): ZnodePath {
  const own = text(name, 'name', operation)
  const written = looking('name', operation, () => format.directory(base, own))
  const directory = path(written, 'name', operation)
  // The znode right below the base represents one service.
  const child = directory.slice(base === '/' ? 1 : base.length + 1).split('/')[0] ?? ''
  nodeName(child, 'name', operation)
  let read: string | undefined
  try {
    read = format.serviceName(child)
  } catch {
    read = undefined
  }
  if (own === '' || read !== own) throw wrongType(operation, 'name', 'the name of one znode, without a slash', name)
  return directory
}
