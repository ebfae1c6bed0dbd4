/** The difference between two values: by member where both are JSON, by line where both are text, otherwise by length. */

export type ValueDiff =
  | { readonly kind: 'same' }
  /** One of the two is not known. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'json'; readonly members: readonly MemberDiff[] }
  | { readonly kind: 'text'; readonly lines: readonly LineDiff[] }
  | { readonly kind: 'bytes'; readonly before: number; readonly after: number; readonly firstDifference: number }

/** `before` is missing where the member is new, `after` where it is gone. */
export interface MemberDiff {
  /** JSON pointer (RFC 6901); empty for the whole value. */
  readonly pointer: string
  /** The value before; missing where the member is new. */
  readonly before?: unknown
  /** The value after; missing where the member is gone. */
  readonly after?: unknown
}

export interface LineDiff {
  /** `-` for a line that is gone, `+` for a new one. */
  readonly sign: '-' | '+'
  /** Number of the line, from 1: in the old text for `-`, in the new one for `+`. */
  readonly line: number
  /** The line, without its end. */
  readonly text: string
}

/** If both sides have more lines than this, they are shown as one block. */
const comparedLinesMax = 2_000

export function valueDiff(before: Uint8Array | undefined, after: Uint8Array | undefined): ValueDiff {
  if (before === undefined || after === undefined) return { kind: 'unknown' }
  const firstDifference = differsAt(before, after)
  if (firstDifference === undefined) return { kind: 'same' }
  const [old, now] = [textOf(before), textOf(after)]
  if (old === undefined || now === undefined) {
    return { kind: 'bytes', before: before.length, after: after.length, firstDifference }
  }
  const [oldJson, nowJson] = [jsonOf(old), jsonOf(now)]
  // A single number or word is JSON too, and reads better as text.
  if (isComposed(oldJson) && isComposed(nowJson)) {
    const members: MemberDiff[] = []
    compareMembers('', oldJson, nowJson, members)
    // Values that differ only in white space have no member that differs.
    if (members.length > 0) return { kind: 'json', members }
  }
  return { kind: 'text', lines: lineDiff(old.split('\n'), now.split('\n')) }
}

function differsAt(a: Uint8Array, b: Uint8Array): number | undefined {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i
  return a.length === b.length ? undefined : length
}

function textOf(data: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isComposed(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Without recursion: what a client writes may be nested very deeply. */
function compareMembers(root: string, before: object, after: object, found: MemberDiff[]): void {
  const open: [pointer: string, before: object, after: object][] = []
  const compare = (pointer: string, old: unknown, now: unknown): void => {
    const isPair = isComposed(old) && isComposed(now) && Array.isArray(old) === Array.isArray(now)
    if (isPair) open.push([pointer, old, now])
    else if (old !== now) found.push({ pointer, before: old, after: now })
  }
  compare(root, before, after)
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    const [pointer] = next
    const [old, now] = next.slice(1) as unknown as readonly [
      Readonly<Record<string, unknown>>,
      Readonly<Record<string, unknown>>,
    ]
    for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
      const at = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
      if (!Object.hasOwn(now, key)) found.push({ pointer: at, before: old[key] })
      else if (!Object.hasOwn(old, key)) found.push({ pointer: at, after: now[key] })
      else compare(at, old[key], now[key])
    }
  }
}

/** The lines outside the longest common subsequence. Long texts are compared only between their common beginning and end. */
function lineDiff(before: readonly string[], after: readonly string[]): LineDiff[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let end = 0
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  ) {
    end++
  }
  const old = before.slice(start, before.length - end)
  const now = after.slice(start, after.length - end)
  const kept = old.length > comparedLinesMax || now.length > comparedLinesMax ? [] : commonLines(old, now)
  const lines: LineDiff[] = []
  let i = 0
  let j = 0
  for (const [a, b] of [...kept, [old.length, now.length] as const]) {
    for (; i < a; i++) lines.push({ sign: '-', line: start + i + 1, text: old[i] as string })
    for (; j < b; j++) lines.push({ sign: '+', line: start + j + 1, text: now[j] as string })
    i++
    j++
  }
  return lines
}

/** Pairs of indexes of a longest common subsequence. */
function commonLines(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  const width = b.length + 1
  const lengths = new Uint16Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const at = i * width + j
      lengths[at] =
        a[i] === b[j]
          ? (lengths[at + width + 1] as number) + 1
          : Math.max(lengths[at + width] as number, lengths[at + 1] as number)
    }
  }
  const pairs: (readonly [number, number])[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const at = i * width + j
    if (a[i] === b[j]) pairs.push([i++, j++])
    else if ((lengths[at + width] as number) >= (lengths[at + 1] as number)) i++
    else j++
  }
  return pairs
}
