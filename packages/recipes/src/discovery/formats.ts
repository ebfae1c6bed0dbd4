/** The formats that libraries of other languages read and write. */
import { type Check, withMethods } from '@lightkeeper/client/arguments'
import { path } from '../arguments/places.ts'
import { curator, spring } from './curator.ts'
import { dubbo } from './dubbo.ts'
import type { Format } from './format.ts'

/** `curator`: x-discovery. `spring`: the same with the payload of Spring Cloud ZooKeeper. `dubbo`: Dubbo's interface registry. */
export type FormatName = 'curator' | 'spring' | 'dubbo'

/** A Map, because a plain object also has names like `constructor`. */
const formats: ReadonlyMap<unknown, Format> = new Map<FormatName, Format>([
  ['curator', curator],
  ['spring', spring],
  ['dubbo', dubbo],
])

const own = withMethods<Format>(
  "'curator', 'spring', 'dubbo', or a format with directory(), serviceName(), nodeName(), encode() and decode()",
  ...['directory', 'serviceName', 'nodeName', 'encode', 'decode'],
)

/** A format by its name, or one that the user made. @throws TypeError for anything else. */
export const format: Check<Format> = (value, name, operation) => {
  const known = formats.get(value)
  if (known !== undefined) return known
  const made = own(value, name, operation)
  path(made.base, `${name}.base`, operation)
  return made
}
