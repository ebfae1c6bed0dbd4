/** Counts the demo's orders, from what it finds in ZooKeeper and what workers report: no order may be lost or done twice. */

export class Ledger {
  /** By number: the epoch of the term in which the order was written. */
  readonly #done = new Map<number, bigint>()
  readonly #reported = new Map<number, string>()
  readonly #terms = new Map<string, string>()
  readonly #problems: string[] = []

  get done(): number {
    return this.#done.size
  }

  get problems(): readonly string[] {
    return this.#problems
  }

  problem(text: string): void {
    this.#problems.push(text)
  }

  /** An order was among the finished ones and was removed: it must not appear again. */
  collected(number: number, epoch: bigint): void {
    if (this.#done.has(number)) this.problem(`order ${number} was done twice`)
    this.#done.set(number, epoch)
  }

  /** A worker reports that it has done an order. */
  reported(number: number, worker: string): void {
    const other = this.#reported.get(number)
    if (other !== undefined) this.problem(`order ${number} was done by ${other} and by ${worker}`)
    this.#reported.set(number, worker)
  }

  /** A worker was elected. */
  elected(epoch: string, worker: string): void {
    const other = this.#terms.get(epoch)
    if (other !== undefined) this.problem(`${other} and ${worker} were both elected in epoch ${epoch}`)
    this.#terms.set(epoch, worker)
  }

  get terms(): number {
    return this.#terms.size
  }

  /** Call this when no order waits any more; `last` is the highest number. Returns all errors. */
  settle(last: number): readonly string[] {
    const problems = [...this.#problems]
    const lost: number[] = []
    let before = 0n
    for (let number = 1; number <= last; number++) {
      const epoch = this.#done.get(number)
      if (epoch === undefined) {
        lost.push(number)
        continue
      }
      if (epoch < before) problems.push(`order ${number} was written in an epoch that was over`)
      before = epoch
    }
    if (lost.length > 0) problems.push(`${lost.length} orders were lost: ${lost.slice(0, 10).join(', ')}`)
    for (const number of this.#done.keys()) {
      if (number < 1 || number > last) problems.push(`order ${number} was done, and never written`)
    }
    for (const [number, worker] of this.#reported) {
      if (!this.#done.has(number)) problems.push(`order ${number}, done by ${worker}, is not among those done`)
    }
    return problems
  }
}
