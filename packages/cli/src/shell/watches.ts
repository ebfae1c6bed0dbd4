/** The watches of a shell: those that its verbs left, until they fire or are removed. */
import type { Client, WatchedEvent, WatchOptions, ZnodePath } from '@lightkeeper/client'
import { changeText } from '../watch-text.ts'
import { eventText } from './events.ts'
import { untilAborted } from './verb.ts'

export type WatchKind = 'data' | 'children' | 'persistent' | 'persistent-recursive'

interface Watch {
  readonly kind: WatchKind
  readonly path: ZnodePath
  /** Takes it away, here and on the server. */
  end(): Promise<unknown>
}

export class Watches {
  readonly #watches = new Set<Watch>()
  readonly #print: (text: string) => void

  /** `print` may be called at any time. */
  constructor(print: (text: string) => void) {
    this.#print = print
  }

  /** Follows the event of a one-shot watch. */
  follow(zk: Client, kind: 'data' | 'children', path: ZnodePath, changed: Promise<WatchedEvent>): void {
    // Asked twice, the server still sends one event.
    for (const each of this.#watches) if (each.kind === kind && each.path === path) return
    const watch: Watch = { kind, path, end: () => zk.unwatch(path, kind) }
    this.#watches.add(watch)
    void changed.then((event) => {
      // A watch that was taken away has no news.
      if (this.#watches.delete(watch)) this.#print(eventText(event))
    })
  }

  /** Prints every change of a znode and its children, or of everything below it, from now on. Resolves when the watch is set. */
  async add(zk: Client, path: ZnodePath, isRecursive: boolean, signal: AbortSignal): Promise<void> {
    const abort = new AbortController()
    const kind = isRecursive ? 'persistent-recursive' : 'persistent'
    const watch: Watch = {
      kind,
      path,
      async end() {
        abort.abort()
      },
    }
    this.#watches.add(watch)
    const scopes = isRecursive ? [{ recursive: true }] : [{}, { children: true }]
    const ends: Promise<void>[] = []
    const areSet = scopes.map(
      (scope) =>
        new Promise<void>((resolve) => {
          ends.push(this.#printChanges(zk, path, { ...scope, signal: abort.signal }, resolve).finally(resolve))
        }),
    )
    void Promise.all(ends).then(() => this.#watches.delete(watch))
    await untilAborted(Promise.all(areSet), signal)
  }

  async #printChanges(zk: Client, path: ZnodePath, options: WatchOptions, onReady: () => void): Promise<void> {
    let isReady = false
    try {
      for await (const change of zk.watch(path, options)) {
        // What is there already is no change.
        if (change.kind === 'ready') {
          isReady = true
          onReady()
        } else if (isReady) this.#print(`watch: ${changeText(change)}`)
      }
    } catch (error) {
      if (options.signal?.aborted !== true) this.#print(`the watch of ${path} has ended: ${(error as Error).message}`)
    }
  }

  /** Takes watches away; returns how many. */
  async remove(path: ZnodePath, kinds: ReadonlySet<WatchKind>): Promise<number> {
    const found = [...this.#watches].filter((watch) => watch.path === path && kinds.has(watch.kind))
    for (const watch of found) this.#watches.delete(watch)
    await Promise.all(found.map((watch) => watch.end()))
    return found.length
  }

  /** Before its client ends. */
  clear(): void {
    for (const watch of this.#watches) if (watch.kind.startsWith('persistent')) void watch.end()
    this.#watches.clear()
  }
}
