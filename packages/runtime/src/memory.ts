/** Seam: the part of the process's memory that ends it when it is full. */
export interface Memory {
  /** Bytes of long-lived objects, garbage included, and their limit. Cheap to ask. */
  heap(): { readonly used: number; readonly limit: number }
  /** Collects garbage now, if the host can; the program stops meanwhile. */
  collect(): void
}
