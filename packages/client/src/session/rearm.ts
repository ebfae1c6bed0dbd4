/** How a server learns the watches of a client that reconnects: setWatches, in frames of a size that servers accept. */
import { opCode, writeSetWatches, writeSetWatches2 } from '@lightkeeper/protocol'
import type { RequestSpec } from './request.ts'
import type { WatchPaths } from './watch-registry.ts'

/** Bytes of paths in one frame: Java's client splits at the same size, an eighth of a server's default limit. */
export const setWatchesBytesMax = 128 * 1024
/** The rest of a frame: xid, type, zxid, and the lengths of five lists. */
const restBytes = 36

type Kind = keyof WatchPaths
const kinds: readonly Kind[] = ['data', 'exists', 'children', 'persistent', 'recursive']

/**
 * The requests that register `paths` again; the server at once reports every change after `relativeZxid`. Servers before 3.6 do not
 * know setWatches2, so it is used only for persistent watches. No frame is larger than `requestBytesMax`: the connection would refuse
 * it, and so would the next one.
 */
export function setWatchesFrames(
  paths: WatchPaths,
  relativeZxid: bigint,
  requestBytesMax: number,
): RequestSpec<void>[] {
  const bytesMax = Math.min(setWatchesBytesMax, requestBytesMax - restBytes)
  const batches: Record<Kind, string[]>[] = []
  let batch: Record<Kind, string[]> | undefined
  let bytes = 0
  for (const kind of kinds) {
    for (const path of paths[kind]) {
      const size = 4 + new TextEncoder().encode(path).length
      if (batch === undefined || bytes + size > bytesMax) {
        batch = { data: [], exists: [], children: [], persistent: [], recursive: [] }
        batches.push(batch)
        bytes = 0
      }
      batch[kind].push(path)
      bytes += size
    }
  }
  return batches.map((own) => {
    const request = { relativeZxid, dataWatches: own.data, existWatches: own.exists, childWatches: own.children }
    const isPlain = own.persistent.length + own.recursive.length === 0
    return {
      type: isPlain ? opCode.setWatches : opCode.setWatches2,
      operation: 'setWatches',
      encode(writer) {
        if (isPlain) writeSetWatches(writer, request)
        else {
          const persistent = { persistentWatches: own.persistent, persistentRecursiveWatches: own.recursive }
          writeSetWatches2(writer, { ...request, ...persistent })
        }
      },
      decode() {},
    }
  })
}
