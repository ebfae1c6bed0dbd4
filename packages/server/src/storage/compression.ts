/** Compressed snapshots: gzip, and snappy in the framing of snappy-java. The last part of a file's name shows which. */
import { compress, uncompress } from 'snappyjs'
import { SnapshotDamage } from './image.ts'
import type { ByteSource } from './snapshot-file.ts'

export type Compression = 'none' | 'gz' | 'snappy'

/** Where compressed bytes go, in order. */
export type ByteSink = (bytes: Uint8Array) => Promise<void>

export interface Compressor {
  write(bytes: Uint8Array): Promise<void>
  end(): Promise<void>
  /** Gives the rest up. Once it resolves, nothing reaches the sink any more. */
  abandon(): Promise<void>
}

const snappyMagic = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1)
const snappyBlockBytes = 32 * 1024

export function compressor(method: Compression, sink: ByteSink): Compressor {
  if (method === 'none') return { write: sink, end: async () => {}, abandon: async () => {} }
  if (method === 'gz') return gzip(sink)
  let isBegun = false
  return {
    async write(bytes) {
      if (!isBegun) await sink(snappyMagic)
      isBegun = true
      for (let at = 0; at < bytes.length; at += snappyBlockBytes) {
        const block = compress(bytes.subarray(at, at + snappyBlockBytes))
        const framed = new Uint8Array(4 + block.length)
        new DataView(framed.buffer).setInt32(0, block.length)
        framed.set(block, 4)
        await sink(framed)
      }
    },
    end: async () => {},
    abandon: async () => {},
  }
}

function gzip(sink: ByteSink): Compressor {
  const stream = new CompressionStream('gzip')
  const writer = stream.writable.getWriter()
  const reader = stream.readable.getReader()
  let sinking: Promise<void> = Promise.resolve()
  let isAbandoned = false
  const drained = (async () => {
    for (let piece = await reader.read(); !piece.done && !isAbandoned; piece = await reader.read()) {
      sinking = sink(piece.value)
      await sinking
    }
  })()
  // `end` reports its failure; until then no code awaits it.
  drained.catch((error: unknown) => writer.abort(error).catch(() => {}))
  return {
    write: (bytes) => writer.write(new Uint8Array(bytes)),
    async end() {
      await Promise.all([writer.close(), drained])
    },
    async abandon() {
      isAbandoned = true
      writer.abort().catch(() => {})
      // The sink may be busy with a piece, and others are packed already.
      await sinking.catch(() => {})
    },
  }
}

export function compressionOf(fileName: string): Compression {
  if (fileName.endsWith('.gz')) return 'gz'
  return fileName.endsWith('.snappy') ? 'snappy' : 'none'
}

export function suffixOf(method: Compression): string {
  return method === 'none' ? '' : `.${method}`
}

export function decompressed(method: Compression, source: ByteSource): ByteSource {
  if (method === 'none') return source
  return method === 'gz' ? gunzipped(source) : unsnapped(source)
}

function gunzipped(source: ByteSource): ByteSource {
  const stream = new DecompressionStream('gzip')
  const writer = stream.writable.getWriter()
  const reader = stream.readable.getReader()
  const feed = async (): Promise<void> => {
    for (let chunk = await source(); chunk !== undefined; chunk = await source()) {
      await writer.write(new Uint8Array(chunk))
    }
    await writer.close()
  }
  feed().catch((error: unknown) => writer.abort(error).catch(() => {}))
  return async () => {
    try {
      const piece = await reader.read()
      return piece.done ? undefined : piece.value
    } catch (error) {
      throw new SnapshotDamage(`it cannot be unpacked: ${(error as Error).message}`, 0)
    }
  }
}

function unsnapped(source: ByteSource): ByteSource {
  let held: Uint8Array = new Uint8Array(0)
  let at = 0
  let isBegun = false
  const need = async (count: number): Promise<boolean> => {
    while (held.length - at < count) {
      const chunk = await source()
      if (chunk === undefined) return false
      const joined = new Uint8Array(held.length - at + chunk.length)
      joined.set(held.subarray(at))
      joined.set(chunk, held.length - at)
      held = joined
      at = 0
    }
    return true
  }
  return async () => {
    if (!isBegun) {
      if (!(await need(16)) || held[0] !== 0x82) throw new SnapshotDamage('it is not packed with snappy', 0)
      at = 16
      isBegun = true
    }
    if (!(await need(4))) return undefined
    const length = new DataView(held.buffer, held.byteOffset + at).getInt32(0)
    at += 4
    if (length < 0 || !(await need(length))) throw new SnapshotDamage('it ends inside a packed block', 0)
    try {
      return uncompress(held.subarray(at, at + length))
    } catch (error) {
      throw new SnapshotDamage(`it cannot be unpacked: ${(error as Error).message}`, 0)
    } finally {
      at += length
    }
  }
}
