/** First bytes of an election link, from the side that dials: its sid and the address of its own election port. */
import { MalformedFrameError } from '../malformed-frame-error.ts'
import { decodeUtf8 } from '../utf8.ts'
import { Writer } from '../writer.ts'
import { safeNumber } from './learner-info.ts'

/** V1 has one address; V2, for several networks, has one or more. */
const versions = { v1: -65536n, v2: -65535n } as const
const addressBytesMax = 2048

export interface InitialMessage {
  /** The number of the sender in the ensemble. */
  readonly sid: number
  /** `host:port` of the sender's election port. Empty in the form before 3.5. */
  readonly addresses: readonly string[]
}

/** One address makes V1, which every server understands; several make V2. A server that may have several sends V2 in any case. */
export function writeInitialMessage(
  writer: Writer,
  { sid, addresses }: InitialMessage,
  version: keyof typeof versions = addresses.length > 1 ? 'v2' : 'v1',
): void {
  writer.long(versions[version])
  writer.long(BigInt(sid))
  writer.ustring(addresses.join('|'))
}

/**
 * The message at the start of `bytes` and where it ends, or undefined while more bytes are needed.
 * @throws MalformedFrameError for an unknown version, an address too long or none.
 */
export function parseInitialMessage(bytes: Uint8Array): { message: InitialMessage; end: number } | undefined {
  if (bytes.length < 8) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = view.getBigInt64(0)
  if (version >= 0n) return { message: { sid: safeNumber(version, 0), addresses: [] }, end: 8 }
  if (version !== versions.v1 && version !== versions.v2)
    throw new MalformedFrameError(`unknown version ${version} of an election link`, 0)
  if (bytes.length < 20) return undefined
  const sid = safeNumber(view.getBigInt64(8), 8)
  const length = view.getInt32(16)
  if (length <= 0 || length > addressBytesMax) throw new MalformedFrameError(`Unreasonable length = ${length}`, 16)
  const end = 20 + length
  if (bytes.length < end) return undefined
  const addresses = decodeUtf8(bytes, 20, end).split('|')
  if (addresses.some((address) => address === '')) throw new MalformedFrameError('an empty address', 20)
  return { message: { sid, addresses }, end }
}
