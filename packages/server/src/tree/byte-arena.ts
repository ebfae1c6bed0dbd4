/**
 * Data of znodes in large pages instead of a typed array for each: a typed array costs the engine some three hundred bytes before
 * its first byte of content. Pages hold slots of one size; data longer than a slot gets its own array.
 */

const pageBytes = 64 * 1024
/** Slot numbers fit the low bits of a reference. */
const slotBits = 12
const slotMask = (1 << slotBits) - 1
const slotBytesMin = 16

/** Sizes of slots: four steps to each doubling, so that at most a fifth of a slot is empty. */
const slotSizes: readonly number[] = (() => {
  const sizes: number[] = []
  for (let size = slotBytesMin; size < 64; size += 16) sizes.push(size)
  for (let base = 64; base < 4096; base *= 2) for (let step = 0; step < 4; step++) sizes.push(base + (step * base) / 4)
  sizes.push(4096)
  return sizes
})()

const slotBytesMax = 4096

/** Index into `slotSizes` by length in units of 16 bytes, rounded up. */
const classByUnits: Uint8Array = (() => {
  const table = new Uint8Array(slotBytesMax / 16 + 1)
  let at = 0
  for (let units = 0; units < table.length; units++) {
    while ((slotSizes[at] as number) < units * 16) at++
    table[units] = at
  }
  return table
})()

class Page {
  readonly bytes = new Uint8Array(pageBytes)
  readonly index: number
  sizeClass = 0
  slotBytes = 0
  slots = 0
  used = 0
  /** Slots from here on were never used. */
  fresh = 0
  /** The first free slot, -1 for none; each holds the number of the next, plus one, in its first two bytes. */
  freed = -1
  /** Its place in the list of pages with room, -1 when it is full. */
  place = -1

  constructor(index: number) {
    this.index = index
  }

  format(sizeClass: number): void {
    this.sizeClass = sizeClass
    this.slotBytes = slotSizes[sizeClass] as number
    this.slots = Math.floor(pageBytes / this.slotBytes)
    this.used = 0
    this.fresh = 0
    this.freed = -1
  }

  take(): number {
    this.used++
    const slot = this.freed
    if (slot < 0) return this.fresh++
    const at = slot * this.slotBytes
    this.freed = (((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number)) - 1
    return slot
  }

  give(slot: number): void {
    this.used--
    const at = slot * this.slotBytes
    const next = this.freed + 1
    this.bytes[at] = next >> 8
    this.bytes[at + 1] = next & 0xff
    this.freed = slot
  }
}

export class ByteArena {
  readonly #pages: Page[] = []
  /** Pages with room, by class. */
  readonly #roomy: Page[][] = slotSizes.map(() => [])
  readonly #empty: Page[] = []
  readonly #large: (Uint8Array | undefined)[] = []
  readonly #largeFree: number[] = []

  /** Copies `bytes`, which are not empty, and returns a reference to the copy. */
  store(bytes: Uint8Array): number {
    const { length } = bytes
    if (length > slotBytesMax) {
      const index = this.#largeFree.pop() ?? this.#large.length
      this.#large[index] = bytes.slice()
      return -1 - index
    }
    const page = this.#pageFor(classByUnits[(length + 15) >> 4] as number)
    const slot = page.take()
    if (page.used === page.slots) this.#leaveRoomy(page)
    const at = slot * page.slotBytes
    if (length <= 32) for (let i = 0; i < length; i++) page.bytes[at + i] = bytes[i] as number
    else page.bytes.set(bytes, at)
    return (page.index << slotBits) | slot
  }

  /** The bytes at `reference`, in place: valid until they are freed; then the slot has another owner. */
  view(reference: number, length: number): Uint8Array {
    if (reference < 0) return this.#large[-1 - reference] as Uint8Array
    const page = this.#pages[reference >> slotBits] as Page
    const at = (reference & slotMask) * page.slotBytes
    return page.bytes.subarray(at, at + length)
  }

  free(reference: number): void {
    if (reference < 0) {
      this.#large[-1 - reference] = undefined
      this.#largeFree.push(-1 - reference)
      return
    }
    const page = this.#pages[reference >> slotBits] as Page
    page.give(reference & slotMask)
    if (page.place < 0) this.#enterRoomy(page)
    // One page with room stays in its class, so that a znode that comes and goes does not format a page each time.
    if (page.used === 0 && (this.#roomy[page.sizeClass] as Page[]).length > 1) {
      this.#leaveRoomy(page)
      this.#empty.push(page)
    }
  }

  #pageFor(sizeClass: number): Page {
    const roomy = this.#roomy[sizeClass] as Page[]
    const known = roomy.at(-1)
    if (known !== undefined) return known
    let page = this.#empty.pop()
    if (page === undefined) {
      page = new Page(this.#pages.length)
      this.#pages.push(page)
    }
    page.format(sizeClass)
    this.#enterRoomy(page)
    return page
  }

  #enterRoomy(page: Page): void {
    const roomy = this.#roomy[page.sizeClass] as Page[]
    page.place = roomy.length
    roomy.push(page)
  }

  #leaveRoomy(page: Page): void {
    const roomy = this.#roomy[page.sizeClass] as Page[]
    const last = roomy.pop() as Page
    if (last !== page) {
      roomy[page.place] = last
      last.place = page.place
    }
    page.place = -1
  }
}
