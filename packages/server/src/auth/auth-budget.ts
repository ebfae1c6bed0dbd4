/**
 * Failed authentications of each address. Some dozens at once are nothing, as of programs with an old password that start together;
 * above that the address is refused for a while whatever it says, so that nobody tries thousands of passwords in a second.
 */

/** Failures an address may have at once, and how long it takes until it may have one more, milliseconds. */
const failuresMax = 30
const forgivenAfterMs = 2_000
/** Addresses that are remembered; of more the one that failed least recently is forgotten. */
const addressesMax = 10_000

export class AuthBudget {
  /** By address, least recent first. `failures` is as of `at`, monotonic milliseconds. */
  readonly #failed = new Map<string, { readonly failures: number; readonly at: number }>()

  get size(): number {
    return this.#failed.size
  }

  failed(address: string, now: number): void {
    const failures = Math.min(failuresMax, this.#failures(address, now) + 1)
    this.#failed.delete(address)
    this.#failed.set(address, { failures, at: now })
    if (this.#failed.size <= addressesMax) return
    for (const oldest of this.#failed.keys()) {
      this.#failed.delete(oldest)
      return
    }
  }

  /** Whether the address has failed so often that it is not listened to. Looking does not make it longer. */
  isSpent(address: string, now: number): boolean {
    return this.#failed.size > 0 && this.#failures(address, now) > failuresMax - 1
  }

  #failures(address: string, now: number): number {
    const known = this.#failed.get(address)
    return known === undefined ? 0 : Math.max(0, known.failures - (now - known.at) / forgivenAfterMs)
  }
}
