/**
 * `@lightkeeper/client/arguments`: the checks this client makes of its own arguments, for libraries built on it. A check gives back
 * the value where it cannot change, else a copy; it throws TypeError, or RangeError for a number of the right type, in words that
 * name the argument, what came and what is expected.
 */
export { pathProblem } from '@lightkeeper/protocol'
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
