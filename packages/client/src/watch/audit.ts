/**
 * The self-audit of a stream: some znodes at a time are compared with what was delivered of them. A difference nothing was heard
 * of is a hole: an event was lost.
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
  /** Whether everything that was heard of is delivered. Else a difference is no hole. */
  isSettled(): boolean
}

export class Audit {
  readonly #parts: AuditParts
  #dueAt = 0
  /** Where the last one stopped. */
  #cursor: IterableIterator<ZnodePath> | undefined

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  /** Everything has been read: the next one is due an interval from now. */
  postpone(): void {
    this.#dueAt = this.#parts.source.clock.now() + this.#parts.intervalMs
  }

  /** Milliseconds; Infinity where none is to come. */
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

  /** The root, and those that come next behind the last audit. */
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

  /** Judged at the place of the reply: whatever it shows has been heard of by then, or was lost. */
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
