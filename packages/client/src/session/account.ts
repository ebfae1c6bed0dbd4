/**
 * What a client knows of its own troubles, in words for errors and logs: how long it has had no connection, why, and its stalls.
 */
import type { Clock, Log, LogFact } from '@lightkeeper/runtime'
import { isFinal, type SessionState } from './states.ts'

/** The most failures that one error names; the others of a long list of servers are counted. */
const failuresMax = 8
/** A call that fails within this time after a stall names the stall, milliseconds. */
const recentMs = 60_000

export class Account {
  readonly #clock: Clock
  readonly #log: Log
  /** When the connection was lost: monotonic, and as a date. Undefined while there is a connection. */
  #apart: { readonly at: number; readonly since: Date } | undefined
  #hasLoggedUnreachable = false
  #stall: { readonly ms: number; readonly until: number } | undefined
  /** Why the last attempt to reach each server failed. */
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

  /** Every server has been tried without success. Logged once until there is a connection again. */
  unreachable(): void {
    if (this.#hasLoggedUnreachable) return
    this.#hasLoggedUnreachable = true
    this.#log('warn', 'no server can be reached; the client keeps trying', { reason: this.#reasons() })
  }

  /** Why a call got no reply. */
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

  /** This program ran no timers for `ms`. */
  stall(ms: number): void {
    this.#stall = { ms, until: this.#clock.now() }
  }

  /** The end of a sentence about a stall that ended within the last `ms`; empty where there was no stall. */
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
        'the server refused the credentials; the client is closed',
        { scheme: state.scheme, reason: state.reason },
      ]
    case 'closed':
      return ['info', 'closed', {}]
  }
}

export function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}
