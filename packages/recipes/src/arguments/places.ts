/** The client and the path that nearly every recipe begins with, and names of znodes. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { type Check, describe, looking, pathProblem, withMethods, wrongType } from '@lightkeeper/client/arguments'
import { text } from './values.ts'

/** Longer than any server accepts, even one with many times the default `jute.maxbuffer`. */
const charactersMax = 1 << 20
const shownMax = 100

/** @throws TypeError where the value is no string; KeeperError BAD_ARGUMENTS, not sent, where the string is no path. */
export const path: Check<ZnodePath> = (value, name, operation) => {
  if (typeof value !== 'string') throw wrongType(operation, name, 'a string', value)
  const { length } = value
  const problem = length > charactersMax ? `a path of ${length} characters is too long` : pathProblem(value)
  if (problem === undefined) return value as ZnodePath
  throw badPath(problem, value, operation)
}

/** As `path`, but refuses the root. */
export const pathBelow: Check<ZnodePath> = (value, name, operation) => {
  const own = path(value, name, operation)
  if (own !== '/') return own
  throw badPath('the root itself cannot be used for this: name a znode below it', own, operation)
}

function badPath(message: string, given: string, operation: string): KeeperError {
  return new KeeperError('BAD_ARGUMENTS', { message, path: given.slice(0, shownMax), operation, outcome: 'not-sent' })
}

/** The name of a znode: text without a slash that a server accepts. */
export const nodeName: Check<string> = (value, name, operation) => {
  const own = text(value, name, operation)
  const problem = own === '' ? 'it is empty' : own.includes('/') ? 'it has a slash' : pathProblem(`/${own}`)
  if (problem === undefined) return own
  throw new TypeError(`${operation}: ${name} must be the name of a znode, not ${describe(value)}: ${problem}`)
}

const clientOf = withMethods<Client>('a client from connect()', 'create', 'watch', 'states')
export const client: Check<Client> = (value, name, operation) =>
  looking(name, operation, () => clientOf(value, name, operation))

/** Checks the client and the path of a recipe that needs a znode of its own. */
export function checkPlace(zk: unknown, place: unknown, operation: string): void {
  client(zk, 'zk', operation)
  pathBelow(place, 'path', operation)
}

/** As `checkPlace`, for a recipe whose path may be the root. */
export function checkPlaceOrRoot(zk: unknown, place: unknown, operation: string): void {
  client(zk, 'zk', operation)
  path(place, 'path', operation)
}
