/** Paths of children and parents. */
import type { ZnodePath } from '@lightkeeper/client'

export function below(parent: ZnodePath, name: string): ZnodePath {
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}

export function nameOf(path: ZnodePath): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The path above a path that is not the root. */
export function parentOf(path: ZnodePath): ZnodePath {
  const at = path.lastIndexOf('/')
  return at <= 0 ? '/' : (path.slice(0, at) as ZnodePath)
}
