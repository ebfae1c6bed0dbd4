/** What a client claims in a handshake: its session with the password of it, and the newest state it has seen. */
import type { ConnectRequest, ConnectResponse } from '@lightkeeper/protocol'
import type { SessionToken } from './token.ts'

const noPassword = new Uint8Array(16)

export class SessionClaim {
  /** 0n while there is no session. */
  sessionId = 0n
  /** Highest zxid of any ordinary reply. A server that is behind it does not accept this client. */
  lastZxid = 0n
  /** Whether the session has been on a server with a quorum: the others do not know one that has not. */
  isWritable = false
  #password: Uint8Array = noPassword
  /** Handshakes in a row that a server closed without a word. */
  #silentRefusals = 0

  /** The session asked for; 0n for a new one. */
  get #claimedId(): bigint {
    return this.isWritable ? this.sessionId : 0n
  }

  /** The first frame of a connection. `timeOut` in milliseconds. */
  connectRequest(timeOut: number, readOnly: boolean): ConnectRequest {
    const sessionId = this.#claimedId
    const passwd = sessionId === 0n ? noPassword : this.#password
    return { protocolVersion: 0, lastZxidSeen: this.lastZxid, timeOut, sessionId, passwd, readOnly }
  }

  /** Takes the server's answer: `new` or the `same` session, or `refused`, which changes nothing. */
  answered(response: ConnectResponse): 'new' | 'same' | 'refused' {
    const asked = this.#claimedId
    this.#silentRefusals = 0
    // Another session than the one asked for is the same as none to a user who relied on it.
    if (response.timeOut <= 0 || (asked !== 0n && response.sessionId !== asked)) return 'refused'
    this.sessionId = response.sessionId
    this.#password = (response.passwd ?? noPassword).slice()
    return asked === 0n ? 'new' : 'same'
  }

  /**
   * A server closes without a word when we have seen more than it holds (ZooKeeperServer.java, processConnectRequest). While a
   * session lives that keeps us from going back in time; a new one promises nothing about the old, and servers that all lost
   * their data would be unreachable for ever. True, and `lastZxid` 0n, where each of `servers` has done so.
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

  /** Goes on with a session another process has left. */
  adopt({ sessionId, password, lastZxid }: SessionToken): void {
    this.sessionId = sessionId
    this.#password = password
    this.lastZxid = lastZxid
    this.isWritable = true
  }

  /** What another process needs to go on with the session. */
  token(timeoutMs: number, ephemerals: readonly string[]): SessionToken {
    return { sessionId: this.sessionId, password: this.#password, timeoutMs, lastZxid: this.lastZxid, ephemerals }
  }
}
