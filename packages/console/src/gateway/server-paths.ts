/** Servers name whole paths, in their files and in what they say of sessions; a page knows those below the chroot of the console. */
import { isWithin } from '@lightkeeper/protocol'
import { WrongRequest } from '../forms.ts'

export class ServerPaths {
  readonly #chroot: string

  constructor(chroot: string) {
    this.#chroot = chroot
  }

  toServer(path: string): string {
    if (this.#chroot === '') return path
    return path === '/' ? this.#chroot : this.#chroot + path
  }

  /** @throws WrongRequest for a path outside the chroot. */
  toUser(path: string): string {
    const own = this.find(path)
    if (own !== undefined) return own
    throw new WrongRequest(`${path} is outside ${this.#chroot}, which is all that this console shows`)
  }

  /** Undefined for a path outside the chroot. */
  find(path: string): string | undefined {
    if (this.#chroot === '') return path
    return isWithin(path, this.#chroot) ? path.slice(this.#chroot.length) || '/' : undefined
  }
}
