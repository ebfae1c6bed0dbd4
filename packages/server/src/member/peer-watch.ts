/** What a member says to its operator about the others: whom it follows, whom it lost and why, who is missing. Decides nothing. */
import type { Notification } from '@lightkeeper/protocol'
import { type LogFact, RepeatedLines, type Runtime, type Timer } from '@lightkeeper/runtime'
import type { EnsembleView, MemberView } from '../ensemble-view.ts'
import { NotKeptError } from '../transport/leader-link.ts'
import { LoginError } from '../transport/member-logins.ts'
import type { CloseReason, Role } from '../zab/outputs.ts'
import { incomplete } from '../zab/vote.ts'
import { ListCheck } from './list-check.ts'
import type { Neighbours } from './neighbours.ts'

/** A search for a leader that takes this long is said, milliseconds. */
const patienceMs = 10_000

export class PeerWatch {
  readonly #neighbours: Neighbours
  readonly #runtime: Runtime
  readonly #repeated: RepeatedLines
  /** Who has answered since the last line about the search. */
  readonly #heard = new Set<number>()
  /** Who of them has no data, and gives no vote before it has. */
  readonly #withoutData = new Set<number>()
  readonly #lists: ListCheck
  #lookingSince: number
  #timer: Timer | undefined
  #closeReason: CloseReason | undefined
  #leader: number | undefined
  #isServing = false

  constructor(neighbours: Neighbours, runtime: Runtime) {
    this.#neighbours = neighbours
    this.#runtime = runtime
    this.#repeated = new RepeatedLines(runtime.log, runtime.clock, 'warn')
    this.#lists = new ListCheck(neighbours.membership.text, runtime.log, runtime.clock)
    this.#lookingSince = runtime.clock.now()
    this.#arm()
  }

  /** While a term is served. */
  get ensemble(): EnsembleView {
    const { sid, membership, own, views } = this.#neighbours
    return {
      ...own,
      own: views.get(sid) as MemberView,
      leader: views.get(this.#leader ?? -1),
      voters: membership.voters.map((voter) => views.get(voter.sid) as MemberView),
      text: new TextDecoder().decode(membership.text),
    }
  }

  get facts(): Readonly<Record<string, LogFact>> {
    const { sid, hasVote, membership, election } = this.#neighbours
    return {
      myid: sid,
      hasVote,
      voters: membership.voters.map((voter) => voter.sid).join(' '),
      electionAddress: election.listenAddresses.join(' '),
    }
  }

  heard(from: number, notification: Notification): void {
    this.#heard.add(from)
    if (notification.state === 'looking' && notification.zxid === incomplete) this.#withoutData.add(from)
    else this.#withoutData.delete(from)
    this.#lists.heard(from, notification.config)
    this.#lookForTwin(from, notification)
  }

  /** While this server has no leader, another one follows a server with its number: for longer than it would follow this one. */
  #lookForTwin(from: number, { state, leader }: Notification): void {
    const { sid, times } = this.#neighbours
    if (state === 'looking' || leader !== sid || this.#leader !== undefined) return
    if (this.#runtime.clock.now() - this.#lookingSince < 2 * times.syncLimit * times.tickMs) return
    const message = 'another server has the same myid as this one; give each server its own'
    this.#repeated.tell('same', message, { server: sid, isFollowedBy: from })
  }

  dialing(sid: number): void {
    this.#leader = sid
  }

  /** This server was elected. */
  leading(): void {
    this.#leader = this.#neighbours.sid
  }

  closed(sid: number, wasOpen: boolean, why: Error | undefined): void {
    if (why === undefined) return
    const message =
      why instanceof NotKeptError
        ? 'this member cannot write down what its leader sends, and asks for it again; see to the disk'
        : wasOpen
          ? 'the connection to the leader is lost'
          : why instanceof LoginError
            ? 'this server could not log in to its leader; it is tried again'
            : 'the leader cannot be reached at its quorum port'
    const facts = { server: sid, address: this.#neighbours.quorumAddressesOf(sid).join(' '), cause: why.message }
    this.#repeated.tell(message, message, facts)
  }

  closing(why: CloseReason): void {
    this.#closeReason = why
    if (why.kind !== 'illegal') return
    const message = 'the leader sent what it may not send now; this member leaves it and looks again'
    this.#repeated.tell(message, message, { server: this.#leader, cause: why.text })
  }

  serves(role: Role, epoch: number, zxid: bigint): void {
    this.#isServing = true
    this.#timer?.cancel()
    const message =
      role === 'leading'
        ? 'this member leads the ensemble and serves clients'
        : 'this member follows a leader and serves clients'
    this.#runtime.log('info', message, {
      leader: this.#leader,
      role,
      epoch,
      lastZxid: zxid,
      ms: Math.round(this.#runtime.clock.now() - this.#lookingSince),
    })
  }

  /** A term is over, which may not have begun to serve. */
  lost(why: string): void {
    const cause = this.#closeReason?.text ?? why
    this.#closeReason = undefined
    const wasLeading = this.#leader === this.#neighbours.sid
    this.#leader = undefined
    if (!this.#isServing) return
    this.#isServing = false
    const message = wasLeading
      ? 'this member does not lead any more: it closes the connections of its clients and looks again'
      : 'this member lost its leader: it closes the connections of its clients and looks again'
    this.#runtime.log('warn', message, { cause })
    this.#heard.clear()
    this.#lookingSince = this.#runtime.clock.now()
    this.#arm()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #arm(): void {
    const { clock, log } = this.#runtime
    this.#timer?.cancel()
    this.#timer = clock.after(patienceMs, () => {
      const { sid: own, membership } = this.#neighbours
      const voters = membership.voters.map(({ sid }) => sid).filter((sid) => sid !== own)
      const missing = voters.filter((sid) => !this.#heard.has(sid))
      // One that has gone since is missing, and nothing more is known of it.
      const withoutData = [...this.#withoutData].filter((sid) => this.#heard.has(sid))
      log('warn', 'there is still no leader to follow; clients are not served', {
        seconds: Math.round((clock.now() - this.#lookingSince) / 1000),
        heardOf: voters.filter((sid) => this.#heard.has(sid)).join(' ') || 'no voter',
        missing: missing.join(' ') || 'none',
        ...(withoutData.length > 0 ? { withoutData: withoutData.join(' ') } : {}),
      })
      // Who is there is heard of again until the next line.
      this.#heard.clear()
      this.#timer = clock.after(6 * patienceMs, () => this.#arm())
    })
  }
}
