// @ts-check
/** How the raw clients of a benchmark come in: plainly, with TLS, with a login by SASL. All of a process come in the same way. */
import { createConnection } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import { digestMd5 } from '@lightkeeper/client'
import { opCode } from '@lightkeeper/protocol'

/**
 * `ca` is the authority of the server's certificate, PEM; without it there is no TLS. Without `login` nobody logs in.
 * @typedef {{ ca?: string | undefined, login?: { username: string, password: string } | undefined }} Door
 */

/** @type {Door} */
let door = {}
/** @type {import('node:tls').SecureContext | undefined} */
let secureContext

/** @param {Door} next */
export function useDoor(next) {
  door = next
  secureContext = next.ca === undefined ? undefined : createSecureContext({ ca: next.ca })
}

/** The door in use, to be passed on to another process. */
export function doorInUse() {
  return door
}

/**
 * A socket; what is written before its handshake of TLS is over follows behind it. `from` is the address it comes from: whoever attacks
 * may be refused by its address.
 * @param {number} port @param {string} [from]
 */
export function socketTo(port, from = '127.0.0.1') {
  const where = { host: '127.0.0.1', port, localAddress: from }
  if (secureContext === undefined) return createConnection({ ...where, noDelay: true })
  const socket = connectTls({ ...where, servername: 'localhost', secureContext })
  socket.setNoDelay(true)
  return socket
}

/**
 * Logs in where the door asks for it. `ask` sends a request and resolves to the buffer in its reply.
 * @param {(type: number, write: (writer: import('@lightkeeper/protocol').Writer) => void) => Promise<Uint8Array>} ask
 */
export async function logIn(ask) {
  if (door.login === undefined) return
  const random = { bytes: (/** @type {number} */ count) => crypto.getRandomValues(new Uint8Array(count)) }
  const exchange = await digestMd5(door.login).start({ host: '127.0.0.1', random: /** @type {never} */ (random) })
  let token = exchange.first
  for (;;) {
    const challenge = await ask(opCode.sasl, (writer) => writer.buffer(token))
    const step = await exchange.respond(challenge)
    if (step.isDone) return
    token = step.token ?? new Uint8Array(0)
  }
}
