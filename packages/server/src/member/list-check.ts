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
    const here = without(this.#own, theirs)
    const there = without(theirs, this.#own)
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

/** The lines that `others` does not have. A server may have 0.0.0.0 in its own line, where the others have its name. */
function without(lines: ReadonlySet<string>, others: ReadonlySet<string>): string[] {
  const anywhere = new Set([...others].map(atAnyHost))
  const isWild = (line: string): boolean => /[=|](0\.0\.0\.0|\[(0:){7}0\]):/.test(line)
  const wild = new Set([...others].filter(isWild).map(atAnyHost))
  return [...lines].filter(
    (line) => !others.has(line) && !wild.has(atAnyHost(line)) && !(isWild(line) && anywhere.has(atAnyHost(line))),
  )
}

function atAnyHost(line: string): string {
  return line.replace(/([=|])(\[[^\]]*\]|[^:]*):/g, '$1:')
}

/** Without the version, which changes with a reconfiguration, and without the ports for clients, which members may state or leave out. */
function linesOf(text: string): ReadonlySet<string> {
  const lines = text.split('\n').map((line) => inOrder(line.trim().replace(/;.*$/, '')))
  return new Set(lines.filter((line) => line !== '' && !line.startsWith('version=')))
}

/**
 * The line with its addresses in a fixed order. A server of Apache sorts them by their hosts alone, and the quorum ports and election
 * ports each by themselves: with two addresses of one host, a pair of ports may change its partners (QuorumServer.toString).
 */
function inOrder(line: string): string {
  const [, key = '', all = '', role = ''] = /^(server\.\d+=)(.*\|.*?)((?::[a-z]+)?)$/.exec(line) ?? []
  if (all === '') return line
  const parsed = all.split('|').map((address) => /^(.*):(\d+):(\d+)$/.exec(address) ?? [])
  const election = parsed.map(([, host, , port]) => `${host} ${port}`).sort()
  const addresses = parsed
    .map(([, host, port]) => `${host} ${port}`)
    .sort()
    .map((quorum, i) => `${quorum.replace(' ', ':')}:${election[i]?.split(' ')[1]}`)
  return key + addresses.join('|') + role
}
