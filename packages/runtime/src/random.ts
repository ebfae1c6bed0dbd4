/** Seam: random numbers. */
export interface Random {
  /** A uniform integer in [0, bound). `bound` is an integer from 1 to 2^31. */
  below(bound: number): number
  /** Unpredictable bytes: session passwords, challenges, unique names. */
  bytes(length: number): Uint8Array
}
