/** Seam: the part of the process's memory that ends it when it is full. */
export interface Memory {
  /** Bytes of what lives for long, garbage included, and how many there may be. Cheap. */
  heap(): { readonly used: number; readonly limit: number }
  /** Collects garbage now, where the host can be told to; the heap stands still meanwhile. */
  collect(): void
}
