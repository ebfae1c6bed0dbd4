/**
 * JAAS files, which Java's login configurations stand in (com.sun.security.auth.login.ConfigFile). Here they say who may log in by
 * SASL DIGEST-MD5: `Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_NAME="PASSWORD"; };`
 */
export interface LoginModule {
  /** Java class. */
  readonly name: string
  readonly flag: 'required' | 'requisite' | 'sufficient' | 'optional'
  readonly options: ReadonlyMap<string, string>
  /** Where it begins, from 1. */
  readonly line: number
}

/** A file that cannot be read as Java reads it. The message names the line, and never what an option is set to. */
export class JaasError extends Error {
  override readonly name = 'JaasError'
  readonly line: number

  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`)
    this.line = line
  }
}

/** The sections of a file by name, each a list of modules. @throws JaasError */
export function parseJaas(text: string): ReadonlyMap<string, readonly LoginModule[]> {
  const tokens = new Tokens(text)
  const sections = new Map<string, readonly LoginModule[]>()
  for (;;) {
    const name = tokens.next()
    if (name.kind === 'end') return sections
    if (name.kind !== 'text') throw unexpected(name, 'the name of a section')
    if (sections.has(name.text)) throw new JaasError(name.line, `the section ${name.text} is there a second time`)
    tokens.expect('{')
    const modules: LoginModule[] = []
    for (let token = tokens.next(); !isSign(token, '}'); token = tokens.next()) {
      if (token.kind !== 'text') throw unexpected(token, 'the class of a login module, or }')
      modules.push(readModule(token, tokens))
    }
    tokens.expect(';')
    sections.set(name.text, modules)
  }
}

function readModule({ text: name, line }: TextToken, tokens: Tokens): LoginModule {
  const given = tokens.next()
  const flag = given.kind === 'text' ? flags.find((each) => each === given.text.toLowerCase()) : undefined
  if (flag === undefined) throw unexpected(given, `one of ${flags.join(', ')} behind ${name}`)
  const options = new Map<string, string>()
  for (let token = tokens.next(); !isSign(token, ';'); token = tokens.next()) {
    if (token.kind !== 'text') throw unexpected(token, `an option of ${name}, or ;`)
    tokens.expect('=', `behind the option ${token.text}`)
    const value = tokens.next()
    if (value.kind !== 'text') throw unexpected(value, `what ${token.text} is set to, in double quotes`)
    if (value.text.includes('${')) {
      throw new JaasError(value.line, `the option ${token.text} holds a Java property, \${…}, and there are none here`)
    }
    // Of an option that is there twice the last one counts, as in Java.
    options.set(token.text, value.text)
  }
  return { name, flag, options, line }
}

const flags = ['required', 'requisite', 'sufficient', 'optional'] as const
const signs = '{};='

interface TextToken {
  readonly kind: 'text'
  readonly text: string
  readonly line: number
}

type Token = TextToken | { readonly kind: 'sign'; readonly sign: string; readonly line: number } | EndToken

interface EndToken {
  readonly kind: 'end'
  readonly line: number
}

function isSign(token: Token, sign: string): boolean {
  return token.kind === 'sign' && token.sign === sign
}

/** Text that came is not repeated: it may be a password that stands in the wrong place. */
function unexpected(token: Token, wanted: string): JaasError {
  const found =
    token.kind === 'end' ? 'the file ends' : token.kind === 'sign' ? `there is ${token.sign}` : 'there is text'
  return new JaasError(token.line, `${found}, expected ${wanted}`)
}

class Tokens {
  readonly #text: string
  #at = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
  }

  expect(sign: string, where = ''): void {
    const token = this.next()
    if (!isSign(token, sign)) throw unexpected(token, `${sign} ${where}`.trim())
  }

  next(): Token {
    this.#skip()
    const text = this.#text
    const line = this.#line
    const first = text[this.#at]
    if (first === undefined) return { kind: 'end', line }
    if (signs.includes(first)) {
      this.#at++
      return { kind: 'sign', sign: first, line }
    }
    if (first === '"') return { kind: 'text', text: this.#quoted(), line }
    const word = /^[\w$*.\-\u00a0-\uffff]+/.exec(text.slice(this.#at, this.#at + 1000))?.[0]
    if (word === undefined)
      throw new JaasError(line, `a character that must stand in double quotes: ${JSON.stringify(first)}`)
    if (/^[-.\d]/.test(word))
      throw new JaasError(line, 'text that begins like a number, which must stand in double quotes')
    this.#at += word.length
    return { kind: 'text', text: word, line }
  }

  /** White space and comments of both kinds. */
  #skip(): void {
    const text = this.#text
    for (;;) {
      const two = text.slice(this.#at, this.#at + 2)
      if (two === '//') {
        const end = text.indexOf('\n', this.#at)
        this.#at = end < 0 ? text.length : end
      } else if (two === '/*') {
        const end = text.indexOf('*/', this.#at + 2)
        if (end < 0) throw new JaasError(this.#line, 'a comment that does not end')
        for (; this.#at < end + 2; this.#at++) if (text[this.#at] === '\n') this.#line++
      } else if (/^\s/.test(two)) {
        if (two[0] === '\n') this.#line++
        this.#at++
      } else return
    }
  }

  /** What stands in double quotes, the only ones, with the escapes of java.io.StreamTokenizer. */
  #quoted(): string {
    const text = this.#text
    let value = ''
    this.#at++
    for (;;) {
      const character = text[this.#at++]
      if (character === undefined || character === '\n' || character === '\r') {
        throw new JaasError(this.#line, 'a text in double quotes that does not end on its line')
      }
      if (character === '"') return value
      value += character === '\\' ? this.#escaped() : character
    }
  }

  #escaped(): string {
    const octal = /^(?:[0-3][0-7]{0,2}|[4-7][0-7]?)/.exec(this.#text.slice(this.#at, this.#at + 3))?.[0]
    if (octal !== undefined) {
      this.#at += octal.length
      return String.fromCharCode(Number.parseInt(octal, 8))
    }
    const character = this.#text[this.#at] ?? ''
    if (character === '\n' || character === '\r') return ''
    this.#at++
    return escapes[character] ?? character
  }
}

const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }
