/** What the word at the cursor may become: a verb, an option, a path, or one of some words. Paths are read by the caller. */
import { OpenQuoteError, type Word, wordsOf } from './words.ts'

/** What a place in a command line takes: `path` is a znode. Undefined: any text, which nothing completes. */
export type Completes = 'path' | 'verb' | 'file' | readonly string[] | undefined

export interface CompletionOption {
  /** Without dashes. */
  readonly name: string
  /** One letter, without its dash. Default: none. */
  readonly short?: string | undefined
  /** Undefined for a flag, which takes no value. */
  readonly value?: { readonly completes: Completes }
}

/** What completion must know of a verb. */
export interface CompletionVerb {
  /** The first word of the line. */
  readonly name: string
  /** The options that it takes. */
  readonly options: readonly CompletionOption[]
  /** What each of its arguments takes, in their order. */
  readonly arguments: readonly Completes[]
  /** The last argument takes all words that are left. */
  readonly isLastMany?: boolean
}

export interface Completion {
  /** What completes the word. */
  readonly completes: Exclude<Completes, undefined>
  /** What is typed of the word, without its quote. */
  readonly typed: string
  /** The same as it stands in the line. */
  readonly raw: string
  /** The quote that opens the word; undefined where it has none. */
  readonly quote: '"' | "'" | undefined
}

/** Undefined where nothing can be offered. `line` ends at the cursor. */
export function completionAt(line: string, verbs: readonly CompletionVerb[]): Completion | undefined {
  const { before, last } = split(line)
  const at = { typed: last.text, raw: line.slice(last.start), quote: last.quote }
  const [first, ...rest] = before
  if (first === undefined) return { completes: 'verb', ...at }
  const verb = verbs.find(({ name }) => name === first)
  if (verb === undefined) return undefined
  const completes = completesAt(verb, rest, last)
  return completes === undefined ? undefined : { completes, ...at }
}

function split(line: string): { readonly before: readonly string[]; readonly last: Word } {
  const nothing: Word = { text: '', start: line.length, end: line.length, quote: undefined }
  try {
    const words = wordsOf(line)
    const last = words.at(-1)
    if (last === undefined || last.end < line.length) return { before: words.map(({ text }) => text), last: nothing }
    // A word that is closed by its quote is complete.
    if (last.quote !== undefined) return { before: words.map(({ text }) => text), last: nothing }
    return { before: words.slice(0, -1).map(({ text }) => text), last }
  } catch (error) {
    if (!(error instanceof OpenQuoteError)) throw error
    const { at } = error
    const before = wordsOf(line.slice(0, at)).map(({ text }) => text)
    return { before, last: { text: line.slice(at + 1), start: at, end: line.length, quote: line[at] as '"' | "'" } }
  }
}

function completesAt(verb: CompletionVerb, words: readonly string[], last: Word): Completes {
  let plain = 0
  let isPlainOnly = false
  let valueOf: CompletionOption | undefined
  for (const word of words) {
    if (valueOf !== undefined) valueOf = undefined
    else if (word === '--' && !isPlainOnly) isPlainOnly = true
    else if (!isPlainOnly && isOptionWord(word)) valueOf = openOption(verb, word)
    else plain++
  }
  if (valueOf !== undefined) return valueOf.value?.completes
  if (!isPlainOnly && last.quote === undefined && last.text.startsWith('-')) {
    return verb.options.flatMap(({ name, short }) => (short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`]))
  }
  const count = verb.arguments.length
  return verb.arguments[verb.isLastMany === true && count > 0 ? Math.min(plain, count - 1) : plain]
}

function isOptionWord(word: string): boolean {
  return word.length > 1 && word.startsWith('-') && !/^-\d/.test(word)
}

/** The option of a word whose value is the next word. */
function openOption({ options }: CompletionVerb, word: string): CompletionOption | undefined {
  if (word.includes('=')) return undefined
  const option = word.startsWith('--')
    ? options.find(({ name }) => name === word.slice(2))
    : options.find(({ short }) => short === word.at(-1))
  return option?.value === undefined ? undefined : option
}

/** The offers that begin with what is typed, sorted. */
export function offersFor(typed: string, words: readonly string[]): string[] {
  return words.filter((word) => word.startsWith(typed)).sort()
}

/** What all of the words begin with; empty for no words. */
export function commonStart(words: readonly string[]): string {
  const [first = '', ...rest] = words
  let length = first.length
  for (const word of rest) {
    let same = 0
    while (same < length && word[same] === first[same]) same++
    length = same
  }
  return first.slice(0, length)
}
