/**
 * A session that moves from one process to the next, as a line of text. It contains the session's password: keep it as secret as
 * one.
 */
import { Reader, Writer } from '@lightkeeper/protocol'

export interface SessionToken {
  readonly sessionId: bigint
  readonly password: Uint8Array
  /** The negotiated timeout, milliseconds. */
  readonly timeoutMs: number
  /** The highest zxid seen: the next process uses no server below it, and a watch can start from it. */
  readonly lastZxid: bigint
  /** Ephemerals that were created in the session, by the paths that the user knows. */
  readonly ephemerals: readonly string[]
}

const prefix = 'lks1.'
const passwordBytes = 16

export function formatToken(token: SessionToken): string {
  const writer = new Writer(256)
  writer.long(token.sessionId)
  writer.buffer(token.password)
  writer.int(token.timeoutMs)
  writer.long(token.lastZxid)
  writer.vector(token.ephemerals, (each, path) => each.ustring(path))
  let binary = ''
  for (const byte of writer.written()) binary += String.fromCharCode(byte)
  return prefix + btoa(binary)
}

/** @throws TypeError for anything that `formatToken` did not make; the message does not repeat the text. */
export function parseToken(text: string): SessionToken {
  const bad = (cause?: unknown): TypeError =>
    new TypeError('not a session token: it must be what detach() returned, whole', { cause })
  if (typeof text !== 'string' || !text.startsWith(prefix)) throw bad()
  try {
    const reader = new Reader(Uint8Array.from(atob(text.slice(prefix.length)), (char) => char.charCodeAt(0)))
    const sessionId = reader.long()
    const password = reader.bufferCopy()
    const timeoutMs = reader.int()
    const lastZxid = reader.long()
    const ephemerals = reader.vector(4, (each) => each.ustring() ?? '') ?? []
    if (password?.length !== passwordBytes || sessionId === 0n || timeoutMs <= 0 || reader.remaining > 0) throw bad()
    return { sessionId, password, timeoutMs, lastZxid, ephemerals }
  } catch (error) {
    throw bad(error)
  }
}
