/** A Stat and other values as zkCli prints them, with exact times. */
import type { ZnodeStat } from '@lightkeeper/client'
import { hexOf } from '../output.ts'

export function statText(stat: ZnodeStat): string {
  return [
    `cZxid = ${hexOf(stat.czxid)}`,
    `ctime = ${timeText(stat.created)}`,
    `mZxid = ${hexOf(stat.mzxid)}`,
    `mtime = ${timeText(stat.modified)}`,
    `pZxid = ${hexOf(stat.pzxid)}`,
    `cversion = ${stat.cversion}`,
    `dataVersion = ${stat.version}`,
    `aclVersion = ${stat.aversion}`,
    `ephemeralOwner = ${hexOf(stat.ephemeralOwner)}`,
    `dataLength = ${stat.dataLength}`,
    `numChildren = ${stat.numChildren}`,
  ].join('\n')
}

/** A server may have a time that is no valid date. */
export function timeText(time: Date): string {
  return Number.isNaN(time.getTime()) ? 'invalid' : time.toISOString()
}

/** `persistent`, `ephemeral`, `container`, `ttl=60000`. */
export function kindText({ kind }: ZnodeStat): string {
  return typeof kind === 'object' ? `ttl=${kind.ttl}` : kind
}
