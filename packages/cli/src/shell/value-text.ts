/** The data of a znode for a screen: text as it is, other bytes in hexadecimal, compressed data unpacked. */
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { type CompressedFormat, hexDump, viewValue } from '@lightkeeper/tools'

export interface ShownValue {
  readonly text: string
  /** What is shown instead of the bytes themselves, for people; undefined where the text is the data. */
  readonly note: string | undefined
}

/** What compressed data may become, bytes: a few bytes may unpack to gigabytes. */
const unpackedBytesMax = 64 * 1024 * 1024

type Unpack = (data: Uint8Array, options: { readonly maxOutputLength: number }) => Promise<Uint8Array>

const unpackers: Readonly<Partial<Record<CompressedFormat, Unpack>>> = {
  gzip: promisify(zlib.gunzip) as Unpack,
  zlib: promisify(zlib.inflate) as Unpack,
  // Node has zstd since 22.15.
  ...('zstdDecompress' in zlib && { zstd: promisify(zlib['zstdDecompress'] as never) as unknown as Unpack }),
}

export async function showValue(data: Uint8Array): Promise<ShownValue> {
  const view = viewValue(data)
  switch (view.kind) {
    case 'empty':
      return { text: '', note: undefined }
    case 'text':
      return { text: view.text, note: undefined }
    case 'binary':
      return { text: hexDump(data), note: `${data.length} bytes that are not text, in hexadecimal` }
    case 'compressed':
      return showCompressed(data, view.format)
  }
}

async function showCompressed(data: Uint8Array, format: CompressedFormat): Promise<ShownValue> {
  const unpack = unpackers[format]
  const packed = { text: hexDump(data), note: `${data.length} bytes, compressed by ${format}, in hexadecimal` }
  if (unpack === undefined) return packed
  let unpacked: Uint8Array
  try {
    unpacked = await unpack(data, { maxOutputLength: unpackedBytesMax })
  } catch (error) {
    return { ...packed, note: `${packed.note}: it cannot be unpacked (${(error as Error).message})` }
  }
  const inner = viewValue(unpacked)
  const note = `unpacked from ${data.length} bytes, compressed by ${format}`
  if (inner.kind === 'text') return { text: inner.text, note }
  return { text: hexDump(unpacked), note: `${note}; no text, in hexadecimal` }
}
