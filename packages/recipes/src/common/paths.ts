/** Paths of children. */
import type { ZnodePath } from '@lightkeeper/client'

export function below(parent: ZnodePath, name: string): ZnodePath {
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}

export function nameOf(path: ZnodePath): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
