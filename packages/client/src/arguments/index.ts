/**
 * `@lightkeeper/client/arguments`: the checks that this client makes of its arguments, and how it listens to signals, for libraries that are built on it. A check
 * returns the value where it cannot change, else a copy. It throws a TypeError, or a RangeError for a number of the right type. The
 * message names the argument, the value and what is expected.
 */
export { pathProblem } from '@lightkeeper/protocol'
export { type ConnectString, parseConnectString } from '../connect-string.ts'
export { hearAbort, unhearAbort } from './abort.ts'
export { acl } from './acl.ts'
export {
  boolean,
  type Check,
  callable,
  interval,
  list,
  looking,
  noOptions,
  OptionSet,
  oneOf,
  outOfRange,
  signal,
  type Table,
  text,
  timeout,
  version,
  wellFormed,
  whole,
  withMethods,
  wrongType,
  zxid,
} from './checks.ts'
export { dataOf, isBytes, steady } from './data.ts'
export { describe } from './describe.ts'
