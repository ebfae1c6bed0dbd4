/** Paths as users give them. */
import { KeeperError, pathProblem, type ZnodePath } from '@lightkeeper/protocol'
import { type Check, wrongType } from './checks.ts'

/** Longer than any server accepts, even one whose `jute.maxbuffer` is many times the default. */
const charactersMax = 1 << 20

/** @throws TypeError where the value is no string; KeeperError BAD_ARGUMENTS, not sent, where the string is no path. */
export function checkPath(
  path: unknown,
  operation: string,
  sequential = false,
  name = 'path',
): asserts path is ZnodePath {
  if (typeof path !== 'string') throw wrongType(operation, name, 'a string', path)
  const isLong = path.length > charactersMax
  const problem = isLong ? `a path of ${path.length} characters is too long` : pathProblem(path, sequential)
  if (problem === undefined) return
  const shown = isLong ? `${path.slice(0, 100)}…` : path
  throw new KeeperError('BAD_ARGUMENTS', { message: problem, path: shown, operation, outcome: 'not-sent' })
}

/** Several paths, by the names of their arguments. */
export function checkPaths(paths: Readonly<Record<string, unknown>>, operation: string): void {
  for (const [name, each] of Object.entries(paths)) checkPath(each, operation, false, name)
}

export const path: Check<ZnodePath> = (value, name, operation) => {
  checkPath(value, operation, false, name)
  return value
}
