/** Locks, read-write locks and elections: children in one line. */

import type { ZnodePath } from '@lightkeeper/client'
import type { Directories } from './directory.ts'
import { type InLine, inLine, inOrder, standings } from './line.ts'
import type { Layout, Structure } from './structure.ts'

export function lineAt(directories: Directories, path: ZnodePath): { structure: Structure } | undefined {
  const line = lineOf(directories, path)
  if (line.length === 0) return undefined
  const kind = line.some((each) => each.kind === 'election')
    ? 'election'
    : line.some(({ side, child }) => side === 'read' || child.name.includes('__WRIT__'))
      ? 'read-write lock'
      : 'lock'
  const layouts = layoutsOf(line)
  return { structure: { kind, path, layouts, ...standings(line), notes: notesOn(layouts) } }
}

/** The children of `path` that are in the line, first come first. */
export function lineOf(directories: Directories, path: string): InLine[] {
  return inOrder(directories.children(path).flatMap((child) => inLine(child) ?? []))
}

export function layoutsOf(line: readonly InLine[]): Layout[] {
  return [...new Set(line.map(({ layout }) => layout))].sort()
}

function notesOn(layouts: readonly Layout[]): string[] {
  if (layouts.length < 2 || layouts.every((each) => each === 'curator' || each === 'go-zk')) return []
  return [
    `${layouts.join(' and ')} names meet here: contenders of ours wait for all of them, those of other libraries may not see each other`,
  ]
}
