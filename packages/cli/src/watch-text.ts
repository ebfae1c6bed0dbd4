/** A change of a watch stream as a line for people. */
import type { WatchChange } from '@lightkeeper/client'
import { hexOf, printable, textOf } from './output.ts'

export function changeText(change: WatchChange): string {
  switch (change.kind) {
    case 'created':
    case 'changed': {
      const { kind, path, missed, stat, value } = change
      const text = textOf(value)
      const data = text === undefined ? `base64:${Buffer.from(value).toString('base64')}` : JSON.stringify(text)
      const gap = missed === 0 ? '' : ` missed=${missed}`
      return printable(`${kind} ${path} mzxid=${hexOf(stat.mzxid)} version=${stat.version}${gap} ${data}`)
    }
    case 'deleted':
      return printable(`deleted ${change.path}`)
    case 'unreadable':
      return printable(`unreadable ${change.path}: ${(change.error as Error).message}`)
    case 'ready':
      return `ready zxid=${hexOf(change.zxid)}`
    case 'stale':
      return `stale since=${change.since.toISOString()}`
  }
}
