/** Bracketed paste: what a terminal pastes is put into the line and not run, even where it has line ends. */

export const pasteOn = '\u001b[?2004h'
export const pasteOff = '\u001b[?2004l'
const begin = '\u001b[200~'
const end = '\u001b[201~'

/** Stands for a line end inside the line that is edited. */
export const lineEndMark = '⏎'

/** The text of a line as it was meant. */
export function withLineEnds(line: string): string {
  return line.replaceAll(lineEndMark, '\n')
}

/** Passes on what is typed, and what is pasted without its markers and without characters that would do something. */
export class PasteFilter {
  #isPasting = false
  #pending = ''

  feed(piece: string): string {
    let rest = this.#pending + piece
    this.#pending = ''
    let out = ''
    for (;;) {
      const marker = this.#isPasting ? end : begin
      const at = rest.indexOf(marker)
      if (at === -1) break
      out += this.#passed(rest.slice(0, at))
      rest = rest.slice(at + marker.length)
      this.#isPasting = !this.#isPasting
    }
    const held = this.#held(rest)
    this.#pending = rest.slice(rest.length - held)
    return out + this.#passed(rest.slice(0, rest.length - held))
  }

  /** How many characters at the end may be the beginning of a marker. The escape key alone is passed on at once. */
  #held(text: string): number {
    const marker = this.#isPasting ? end : begin
    const shortest = this.#isPasting ? 1 : 3
    for (let length = Math.min(marker.length - 1, text.length); length >= shortest; length--) {
      if (text.endsWith(marker.slice(0, length))) return length
    }
    return 0
  }

  #passed(text: string): string {
    if (!this.#isPasting) return text
    const oneLine = text.replace(/\r\n|\r|\n/g, lineEndMark).replaceAll('\t', '  ')
    return oneLine.replace(/\p{Cc}/gu, '')
  }
}
