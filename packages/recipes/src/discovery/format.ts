/** How instances are written into znodes: what other languages' libraries read and write. */
import type { ZnodePath } from '@lightkeeper/client'
import { type Check, looking, nodeName, path, text, withMethods, wrongType } from '../arguments/checks.ts'
import { curator, spring } from './curator.ts'
import { dubbo } from './dubbo.ts'
import type { ServiceInstance } from './instance.ts'

export interface Format {
  /** Where services are if nothing else is said. */
  readonly base: ZnodePath
  /** How the znodes above an instance are made. */
  readonly parents: 'container' | 'persistent'
  /** The znode whose children are the instances of a service. */
  directory(base: ZnodePath, name: string): ZnodePath
  /** Names of the services, from the children of `base`. */
  serviceName(child: string): string
  /** Name of the znode. One that tells of more than the id changes when the instance does. */
  nodeName(instance: ServiceInstance): string
  encode(instance: ServiceInstance): Uint8Array
  /** @throws whatever is wrong with it. */
  decode(service: string, nodeName: string, data: Uint8Array): ServiceInstance
}

const formats = { curator, spring, dubbo } as const

/** `curator`: as x-discovery. `spring`: the same with the payload of Spring Cloud ZooKeeper. `dubbo`: Dubbo's interface registry. */
export type FormatName = keyof typeof formats

const own = withMethods<Format>(
  "'curator', 'spring', 'dubbo', or a format with directory(), serviceName(), nodeName(), encode() and decode()",
  ...['directory', 'serviceName', 'nodeName', 'encode', 'decode'],
)
export const format: Check<FormatName | Format> = (value, name, operation) => {
  if (typeof value === 'string' && Object.hasOwn(formats, value)) return value as FormatName
  const made = own(value, name, operation)
  path(made.base, `${name}.base`, operation)
  return made
}

export function formatOf(format: FormatName | Format): Format {
  return typeof format === 'string' ? formats[format] : format
}

/**
 * The directory of a service. Where a format puts the name into a path as it is, the name must be one of a znode.
 * @throws TypeError for a name that makes another directory.
 */
export function checkServiceName(format: Format, base: ZnodePath, name: unknown, operation: string): ZnodePath {
  const own = text(name, 'name', operation)
  const written = looking('name', operation, () => format.directory(base, own))
  const directory = path(written, 'name', operation)
  // The znode right below the base stands for one service.
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
