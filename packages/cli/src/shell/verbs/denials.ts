/** Znodes of a walk that this client may not read: they are counted, and named at the end. */
import type { DeniedZnode, WalkedZnode } from '@lightkeeper/tools'
import type { Out } from '../out.ts'

export class Denials {
  readonly #paths: string[] = []
  #count = 0

  /** Whether the znode could not be read; it is then remembered. */
  has(znode: WalkedZnode | DeniedZnode): znode is DeniedZnode {
    if (!('denied' in znode)) return false
    this.#count++
    if (this.#paths.length < 3) this.#paths.push(znode.path)
    return true
  }

  /** The znodes that could be read. */
  async *readable(znodes: AsyncIterable<WalkedZnode | DeniedZnode>): AsyncGenerator<WalkedZnode, void, void> {
    for await (const each of znodes) if (!this.has(each)) yield each
  }

  /** Says what is missing. The exit code is 1 then. */
  report(out: Out): number | undefined {
    if (this.#count === 0) return undefined
    const more = this.#count > this.#paths.length ? ` and ${this.#count - this.#paths.length} more` : ''
    out.note(`may not read ${this.#paths.join(' ')}${more}, so what is there is not shown`)
    return 1
  }
}
