/** What a client knows of its own troubles, in words for errors and logs: since when it has no connection and why, and its stalls. */
import type { Clock, Log, LogFact } from '@lightkeeper/runtime'
import { isFinal, type SessionState } from './states.ts'

/** Failures named in one error, at most: the rest of a long list of servers is counted. */
const failuresMax = 8
/** Calls that fail so long after a stall name it, milliseconds. */
const recentMs = 60_000

export class Account {
  readonly #clock: Clock
  readonly #log: Log
  /** Since when there is no connection: monotonic, and as a date. Undefined while there is one. */
  #apart: { readonly at: number; readonly since: Date } | undefined
  #hasLoggedUnreachable = false
  #stall: { readonly ms: number; readonly until: number } | undefined
  /** Why the latest attempt to reach each server failed. */
  readonly failures = new Map<string, Error>()

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
    this.apart()
  }

  /** There is no connection from now on. */
  apart(): void {
    this.#apart = { at: this.#clock.now(), since: new Date(this.#clock.wall()) }
  }

  together(): void {
    this.#apart = undefined
    this.#hasLoggedUnreachable = false
    this.failures.clear()
  }

  failed(name: string, failure: Error): void {
    this.failures.set(name, failure)
    this.#log('debug', 'an attempt to connect failed', { reason: failure.message })
  }

  /** Every server has been tried in vain. Logged once, until there was a connection. */
  unreachable(): void {
    if (this.#hasLoggedUnreachable) return
    this.#hasLoggedUnreachable = true
    this.#log('warn', 'no server can be reached; trying on', { reason: this.#reasons() })
  }

  /** Why a call has no reply. */
  get noReply(): string {
    if (this.#apart === undefined) return `the server has not answered${this.stalled(recentMs)}`
    const { at, since } = this.#apart
    const howLong = `${seconds(this.#clock.now() - at)}, since ${since.toISOString()}`
    return `there has been no connection for ${howLong}: ${this.#reasons()}${this.stalled(recentMs)}`
  }

  #reasons(): string {
    const messages = [...this.failures.values()].map(({ message }) => message)
    const shown = messages.slice(0, failuresMax)
    if (messages.length > shown.length) shown.push(`and ${messages.length - shown.length} more`)
    return shown.join('; ') || 'no attempt has ended yet'
  }

  /** This program did not run its timers for `ms`. */
  stall(ms: number): void {
    this.#stall = { ms, until: this.#clock.now() }
  }

  /** The end of a sentence about a stall that ended within the last `ms`; empty where there was none. */
  stalled(ms: number): string {
    const stall = this.#stall
    if (stall === undefined || this.#clock.now() - stall.until > ms) return ''
    return `; this program's event loop was blocked for at least ${seconds(stall.ms)}, and sent nothing meanwhile`
  }

  /** Logs a state that has begun. */
  logState(state: SessionState): void {
    const [level, message, facts] = lineOf(state)
    this.#log(level, message, { ...facts, epoch: state.epoch })
    if (isFinal(state)) this.#hasLoggedUnreachable = true
  }
}

function lineOf(state: SessionState): [Parameters<Log>[0], string, Record<string, LogFact>] {
  switch (state.kind) {
    case 'connecting':
      return ['debug', 'opening a session', {}]
    case 'connected': {
      const { server, sessionId, sessionTimeout, isNew, readOnly } = state
      const message = isNew ? 'connected with a new session' : 'connected again with the same session'
      return ['info', message, { server, sessionId, sessionTimeout, ...(readOnly ? { readOnly } : {}) }]
    }
    case 'disconnected':
      return ['warn', 'the connection is lost', { sessionId: state.sessionId, reason: state.reason }]
    case 'expired': {
      const { sessionId, reason, lost } = state
      const facts = { sessionId, reason, ephemerals: lost.ephemerals.length, oneShotWatches: lost.oneShotWatches }
      return ['warn', 'the session has expired', facts]
    }
    case 'saslAuthenticated':
      return ['debug', 'logged in', { mechanism: state.mechanism }]
    case 'authFailed':
      return [
        'error',
        'the credentials were refused; the client is over',
        { scheme: state.scheme, reason: state.reason },
      ]
    case 'closed':
      return ['info', 'closed', {}]
  }
}

export function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}
