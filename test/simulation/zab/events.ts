/** What happens later, in the order of time, and of asking at one instant. */

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

export class Events {
  now = 0
  /** How many were run. */
  count = 0
  readonly #heap: Event[] = []
  #order = 0

  at(time: number, run: () => void): void {
    const heap = this.#heap
    const event: Event = { at: time < this.now ? this.now : time, order: this.#order++, run }
    heap.push(event)
    let i = heap.length - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (isEarlier(heap[parent] as Event, event)) break
      heap[i] = heap[parent] as Event
      i = parent
    }
    heap[i] = event
  }

  after(delay: number, run: () => void): void {
    this.at(this.now + delay, run)
  }

  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }

  /** Runs the next one. */
  step(): void {
    const heap = this.#heap
    const first = heap[0]
    if (first === undefined) return
    const last = heap.pop() as Event
    if (heap.length > 0) this.#sink(last)
    this.now = first.at
    this.count++
    first.run()
  }

  #sink(event: Event): void {
    const heap = this.#heap
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isEarlier(heap[child + 1] as Event, heap[child] as Event)) child++
      if (isEarlier(event, heap[child] as Event)) break
      heap[i] = heap[child] as Event
      i = child
    }
    heap[i] = event
  }
}

function isEarlier(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
