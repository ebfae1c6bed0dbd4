/** What servers did not answer, in few sentences for people. */
import { WordRefused } from '@lightkeeper/tools'
import type { Silence } from '../api.ts'

const notServing = /not currently serving requests/

/** Collects what went wrong with each word, and says it once for all servers that say the same. */
export class Unanswered {
  /** Words that are left out by the settings of servers. */
  readonly #words = new Map<string, Set<string>>()
  readonly #others = new Set<string>()

  /** The console asked `server` for `word`, and got this instead of an answer. Returns what it means for the server. */
  add(server: string, word: string, error: Error): Silence {
    if (!(error instanceof WordRefused)) {
      // `askWord` names the word; a server that is away answers none of them.
      const { cause } = error
      this.#others.add(`${server} does not answer: ${cause instanceof Error ? cause.message : error.message}`)
      return 'away'
    }
    if (notServing.test(error.message)) {
      this.#others.add(`${server} serves no clients at the moment: it looks for a leader, or is starting`)
      return 'idle'
    }
    const words = this.#words.get(server) ?? new Set()
    this.#words.set(server, words.add(word))
    return 'refused'
  }

  sentences(): string[] {
    const servers = new Map<string, string[]>()
    for (const [server, words] of this.#words) {
      const list = [...words].sort().join(', ')
      servers.set(list, [...(servers.get(list) ?? []), server])
    }
    const settings = [...servers].map(([words, names]) => {
      const [does, its] = names.length === 1 ? ['does', 'its'] : ['do', 'their']
      const [what, them] = words.includes(',') ? ['words', 'them'] : ['word', 'it']
      return `${names.join(', ')} ${does} not answer the ${what} ${words}; allow ${them} in ${its} setting 4lw.commands.whitelist to see more here`
    })
    return [...settings, ...this.#others]
  }
}
