/**
 * The znodes that a question concerns. Every transaction of a directory is checked, so this works on bytes and creates no objects.
 */
import { isWithin, opCode } from '@lightkeeper/protocol'
import type { TransactionView } from '@lightkeeper/server'

export interface Scope {
  /** Whether a path is in scope. */
  has(path: string): boolean
  /** Whether a path in UTF-8, the bytes `[start, end)`, is in scope. */
  hasBytes(bytes: Uint8Array, start: number, end: number): boolean
}

/** One znode. */
export function exactly(path: string): Scope {
  const wanted = new TextEncoder().encode(path)
  return {
    has: (other) => other === path,
    hasBytes: (bytes, start, end) => end - start === wanted.length && startsWith(bytes, start, wanted),
  }
}

/** A znode and everything below it. */
export function within(path: string): Scope {
  if (path === '/') return { has: () => true, hasBytes: () => true }
  const wanted = new TextEncoder().encode(path)
  return {
    has: (other) => isWithin(other, path),
    hasBytes(bytes, start, end) {
      const length = end - start
      if (length < wanted.length || !startsWith(bytes, start, wanted)) return false
      return length === wanted.length || bytes[start + wanted.length] === slash
    },
  }
}

/** These znodes, without what is below them. */
export function oneOf(paths: ReadonlySet<string>): Scope {
  const lengths = new Set<number>()
  const encoder = new TextEncoder()
  for (const path of paths) lengths.add(encoder.encode(path).length)
  const decoder = new TextDecoder()
  return {
    has: (path) => paths.has(path),
    hasBytes: (bytes, start, end) => lengths.has(end - start) && paths.has(decoder.decode(bytes.subarray(start, end))),
  }
}

const slash = 0x2f
/** Size of a TxnHeader in bytes. */
const headerBytes = 32

/**
 * Whether a transaction may change a znode of `scope`. The end of a session deletes its ephemerals: where the transaction does not
 * list them, this is true.
 */
export function concerns({ payload: bytes, type }: TransactionView, scope: Scope): boolean {
  const end = bytes.length
  let at = headerBytes
  switch (type) {
    case opCode.error:
    case opCode.createSession:
    case opCode.check:
      return false
    case opCode.closeSession: {
      if (at + 4 > end) return true
      let count = intAt(bytes, at)
      at += 4
      for (; count > 0 && at + 4 <= end; count--) {
        const next = at + 4 + Math.max(0, intAt(bytes, at))
        if (scope.hasBytes(bytes, at + 4, next)) return true
        at = next
      }
      return false
    }
    case opCode.multi: {
      let count = intAt(bytes, at)
      at += 4
      for (; count > 0 && at + 12 <= end; count--) {
        // A part is its type, the length of its body, and the body, which begins with the path.
        const part = intAt(bytes, at)
        const next = at + 8 + Math.max(0, intAt(bytes, at + 4))
        if (part !== opCode.error && pathIsIn(bytes, at + 8, scope)) return true
        at = next
      }
      return false
    }
    default:
      return pathIsIn(bytes, at, scope)
  }
}

function pathIsIn(bytes: Uint8Array, at: number, scope: Scope): boolean {
  return scope.hasBytes(bytes, at + 4, at + 4 + Math.max(0, intAt(bytes, at)))
}

function intAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}

/** Compares from the end, where paths differ. */
function startsWith(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  for (let i = wanted.length - 1; i >= 0; i--) if (bytes[start + i] !== wanted[i]) return false
  return true
}
