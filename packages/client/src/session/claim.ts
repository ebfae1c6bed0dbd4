/** What a client claims in a handshake: its session, the session's password, and the newest state that it has seen. */
import type { ConnectRequest, ConnectResponse } from '@lightkeeper/protocol'
import type { SessionToken } from './token.ts'

const noPassword = new Uint8Array(16)

export class SessionClaim {
  /** 0n while there is no session. */
  sessionId = 0n
  /** Highest zxid of any ordinary reply. A server with a lower zxid does not accept this client. */
  lastZxid = 0n
  /** Whether the session has been on a server with a quorum; servers without a quorum do not know a session that has not. */
  isWritable = false
  #password: Uint8Array = noPassword
  /** Handshakes in a row that a server closed without an answer. */
  #silentRefusals = 0

  /** The session that the client asks for; 0n for a new one. */
  get #claimedId(): bigint {
    return this.isWritable ? this.sessionId : 0n
  }

  /** The first frame of a connection. `timeOut` is in milliseconds. */
  connectRequest(timeOut: number, readOnly: boolean): ConnectRequest {
    const sessionId = this.#claimedId
    const passwd = sessionId === 0n ? noPassword : this.#password
    return { protocolVersion: 0, lastZxidSeen: this.lastZxid, timeOut, sessionId, passwd, readOnly }
  }

  /** Reads the server's answer: `new` or the `same` session, or `refused`, which changes nothing. */
  answered(response: ConnectResponse): 'new' | 'same' | 'refused' {
    const asked = this.#claimedId
    this.#silentRefusals = 0
    // A user relied on the session that we asked for. A different one is a new session.
    if (response.timeOut <= 0 || (asked !== 0n && response.sessionId !== asked)) return 'refused'
    this.sessionId = response.sessionId
    this.#password = (response.passwd ?? noPassword).slice()
    return asked === 0n ? 'new' : 'same'
  }

  /**
   * A server closes the connection without an answer when we have seen a higher zxid than it has (ZooKeeperServer.java,
   * processConnectRequest). While a session lives, this prevents us from going back in time. A new session promises nothing about
   * the old one; and if all servers lost their data, they would never accept this client again. Returns true, and sets `lastZxid`
   * to 0n, where each of `servers` has closed so.
   */
  closedSilently(servers: number): boolean {
    if (this.sessionId !== 0n || this.lastZxid === 0n || ++this.#silentRefusals < servers) return false
    this.lastZxid = 0n
    return true
  }

  /** The session has ended. */
  expired(): void {
    this.sessionId = 0n
    this.isWritable = false
    this.#password = noPassword
  }

  /** Continues a session that another process has left. */
  adopt({ sessionId, password, lastZxid }: SessionToken): void {
    this.sessionId = sessionId
    this.#password = password
    this.lastZxid = lastZxid
    this.isWritable = true
  }

  /** What another process needs to continue the session. */
  token(timeoutMs: number, ephemerals: readonly string[]): SessionToken {
    return { sessionId: this.sessionId, password: this.#password, timeoutMs, lastZxid: this.lastZxid, ephemerals }
  }
}
