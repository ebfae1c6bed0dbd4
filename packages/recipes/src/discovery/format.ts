/** How instances are written into znodes: what other languages' libraries read and write. */
import type { ZnodePath } from '@lightkeeper/client'
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

export function formatOf(format: FormatName | Format): Format {
  return typeof format === 'string' ? formats[format] : format
}
