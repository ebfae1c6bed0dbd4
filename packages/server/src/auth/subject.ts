/** Which texts may name the subject of a certificate in an ACL: those that Java parses (javax.security.auth.x500.X500Principal). */

/** What Java calls the types of attributes; others are named by their numbers. */
const keywords: ReadonlySet<string> = new Set([
  ...['CN', 'C', 'L', 'S', 'ST', 'O', 'OU', 'T', 'IP', 'STREET', 'DC', 'DNQUALIFIER', 'DNQ', 'SURNAME', 'GIVENNAME'],
  ...['INITIALS', 'GENERATION', 'EMAIL', 'EMAILADDRESS', 'UID', 'SERIALNUMBER'],
])

/** Characters that a backslash may stand before. */
const escapable = ',=\n+<>#;\\" '
/** Characters that must not stand without one. */
const reserved = ',+<>;"'

export function isDistinguishedName(text: string): boolean {
  if (text === '') return true
  let at = 0
  for (;;) {
    const end = attributeEnd(text, at)
    if (end === undefined) return false
    if (end === text.length) return true
    at = end + 1
  }
}

/** Where the attribute that begins at `at` ends: at a separator, or at the end of the text. Undefined where it is not one. */
function attributeEnd(text: string, at: number): number | undefined {
  const equals = text.indexOf('=', at)
  if (equals < 0 || !isType(text.slice(at, equals))) return undefined
  let from = equals + 1
  while (text[from] === ' ' || text[from] === '\n') from++
  if (text[from] === '#') return hexEnd(text, from + 1)
  if (text[from] === '"') return quotedEnd(text, from + 1)
  return plainEnd(text, from)
}

function isType(text: string): boolean {
  const name = text.trim().toUpperCase()
  if (keywords.has(name)) return true
  const numbers = name.startsWith('OID.') ? name.slice(4) : name
  return /^[0-2](\.(0|[1-9]\d*))+$/.test(numbers)
}

function hexEnd(text: string, from: number): number | undefined {
  let at = from
  while (/[0-9a-fA-F]/.test(text[at] ?? '')) at++
  if (at === from || (at - from) % 2 !== 0) return undefined
  while (text[at] === ' ' || text[at] === '\n') at++
  return isSeparator(text[at]) ? at : undefined
}

function quotedEnd(text: string, from: number): number | undefined {
  let at = from
  for (;;) {
    const character = text[at]
    if (character === undefined) return undefined
    if (character === '"') break
    if (character !== '\\') at++
    else if (/^[0-9a-fA-F]{2}/.test(text.slice(at + 1, at + 3))) at += 3
    else if (escapable.includes(text[at + 1] ?? '\0')) at += 2
    else return undefined
  }
  at++
  while (text[at] === ' ' || text[at] === '\n') at++
  return isSeparator(text[at]) ? at : undefined
}

function plainEnd(text: string, from: number): number | undefined {
  let at = from
  for (;;) {
    const character = text[at]
    if (isSeparator(character)) return at
    if (character === '\\') {
      if (/^[0-9a-fA-F]{2}/.test(text.slice(at + 1, at + 3))) at += 3
      else if (escapable.includes(text[at + 1] ?? '\0')) at += 2
      else return undefined
    } else if (reserved.includes(character as string)) return undefined
    else at++
  }
}

function isSeparator(character: string | undefined): boolean {
  return character === undefined || character === ',' || character === ';' || character === '+'
}
