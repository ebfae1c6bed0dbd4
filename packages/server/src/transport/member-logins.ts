/**
 * Logins between members on their links: where they stand in front of the first packet of a learner, and behind the initial message of
 * an election link. The machines are in `auth/sasl/member-login.ts`; a link that fails to log in is closed, and its peer hears why if it
 * has begun a login.
 */
import { beginsQuorumAuth, hexOf } from '@lightkeeper/protocol'
import { type Clock, type Link, type LinkEvents, type Network, RepeatedLines, type Runtime } from '@lightkeeper/runtime'
import { AcceptingLogin, DialingLogin, type LoginProgress, type MemberLogin } from '../auth/sasl/member-login.ts'
import type { MemberSasl } from '../auth/sasl/member-sasl.ts'
import { joined } from '../joined.ts'

/** Random bytes of a nonce: as many as Java draws. */
const nonceBytes = 30
/** How long a peer may take to read why it is refused, milliseconds. */
const lingerMs = 1_000

/** Why a dial of another member came to nothing: the login, and not the way to it. Another try at once would fail alike. */
export class LoginError extends Error {
  override readonly name = 'LoginError'
}

export class MemberLogins {
  readonly #settings: MemberSasl
  readonly #runtime: Runtime
  readonly #repeated: RepeatedLines

  constructor(settings: MemberSasl, runtime: Runtime) {
    this.#settings = settings
    this.#runtime = runtime
    this.#repeated = new RepeatedLines(runtime.log, runtime.clock, 'warn')
  }

  /** Undefined where this member does not log in. */
  dialing(): MemberLogin | undefined {
    const { own } = this.#settings
    return own && new DialingLogin(own, hexOf(this.#runtime.random.bytes(nonceBytes)))
  }

  accepting(): MemberLogin {
    const { users, isRequired } = this.#settings
    const nonce = btoa(String.fromCharCode(...this.#runtime.random.bytes(nonceBytes)))
    return new AcceptingLogin(users, isRequired, nonce)
  }

  /** Says who was refused: each host once, however often it comes. `server` is the number that it says it has. */
  refused(remote: string, why: string, server?: number): void {
    const message = 'refused a connection to a port between members: the other server did not log in'
    const facts = { remote, ...(server === undefined ? {} : { server }), cause: why }
    this.#repeated.tell(`${server ?? remote.replace(/:\d+$/, '')} ${why}`, message, facts)
  }
}

/** Where a link goes on. Exactly one of them is called, unless the link is closed from here before. */
export interface LoginHooks {
  /** `rest` came behind the login. */
  passed(rest: Uint8Array): void
  failed(why: string): void
}

/** The login of one link. */
export class LinkLogin {
  readonly #machine: MemberLogin
  readonly #link: Link
  readonly #hooks: LoginHooks
  #isOver = false

  constructor(machine: MemberLogin, link: Link, hooks: LoginHooks) {
    this.#machine = machine
    this.#link = link
    this.#hooks = hooks
  }

  begin(): void {
    this.#perform(this.#machine.begin())
  }

  received(chunk: Uint8Array): void {
    if (!this.#isOver) this.#perform(this.#machine.received(chunk))
  }

  /** The link is closed. */
  closed(): void {
    if (!this.#isOver) this.#perform({ end: this.#machine.closed() })
  }

  #perform({ send, end }: LoginProgress): void {
    if (send !== undefined) this.#link.write(send)
    if (end === undefined) return
    this.#isOver = true
    if (end.kind === 'passed') this.#hooks.passed(end.rest)
    else this.#hooks.failed(end.why)
  }
}

/** Closes a link whose peer may still read why it is refused. */
export function dismiss(link: Link, clock: Clock): void {
  link.end()
  clock.after(lingerMs, () => link.destroy())
}

/** The network of the quorum port: what is above it sees a link when the login is over. */
export function loginNetwork(logins: MemberLogins, { network, clock }: Runtime): Network {
  return {
    ...network,
    connect(address, events, options) {
      const machine = logins.dialing()
      if (machine === undefined) return network.connect(address, events, options)
      let phase: 'dialing' | 'login' | 'open' = 'dialing'
      let problem: LoginError | undefined
      const link: Link = network.connect(
        address,
        {
          opened() {
            phase = 'login'
            login.begin()
          },
          data: (chunk) => (phase === 'open' ? events.data(chunk) : login.received(chunk)),
          drained: () => events.drained?.(),
          closed(reason) {
            if (phase === 'login') login.closed()
            events.closed(problem ?? reason)
          },
        },
        options,
      )
      const login = new LinkLogin(machine, link, {
        passed(rest) {
          phase = 'open'
          events.opened?.()
          if (rest.length > 0) events.data(rest)
        },
        failed(why) {
          problem = new LoginError(why)
          link.destroy()
        },
      })
      return link
    },
    listen(address, accept, options) {
      const behindLogin = (link: Link): LinkEvents => {
        const events = accept(link)
        let isPassed = false
        const login = new LinkLogin(logins.accepting(), link, {
          passed(rest) {
            isPassed = true
            if (rest.length > 0) events.data(rest)
          },
          failed(why) {
            logins.refused(link.remote, why)
            dismiss(link, clock)
          },
        })
        return {
          data: (chunk) => (isPassed ? events.data(chunk) : login.received(chunk)),
          drained: () => events.drained?.(),
          closed: (reason) => events.closed(reason),
        }
      }
      return network.listen(address, behindLogin, options)
    },
  }
}

/** The network of the quorum port of a member without logins: it says so where another member begins one, and closes the link. */
export function networkWithoutLogins({ network, clock, log }: Runtime): Network {
  const repeated = new RepeatedLines(log, clock, 'warn')
  return {
    ...network,
    listen(address, accept, options) {
      const beforeFirstBytes = (link: Link): LinkEvents => {
        const events = accept(link)
        /** What came until it is known that it is no login; undefined from then on. */
        let first: Uint8Array | undefined = new Uint8Array(0)
        return {
          data(chunk) {
            if (first === undefined) return events.data(chunk)
            const bytes = joined(first, chunk)
            const isLogin = beginsQuorumAuth(bytes)
            first = isLogin === undefined ? bytes.slice() : undefined
            if (isLogin === false) events.data(bytes)
            if (isLogin !== true) return
            const message = 'closing a connection to the quorum port: the other server logs in, and logins are off here'
            const { remote } = link
            repeated.tell(remote.replace(/:\d+$/, ''), message, { remote, toSet: 'quorum.auth.enableSasl' })
            link.destroy()
          },
          drained: () => events.drained?.(),
          closed: (reason) => events.closed(reason),
        }
      }
      return network.listen(address, beforeFirstBytes, options)
    },
  }
}
