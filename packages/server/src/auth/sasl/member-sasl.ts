/** How members of an ensemble log in to each other. */
import { hashOf } from '../digest.ts'
import type { SaslUsers } from './users.ts'

/** The password is in a private field, so that no printed object shows it. */
export class OwnLogin {
  readonly username: string
  readonly #password: string

  constructor(username: string, password: string) {
    this.username = username
    this.#password = password
  }

  get password(): string {
    return this.#password
  }
}

export class MemberSasl {
  /** Who this member is where it dials; undefined where it does not log in. */
  readonly own: OwnLogin | undefined
  /** Who may log in here. */
  readonly users: SaslUsers
  /** Whether a member that does not log in is refused. */
  readonly isRequired: boolean

  constructor(own: OwnLogin | undefined, users: SaslUsers, isRequired: boolean) {
    this.own = own
    this.users = users
    this.isRequired = isRequired
  }

  /** The same for the same settings; says nothing else about them. */
  get fingerprint(): string {
    const { own, users, isRequired } = this
    return hashOf(JSON.stringify([own?.username, own?.password, users.fingerprint, isRequired]))
  }
}
