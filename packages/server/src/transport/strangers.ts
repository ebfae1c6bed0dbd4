/**
 * Accepted connections of a port between members that have not said who they are. There is room for some of them. A newcomer takes the
 * place of another one where there is none: a member says at once who it is, so strangers that wait must not keep it out. The host that
 * has the most connections loses its oldest one, so a stranger takes no place of another host as long as its own has more.
 */
import { type Link, parseAddress } from '@lightkeeper/runtime'

/** A member over a slow line needs several round trips until it has logged in: thousands of newcomers a second leave it time for them. */
export const strangersMax = 256

export class Strangers {
  readonly #max: number
  /** With their hosts, oldest first. */
  readonly #links = new Map<Link, string>()
  readonly #byHost = new Map<string, number>()

  constructor(max = strangersMax) {
    this.#max = max
  }

  add(link: Link): void {
    if (this.#links.size >= this.#max) this.#makeRoom()
    const { host } = parseAddress(link.remote, 0)
    this.#links.set(link, host)
    this.#byHost.set(host, (this.#byHost.get(host) ?? 0) + 1)
  }

  /** It is known, or closed. */
  remove(link: Link): void {
    const host = this.#links.get(link)
    if (host === undefined) return
    this.#links.delete(link)
    const left = (this.#byHost.get(host) as number) - 1
    if (left === 0) this.#byHost.delete(host)
    else this.#byHost.set(host, left)
  }

  #makeRoom(): void {
    const most = Math.max(...this.#byHost.values())
    for (const [link, host] of this.#links) {
      if (this.#byHost.get(host) !== most) continue
      this.remove(link)
      link.destroy()
      return
    }
  }
}
