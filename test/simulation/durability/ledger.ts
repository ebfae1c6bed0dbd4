/**
 * What clients attempted and which replies they got, and from it what a tree may hold: everything acknowledged, and of
 * what ended unknown some or none. Each key has one writer, who writes one value after the other.
 */

export class Violation extends Error {
  override readonly name = 'Violation'
}

type Status = 'pending' | 'acknowledged' | 'unknown' | 'rejected'

interface Attempt {
  /** Undefined for "does not exist". */
  readonly value: string | undefined
  status: Status
}

/** The values one key may have, in the order they were attempted. */
class History {
  readonly attempts: Attempt[] = [{ value: undefined, status: 'acknowledged' }]
  /** Index of the first attempt that may still be the state. */
  floor = 0

  allowed(from: number): (string | undefined)[] {
    return this.attempts.slice(from).flatMap((each) => (each.status === 'rejected' ? [] : [each.value]))
  }
}

export class Ledger {
  readonly #histories = new Map<string, History>()
  readonly #zxids = new Map<bigint, string>()
  readonly #sequenceNames = new Set<string>()
  acknowledged = 0

  /** Runs a write of `value` to `key`; rethrows an error that is no normal end of a call. */
  async attempt(
    key: string,
    value: string | undefined,
    write: () => Promise<unknown>,
    isUnknown: (error: unknown) => boolean,
  ): Promise<boolean> {
    return this.attemptAll([key], value, write, isUnknown)
  }

  /** The same for several keys at once: all of them or none. */
  async attemptAll(
    keys: readonly string[],
    value: string | undefined,
    write: () => Promise<unknown>,
    isUnknown: (error: unknown) => boolean,
  ): Promise<boolean> {
    const attempts = keys.map((key) => {
      const attempt: Attempt = { value, status: 'pending' }
      this.#history(key).attempts.push(attempt)
      return attempt
    })
    try {
      await write()
    } catch (error) {
      const status = isUnknown(error) ? 'unknown' : 'rejected'
      for (const attempt of attempts) attempt.status = status
      return false
    }
    this.acknowledged++
    for (const [i, key] of keys.entries()) {
      const attempt = attempts[i] as Attempt
      attempt.status = 'acknowledged'
      const history = this.#history(key)
      history.floor = Math.max(history.floor, history.attempts.indexOf(attempt))
    }
    return true
  }

  keys(): string[] {
    return [...this.#histories.keys()]
  }

  /** Call this before reading `key`; the result checks the read value, including attempts made meanwhile. */
  reading(key: string): (value: string | undefined) => void {
    const history = this.#history(key)
    const { floor } = history
    return (value) => {
      const allowed = history.allowed(floor)
      if (allowed.includes(value)) return
      throw new Violation(`${key} is ${show(value)}; it may be ${[...new Set(allowed)].map(show).join(', ')}`)
    }
  }

  /** A transaction number belongs to one write for ever. */
  zxid(zxid: bigint, write: string): void {
    const known = this.#zxids.get(zxid)
    if (known !== undefined && known !== write) throw new Violation(`zxid ${zxid} of ${write} was that of ${known}`)
    this.#zxids.set(zxid, write)
  }

  sequence(name: string): void {
    if (this.#sequenceNames.has(name)) throw new Violation(`the sequential name ${name} was given out twice`)
    this.#sequenceNames.add(name)
  }

  #history(key: string): History {
    let history = this.#histories.get(key)
    if (history === undefined) {
      history = new History()
      this.#histories.set(key, history)
    }
    return history
  }
}

function show(value: string | undefined): string {
  return value === undefined ? 'missing' : `"${value}"`
}
