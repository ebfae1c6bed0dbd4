/**
 * The self-audit of a stream: it compares some znodes at a time with what was delivered. A difference without an event is a hole:
 * the event was lost.
 */
import type { ZnodePath } from '@lightkeeper/protocol'
import type { ZnodeStat } from '../stat.ts'
import type { Scope } from './scope.ts'
import type { WatchSource } from './source.ts'
import type { View } from './view.ts'

const auditedAtOnce = 200

export interface AuditParts {
  readonly source: WatchSource
  readonly scope: Scope
  readonly view: View<unknown>
  /** Milliseconds between two audits; 0 for none. */
  readonly intervalMs: number
  /** Whether every reported change is delivered. Otherwise a difference is no hole. */
  isSettled(): boolean
}

export class Audit {
  readonly #parts: AuditParts
  #dueAt = 0
  /** The last path of the previous audit. */
  #cursor: IterableIterator<ZnodePath> | undefined

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  /** Everything has been read: the next audit is due one interval from now. */
  postpone(): void {
    this.#dueAt = this.#parts.source.clock.now() + this.#parts.intervalMs
  }

  /** Milliseconds; Infinity where no audit will come. */
  untilDue(): number {
    const { intervalMs, source } = this.#parts
    if (intervalMs <= 0 || !source.isConnected) return Number.POSITIVE_INFINITY
    return this.#dueAt - source.clock.now()
  }

  /** A path that differs from what was delivered, or undefined. */
  async findHole(): Promise<ZnodePath | undefined> {
    this.postpone()
    const { source } = this.#parts
    const paths = this.#nextPaths()
    let hole: ZnodePath | undefined
    const check = (path: ZnodePath): Promise<void> =>
      source.stat(path, (stat) => {
        if (this.#isHole(path, stat)) hole ??= path
      })
    await Promise.all([...paths].map(check))
    source.counters.audited += paths.size
    return hole
  }

  /** The root, and the paths that follow the last audit. */
  #nextPaths(): ReadonlySet<ZnodePath> {
    const { scope, view } = this.#parts
    const paths = new Set<ZnodePath>([scope.root])
    while (paths.size < Math.min(auditedAtOnce, view.size + 1)) {
      this.#cursor ??= view.paths()
      const next = this.#cursor.next()
      if (next.done) {
        this.#cursor = undefined
        break
      }
      paths.add(next.value)
    }
    return paths
  }

  /** Judged at the reply's place in the stream: every change that it shows has been reported by then, or the event was lost. */
  #isHole(path: ZnodePath, stat: ZnodeStat | undefined): boolean {
    const { scope, view } = this.#parts
    if (!this.#parts.isSettled() || view.isUnreadable(path)) return false
    const hasOtherChildren = (stat?.numChildren ?? 0) !== view.children(path).size
    if (!scope.covers(path)) return hasOtherChildren
    const known = view.statOf(path)
    if (stat === undefined || known === undefined) return stat !== known
    if (stat.czxid !== known.czxid || stat.mzxid !== known.mzxid) return true
    return scope.coversChildrenOf(path) && hasOtherChildren
  }
}
