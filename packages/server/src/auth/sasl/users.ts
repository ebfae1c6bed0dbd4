/** The users of SASL DIGEST-MD5 and their passwords. */
import { hashOf } from '../digest.ts'

/** Passwords are in a private field, so that no printed object shows them. */
export class SaslUsers {
  readonly #passwords: ReadonlyMap<string, string>

  constructor(passwords: ReadonlyMap<string, string> = new Map()) {
    this.#passwords = new Map(passwords)
  }

  get size(): number {
    return this.#passwords.size
  }

  get names(): string[] {
    return [...this.#passwords.keys()]
  }

  /** The same for the same users with the same passwords; says nothing else about them. */
  get fingerprint(): string {
    return hashOf(JSON.stringify([...this.#passwords].sort()))
  }

  passwordOf(name: string): string | undefined {
    return this.#passwords.get(name)
  }
}
