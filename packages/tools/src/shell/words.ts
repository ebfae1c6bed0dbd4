/** A line of the shell as words, and a script as lines. Quotes count at the beginning of a word only, as in zkCli. */

export interface Word {
  /** The word, without its quotes. */
  readonly text: string
  /** Where it begins in the line, its quote included. */
  readonly start: number
  /** Behind its last character. */
  readonly end: number
  /** The quotes around it; undefined where there are none. */
  readonly quote: '"' | "'" | undefined
}

/** The end of a text lies inside a quoted word: the word may go on in the next line. */
export class OpenQuoteError extends Error {
  override readonly name = 'OpenQuoteError'
  /** Where the quote begins. */
  readonly at: number

  constructor(at: number) {
    super(`the quote at character ${at + 1} does not end`)
    this.at = at
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '"': '"', '\\': '\\' }

/**
 * The words of a line. A word that begins with a quote ends with the same quote, and may contain spaces. Between double quotes, `\n`,
 * `\t`, `\r`, `\"` and `\\` mean what they mean in JSON; any other backslash stands for itself. Between single quotes nothing has a
 * meaning. A quote inside a word is an ordinary character, so `{"a":1}` needs no quotes.
 * @throws OpenQuoteError
 */
export function wordsOf(line: string): Word[] {
  const words: Word[] = []
  let at = 0
  for (;;) {
    while (at < line.length && isSpace(line, at)) at++
    if (at === line.length) return words
    const word = wordAt(line, at)
    words.push(word)
    at = word.end
  }
}

function wordAt(line: string, start: number): Word {
  const first = line[start]
  if (first === '"' || first === "'") return quotedAt(line, start, first)
  let end = start
  while (end < line.length && !isSpace(line, end)) end++
  return { text: line.slice(start, end), start, end, quote: undefined }
}

function quotedAt(line: string, start: number, quote: '"' | "'"): Word {
  let text = ''
  for (let at = start + 1; at < line.length; at++) {
    const character = line[at] as string
    if (character === quote) return { text, start, end: at + 1, quote }
    const escaped = quote === '"' && character === '\\' ? escapes[line[at + 1] ?? ''] : undefined
    if (escaped === undefined) text += character
    else {
      text += escaped
      at++
    }
  }
  throw new OpenQuoteError(start)
}

function isSpace(line: string, at: number): boolean {
  return /\s/.test(line[at] as string)
}

/** A word that `wordsOf` reads as `text`: quoted only where that is necessary. */
export function quoted(text: string): string {
  if (text !== '' && !/^["'#]|\s/.test(text)) return text
  if (!text.includes("'") && !/[\n\r]/.test(text)) return `'${text}'`
  const inner = text.replace(/[\\"\n\r\t]/g, (each) => {
    const name = Object.keys(escapes).find((key) => escapes[key] === each)
    return `\\${name}`
  })
  return `"${inner}"`
}

/**
 * The commands of a script: one a line, without empty lines and comments, which begin with `#`. A quoted word may contain line ends.
 * A quote that never ends stays in the last command, for `wordsOf` to refuse.
 */
export function commandsOf(script: string): string[] {
  const commands: string[] = []
  let pending = ''
  for (const line of script.split(/\r?\n/)) {
    pending = pending === '' ? line : `${pending}\n${line}`
    if (pending.trimStart().startsWith('#')) pending = ''
    else if (!isOpen(pending)) {
      if (pending.trim() !== '') commands.push(pending.trim())
      pending = ''
    }
  }
  if (pending.trim() !== '') commands.push(pending.trim())
  return commands
}

/** Whether a quoted word goes on behind the end of the text. */
export function isOpen(text: string): boolean {
  try {
    wordsOf(text)
    return false
  } catch (error) {
    if (error instanceof OpenQuoteError) return true
    throw error
  }
}
