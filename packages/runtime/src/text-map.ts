/**
 * Maps and sets whose keys are chosen by clients. The engine hashes long strings by their length alone, so a map with a
 * thousand long keys of one length is as slow as a list. Here a long key is stored under a short key that is made from
 * its content. A short key costs only a look at its length.
 */
import { ownString } from './own-string.ts'

/** Longer keys are replaced by a short one. V8 hashes the content of strings of up to 16383 characters. */
const longFrom = 8192
/** The first character of a short key that replaces a long one; a real key that begins with it is replaced too. */
const mark = '\u0000'

interface Piece {
  readonly id: number
  readonly text: string
  users: number
}

/**
 * The long texts in use. The key of a text consists of the numbers of its pieces, which are short enough for the
 * engine.
 */
class LongTexts {
  readonly #pieces = new Map<string, Piece>()
  readonly #pieceOf = new Map<number, Piece>()
  readonly #textOf = new Map<string, string>()
  #lastId = 0
  /** The text that was asked for last, and its key: one request asks for the same text again and again. */
  #lastText: string | undefined
  #lastKey = ''

  /** The key of a text; undefined if it has none. */
  find(text: string): string | undefined {
    if (text === this.#lastText) return this.#lastKey
    let key = mark
    for (let at = 0; at === 0 || at < text.length; at += longFrom) {
      const piece = this.#pieces.get(text.slice(at, at + longFrom))
      if (piece === undefined) return undefined
      key += `${piece.id.toString(36)}.`
    }
    if (!this.#textOf.has(key)) return undefined
    this.#lastText = text
    this.#lastKey = key
    return key
  }

  add(text: string): string {
    const known = this.find(text)
    if (known !== undefined) return known
    let key = mark
    for (let at = 0; at === 0 || at < text.length; at += longFrom) {
      const piece = this.#use(text.slice(at, at + longFrom))
      key += `${piece.id.toString(36)}.`
    }
    this.#textOf.set(key, text)
    this.#lastText = text
    this.#lastKey = key
    return key
  }

  forget(key: string): void {
    if (key === this.#lastKey) this.#lastText = undefined
    this.#textOf.delete(key)
    for (const id of key.slice(1, -1).split('.')) {
      const piece = this.#pieceOf.get(Number.parseInt(id, 36)) as Piece
      if (--piece.users > 0) continue
      this.#pieceOf.delete(piece.id)
      this.#pieces.delete(piece.text)
    }
  }

  textOf(key: string): string {
    return this.#textOf.get(key) ?? key
  }

  #use(text: string): Piece {
    let piece = this.#pieces.get(text)
    if (piece === undefined) {
      piece = { id: ++this.#lastId, text: ownString(text, 0), users: 0 }
      this.#pieces.set(piece.text, piece)
      this.#pieceOf.set(piece.id, piece)
    }
    piece.users++
    return piece
  }
}

function isLong(key: string): boolean {
  return key.length > longFrom || key.charCodeAt(0) === 0
}

export class TextMap<V> extends Map<string, V> {
  #long: LongTexts | undefined

  override get(key: string): V | undefined {
    return isLong(key) ? this.#getLong(key) : super.get(key)
  }

  override has(key: string): boolean {
    if (!isLong(key)) return super.has(key)
    return this.#long?.find(key) !== undefined
  }

  override set(key: string, value: V): this {
    if (!isLong(key)) return super.set(key, value)
    this.#long ??= new LongTexts()
    return super.set(this.#long.add(key), value)
  }

  override delete(key: string): boolean {
    if (!isLong(key)) return super.delete(key)
    const own = this.#long?.find(key)
    if (own === undefined) return false
    this.#long?.forget(own)
    return super.delete(own)
  }

  override clear(): void {
    this.#long = undefined
    super.clear()
  }

  override keys(): MapIterator<string> {
    return this.#long === undefined ? super.keys() : this.#texts(super.keys(), this.#long)
  }

  override entries(): MapIterator<[string, V]> {
    return this.#long === undefined ? super.entries() : this.#pairs(super.entries(), this.#long)
  }

  override [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries()
  }

  override forEach(visit: (value: V, key: string, map: Map<string, V>) => void): void {
    const long = this.#long
    super.forEach((value, key) => visit(value, long === undefined ? key : long.textOf(key), this))
  }

  #getLong(key: string): V | undefined {
    const own = this.#long?.find(key)
    return own === undefined ? undefined : super.get(own)
  }

  *#texts(keys: Iterable<string>, long: LongTexts): Generator<string, undefined> {
    for (const key of keys) yield long.textOf(key)
    return undefined
  }

  *#pairs(entries: Iterable<[string, V]>, long: LongTexts): Generator<[string, V], undefined> {
    for (const [key, value] of entries) yield [long.textOf(key), value]
    return undefined
  }
}

/** A set of texts, with the methods of a Set that we need. */
export class TextSet implements Iterable<string> {
  readonly #map = new TextMap<true>()

  /** The number of texts. */
  get size(): number {
    return this.#map.size
  }

  /** Whether a text is in it. */
  has(text: string): boolean {
    return this.#map.has(text)
  }

  /** Adds a text; has no effect where it is in it. */
  add(text: string): this {
    this.#map.set(text, true)
    return this
  }

  /** Removes a text. Returns whether it was in it. */
  delete(text: string): boolean {
    return this.#map.delete(text)
  }

  [Symbol.iterator](): IterableIterator<string> {
    return this.#map.keys()
  }
}
