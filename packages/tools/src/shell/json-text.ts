/**
 * JSON in the data of a znode, read and changed by JSON pointer (RFC 6901). A change replaces the text of one value: spaces, the order
 * of members and numbers that JavaScript cannot hold stay as they were everywhere else.
 */

/** Where a value stands in the text. */
interface Span {
  readonly start: number
  readonly end: number
}

interface Member extends Span {
  /** The name in an object, the number in an array. */
  readonly name: string
  /** Where the member begins: at its name in an object. */
  readonly head: number
}

type Scanned = Span & { readonly kind: 'object' | 'array' | 'scalar'; readonly members: readonly Member[] }

/** The text is no JSON, or has no value at the pointer. */
export class JsonTextError extends Error {
  override readonly name = 'JsonTextError'
}

/** The names of a pointer: `/a~1b/0` is `a/b`, `0`. @throws JsonTextError */
export function pointerNames(pointer: string): string[] {
  if (pointer === '') return []
  if (!pointer.startsWith('/'))
    throw new JsonTextError(`"${pointer}" is not a JSON pointer: it must be empty or begin with /`)
  if (/~(?![01])/.test(pointer))
    throw new JsonTextError(`"${pointer}" is not a JSON pointer: ~ must be ~0, and / in a name ~1`)
  return pointer
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The text of the value at `pointer`, as it stands. @throws JsonTextError */
export function jsonGet(text: string, pointer: string): string {
  const found = find(text, pointerNames(pointer))
  return text.slice(found.start, found.end)
}

/**
 * The text with `value`, itself JSON, at `pointer`. The value may be new in an object, or at the end of an array (its length, or `-`);
 * what contains it must exist.
 * @throws JsonTextError
 */
export function jsonSet(text: string, pointer: string, value: string): string {
  checked(value)
  const names = pointerNames(pointer)
  const name = names.at(-1)
  if (name === undefined) {
    const all = checked(text)
    return text.slice(0, all.start) + value + text.slice(all.end)
  }
  const parent = find(text, names.slice(0, -1))
  const member = parent.members.find((each) => each.name === name)
  if (member !== undefined) return text.slice(0, member.start) + value + text.slice(member.end)
  if (parent.kind === 'scalar')
    throw new JsonTextError(`${pointer}: what would contain it is neither an object nor an array`)
  const isEnd = name === '-' || name === String(parent.members.length)
  if (parent.kind === 'array' && !isEnd) {
    throw new JsonTextError(`${pointer}: the array has ${parent.members.length} elements`)
  }
  const last = parent.members.at(-1)
  const own = parent.kind === 'object' ? `${JSON.stringify(name)}${gapBehindName(text, last)}${value}` : value
  if (last === undefined) return `${text.slice(0, parent.start + 1)}${own}${text.slice(parent.end - 1)}`
  // As much space before it as before the members that are there.
  const before = parent.members.at(-2)?.end ?? parent.start
  const space = /\s*$/.exec(text.slice(before, last.head))?.[0] ?? ''
  return `${text.slice(0, last.end)},${space}${own}${text.slice(last.end)}`
}

/** The text without the member at `pointer`. @throws JsonTextError */
export function jsonDelete(text: string, pointer: string): string {
  const names = pointerNames(pointer)
  const name = names.at(-1)
  if (name === undefined) throw new JsonTextError('the whole value cannot be taken out')
  const { members } = find(text, names.slice(0, -1))
  const at = members.findIndex((each) => each.name === name)
  const member = members[at]
  if (member === undefined) throw new JsonTextError(`${pointer}: there is no such value`)
  const next = members[at + 1]
  const previous = members[at - 1]
  if (next !== undefined) return text.slice(0, member.head) + text.slice(next.head)
  return text.slice(0, previous?.end ?? member.head) + text.slice(member.end)
}

/** The space between a name, the colon and a value, as in the member before. */
function gapBehindName(text: string, member: Member | undefined): string {
  const gap = member === undefined ? undefined : /\s*:\s*$/.exec(text.slice(member.head, member.start))?.[0]
  return gap ?? ':'
}

function find(text: string, names: readonly string[]): Scanned {
  let found = checked(text)
  for (const [i, name] of names.entries()) {
    const member = found.members.find((each) => each.name === name)
    if (member === undefined) {
      const pointer = names.slice(0, i + 1).map((each) => `/${each.replaceAll('~', '~0').replaceAll('/', '~1')}`)
      throw new JsonTextError(`${pointer.join('')}: there is no such value`)
    }
    found = scan(text, member.start)
  }
  return found
}

function checked(text: string): Scanned {
  try {
    JSON.parse(text)
  } catch (error) {
    throw new JsonTextError(`no JSON: ${(error as Error).message}`)
  }
  return scan(text, skipSpace(text, 0))
}

/** Scans one value of a text that is valid JSON; values inside it are passed over. */
function scan(text: string, start: number): Scanned {
  const first = text[start]
  if (first !== '{' && first !== '[') return { start, end: endOf(text, start), kind: 'scalar', members: [] }
  const kind = first === '{' ? 'object' : 'array'
  const members: Member[] = []
  let at = skipSpace(text, start + 1)
  while (text[at] !== '}' && text[at] !== ']') {
    const head = at
    let name = String(members.length)
    if (kind === 'object') {
      const nameEnd = endOf(text, at)
      name = JSON.parse(text.slice(at, nameEnd)) as string
      at = skipSpace(text, skipSpace(text, nameEnd) + 1)
    }
    const end = endOf(text, at)
    members.push({ name, head, start: at, end })
    at = skipSpace(text, end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return { start, end: at + 1, kind, members }
}

/** Where the value that begins at `at` ends. */
function endOf(text: string, at: number): number {
  let depth = 0
  for (let i = at; ; i++) {
    const character = text[i]
    if (character === '"') {
      i = stringEnd(text, i) - 1
    } else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    else if (depth > 0 || !isScalarEnd(text[i + 1])) continue
    if (depth === 0) return i + 1
  }
}

/** Behind the quote that ends the string which begins at `at`. */
function stringEnd(text: string, at: number): number {
  let i = at + 1
  while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1
  return i + 1
}

function isScalarEnd(next: string | undefined): boolean {
  return next === undefined || /[\s,\]}:]/.test(next)
}

function skipSpace(text: string, at: number): number {
  let i = at
  while (/\s/.test(text[i] ?? '')) i++
  return i
}
