/** Curator's frame of queue items: a version; for each item a 1, its length and its bytes; then a 2. */

const version = 0x0001_0001
const itemFollows = 1
const endFollows = 2

export function encodeItems(items: readonly Uint8Array[]): Uint8Array {
  const length = items.reduce((sum, item) => sum + 5 + item.length, 5)
  const data = new Uint8Array(length)
  const view = new DataView(data.buffer)
  view.setInt32(0, version)
  let at = 4
  for (const item of items) {
    view.setUint8(at, itemFollows)
    view.setInt32(at + 1, item.length)
    data.set(item, at + 5)
    at += 5 + item.length
  }
  view.setUint8(at, endFollows)
  return data
}

/** @throws RangeError for data that is no such frame. */
export function decodeItems(data: Uint8Array): Uint8Array[] {
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  if (data.length < 5 || view.getInt32(0) !== version)
    throw new RangeError('not a queue item: the version of its frame is not known')
  const items: Uint8Array[] = []
  let at = 4
  while (view.getUint8(at) !== endFollows) {
    if (view.getUint8(at) !== itemFollows || at + 5 > data.length)
      throw new RangeError('not a queue item: its frame is damaged')
    const length = view.getInt32(at + 1)
    const end = at + 5 + length
    if (length < 0 || end >= data.length) throw new RangeError('not a queue item: its frame is cut off')
    items.push(data.slice(at + 5, end))
    at = end
  }
  return items
}
