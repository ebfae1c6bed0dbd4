/** Watch events as the shell prints them. */
import type { WatchedEvent } from '@lightkeeper/client'
import { hexOf, printable } from '../output.ts'

/** The names of zkCli, so that its users find them. */
const names: Readonly<Record<WatchedEvent['type'], string>> = {
  created: 'NodeCreated',
  deleted: 'NodeDeleted',
  dataChanged: 'NodeDataChanged',
  childrenChanged: 'NodeChildrenChanged',
  none: 'None',
}

export function eventFacts({ type, path, zxid }: WatchedEvent): object {
  return { event: type, path, ...(zxid !== -1n && { zxid }) }
}

export function eventText({ type, path, zxid }: WatchedEvent): string {
  if (type === 'none') return printable(`watch: that of ${path} has ended with the session`)
  return printable(`watch: ${names[type]} ${path}${zxid === -1n ? '' : ` zxid=${hexOf(zxid)}`}`)
}
