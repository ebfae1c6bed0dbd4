/** Paths as people type them in a shell: relative to a current znode, with `.` and `..`. */
import { joinPath, parentPath, pathProblem, type ZnodePath } from '@lightkeeper/protocol'

/**
 * The path that `text` means at the znode `at`. A slash at the end has no meaning, except with `sequential`: there it leaves the name
 * to the counter alone.
 * @throws RangeError for a name that no znode can have.
 */
export function resolvePath(at: ZnodePath, text: string, sequential = false): ZnodePath {
  if (text === '') throw new RangeError('a path must not be empty')
  let path: ZnodePath = text.startsWith('/') ? '/' : at
  for (const name of text.split('/')) {
    if (name === '' || name === '.') continue
    path = name === '..' ? parentPath(path) : joinPath(path, name)
  }
  if (sequential && text.endsWith('/') && path !== '/') path = `${path}/`
  const problem = pathProblem(path, sequential)
  if (problem !== undefined) throw new RangeError(`"${text}": ${problem}`)
  return path
}
