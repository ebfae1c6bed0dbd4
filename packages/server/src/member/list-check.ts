/** Whether other members have the same lines as this one: `server.N`, groups and weights. Decides nothing. */
import { type Clock, type Log, RepeatedLines } from '@lightkeeper/runtime'

export class ListCheck {
  readonly #own: ReadonlySet<string>
  readonly #repeated: RepeatedLines
  /** The text of each member that was said to differ. */
  readonly #said = new Map<number, string>()

  /** `own` is the text of this member's lines, as members send it to each other. */
  constructor(own: Uint8Array, log: Log, clock: Clock) {
    this.#own = linesOf(new TextDecoder().decode(own))
    // Two servers with one number would say different lines in turn.
    this.#repeated = new RepeatedLines(log, clock, 'warn')
  }

  /** Looks at the lines that `from` has sent. A difference is said once, and again only when it is another one. */
  heard(from: number, sent: Uint8Array): void {
    // Servers before 3.5 send none.
    if (sent.length === 0) return
    const text = new TextDecoder().decode(sent)
    if (this.#said.get(from) === text) return
    const theirs = linesOf(text)
    const here = [...this.#own].filter((line) => !theirs.has(line))
    const there = [...theirs].filter((line) => !this.#own.has(line))
    if (here.length === 0 && there.length === 0) {
      this.#said.delete(from)
      return
    }
    this.#said.set(from, text)
    const message = 'another member has other server.N lines than this one; make them the same on all members'
    const facts = { server: from, onlyHere: here.join(' ') || 'none', onlyThere: there.join(' ') || 'none' }
    this.#repeated.tell(`${from} ${facts.onlyThere}`, message, facts)
  }
}

/** Without the version, which changes with a reconfiguration, and without the ports for clients, which members may state or leave out. */
function linesOf(text: string): ReadonlySet<string> {
  const lines = text.split('\n').map((line) => line.trim().replace(/;.*$/, ''))
  return new Set(lines.filter((line) => line !== '' && !line.startsWith('version=')))
}
