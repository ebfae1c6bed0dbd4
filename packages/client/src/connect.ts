/** `connect()`: from a connect string to a client with a session, or to an error with a cause for each server. */

import type { Log, Runtime } from '@lightkeeper/runtime'
import { nodeRuntime, stderrLog } from '@lightkeeper/runtime/node'
import { looking, noOptions, wrongType } from './arguments/checks.ts'
import { connectOptions } from './arguments/connect-options.ts'
import { withTls } from './auth/tls.ts'
import { Client } from './client.ts'
import { Chroot, parseConnectString, parseServer } from './connect-string.ts'
import { HostList } from './host-list.ts'
import type { ConnectOptions } from './options.ts'
import { closeOnAbort, firstSession } from './session/first-session.ts'
import { Session } from './session/session.ts'
import { parseToken } from './session/token.ts'
import { messageOf } from './thrown.ts'

/** A connect string, or something that has one: a server of ours, an ensemble of the test kit. */
export type ConnectTarget = string | { readonly connectString: string }

/**
 * Resolves when a session exists and the server has accepted the identities; with `lazy` at once.
 * @throws AggregateError with one cause for each server when `connectTimeout` passes; the reason of the signal when it aborts;
 * KeeperError AUTH_FAILED; TypeError where the connect string is invalid.
 */
export async function connect(target: ConnectTarget, given: ConnectOptions = noOptions): Promise<Client> {
  const options = connectOptions.of(given, 'connect')
  const {
    servers,
    chroot: prefix,
    service,
  } = parseConnectString(looking('the connect string', 'connect', () => textOf(target)))
  const { signal, connectTimeout = 10_000 } = options
  signal?.throwIfAborted()
  const token = options.attach === undefined ? undefined : parseToken(options.attach)
  const log = typeof options.log === 'string' ? stderrLog(options.log) : options.log
  const host = nodeRuntime(log === undefined ? options.runtime : { ...options.runtime, log })
  const runtime: Runtime = { ...host, network: withTls(host.network, options.tls) }
  const chroot = new Chroot(prefix)
  const backoff = { baseMs: options.backoff?.baseMs ?? 25, maxMs: options.backoff?.maxMs ?? 10_000 }
  const { preferred = [] } = options
  const isPreferred = typeof preferred === 'function' ? guarded(preferred, servers, runtime.log) : isOneOf(preferred)
  const hosts = new HostList(servers, runtime.random, backoff, isPreferred)
  const lookUp = service === undefined ? undefined : { name: service, servers: () => runtime.network.service(service) }
  const config = {
    sessionTimeout: options.sessionTimeout ?? token?.timeoutMs ?? 30_000,
    connectTimeout: options.lazy === true ? Number.POSITIVE_INFINITY : connectTimeout,
    onExpired: options.onExpired ?? 'renew',
    readOnly: options.readOnly ?? false,
    queueLimit: options.queueLimit ?? 10_000,
    requestBytesMax: options.requestBytesMax ?? 0xfffff,
    replyBytesMax: options.replyBytesMax ?? 4 << 20,
    requestTimeout: options.requestTimeout ?? 60_000,
    rebalanceAfter: options.rebalanceAfter ?? 300_000,
    sasl: options.sasl,
    heartbeatPatienceMs: patienceOf(options.heartbeatThread),
  } as const
  const session = new Session(runtime, config, hosts, options.auth ?? [], lookUp)
  if (token !== undefined) session.adopt(token)
  const client = new Client(session, chroot)
  if (options.lazy === true) closeOnAbort(session, signal)
  else await firstSession(session, [...(service === undefined ? [] : [service]), ...servers], connectTimeout, signal)
  return client
}

/** The connect string of a target. The parser checks it, so a target without one is passed on unchanged. */
function textOf(target: ConnectTarget): string {
  const hasText = typeof target === 'object' && target !== null && 'connectString' in target
  return hasText ? target.connectString : (target as string)
}

/** Preferred servers are written as in a connect string: the default port is 2181. */
function isOneOf(preferred: readonly string[]): (server: string) => boolean {
  const servers = new Set(preferred.map(parseServer))
  return (server) => servers.has(server)
}

/**
 * A user's function that says which servers are preferred. If it throws for a server of the connect string, the caller of `connect`
 * gets the error. Later the protocol loop calls it: if it throws then, the server is not preferred, and this is logged once.
 */
function guarded(
  isPreferred: (server: string) => boolean,
  servers: readonly string[],
  log: Log,
): (server: string) => boolean {
  const ask = (server: string): boolean => {
    const answer: unknown = isPreferred(server)
    if (typeof answer !== 'boolean') throw wrongType('connect', 'what options.preferred gave', 'true or false', answer)
    return answer
  }
  for (const server of servers) ask(server)
  let hasFailed = false
  return (server) => {
    try {
      return ask(server)
    } catch (error) {
      if (!hasFailed)
        log('warn', 'options.preferred failed; the server is not preferred', { server, reason: messageOf(error) })
      hasFailed = true
      return false
    }
  }
}

function patienceOf(option: ConnectOptions['heartbeatThread']): number {
  if (option === undefined || option === false) return 0
  return option === true ? 60_000 : option.patience
}
