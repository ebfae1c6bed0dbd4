/** Trees that were once read from a server and saved as JSON: the output of `ZnodeStat`, with data in base64. */
import { type ZnodePath, ZnodeStat } from '@lightkeeper/client'
import type { SeenTree, SeenZnode } from '../directory.ts'

interface Recorded {
  readonly path: string
  readonly data: string
  readonly stat: Readonly<Record<string, string | number>>
}

export function treeOf(recorded: readonly Recorded[]): SeenTree {
  const tree = new Map<ZnodePath, SeenZnode>()
  for (const { path, data, stat } of recorded) {
    const id = (name: string): bigint => BigInt.asIntN(64, BigInt(stat[name] ?? 0))
    const number = (name: string): number => Number(stat[name])
    tree.set(path as ZnodePath, {
      data: Uint8Array.from(atob(data), (character) => character.charCodeAt(0)),
      stat: new ZnodeStat({
        czxid: id('czxid'),
        mzxid: id('mzxid'),
        pzxid: id('pzxid'),
        ctime: Date.parse(String(stat['created'])),
        mtime: Date.parse(String(stat['modified'])),
        version: number('version'),
        cversion: number('cversion'),
        aversion: number('aversion'),
        ephemeralOwner: id('ephemeralOwner'),
        dataLength: number('dataLength'),
        numChildren: number('numChildren'),
      }),
    })
  }
  return tree
}
