/**
 * Follows writes from their request to their end and makes the events of the audit log of them (AuditHelper.java). What a request
 * asks is noted when it is received: a transaction that was refused does not say it.
 */
import {
  type CreateRequest,
  eachMultiOperation,
  type Id,
  opCode,
  type Reader,
  readCreateRequest,
  readCreateTTLRequest,
  readDeleteRequest,
  readSetACLRequest,
  readSetDataRequest,
  type TxnHeader,
} from '@lightkeeper/protocol'
import type { NodeTxn, Txn } from '../tree/txn.ts'
import { type AuditEvent, type AuditOperation, aclText, userText, znodeTypeOf } from './audit-event.ts'

/** Where events go. */
export type AuditSink = (event: AuditEvent) => void

/** What a client asked. */
interface Asked {
  readonly operation: AuditOperation | 'multi'
  readonly identities: readonly Id[]
  readonly ip: string
  readonly znode?: string | undefined
  readonly znodeType?: string | undefined
  readonly acl?: string | undefined
  /** The kinds of znodes that a multi creates, by the paths in it. */
  readonly znodeTypes?: ReadonlyMap<string, string>
}

/** The client that asks. */
export interface AuditedClient {
  readonly remoteHost: string
  readonly identities: readonly Id[]
}

export class Auditor {
  readonly #sink: AuditSink
  /** The user that this process runs as: it did what no client asked for. */
  readonly #ownUser: string
  /** By the ticket of the request. */
  readonly #asked = new Map<object, Asked>()

  constructor(sink: AuditSink, ownUser: string) {
    this.#sink = sink
    this.#ownUser = ownUser
  }

  /** Requests whose end is not known yet. */
  get size(): number {
    return this.#asked.size
  }

  /** The server serves clients. */
  started(): void {
    this.#sink({ user: this.#ownUser, operation: 'serverStart', result: 'success' })
  }

  /** The server could not start. */
  failedToStart(): void {
    this.#sink({ user: this.#ownUser, operation: 'serverStart', result: 'failure' })
  }

  /** The server begins to stop: how that ends nobody can write any more. */
  stopping(): void {
    this.#sink({ user: this.#ownUser, operation: 'serverStop', result: 'invoked' })
  }

  /** A write was received. `body` stands behind the header and is left as it is. */
  asked(ticket: object, client: AuditedClient, type: number, body: Reader): void {
    const { pos } = body
    try {
      const asked = read(type, body)
      if (asked !== undefined) {
        this.#asked.set(ticket, { ...asked, identities: client.identities, ip: client.remoteHost })
      }
    } catch {
      // A body that cannot be read is refused, and there is nothing to write about it.
    } finally {
      body.pos = pos
    }
  }

  /** It became no transaction: it is refused, or its connection is gone. */
  dropped(ticket: object): void {
    this.#asked.delete(ticket)
  }

  /** A transaction was applied; `ticket` is that of the request that asked for it, if a client did. */
  applied(header: TxnHeader, txn: Txn, ticket: object | undefined): void {
    if (txn.type === opCode.closeSession) return this.#sessionEnded(header.clientId, txn.paths2Delete)
    if (txn.type === opCode.deleteContainer) {
      this.#sink({ user: this.#ownUser, operation: 'delete', znode: txn.path, result: 'success' })
      return
    }
    const asked = ticket === undefined ? undefined : this.#asked.get(ticket)
    if (asked === undefined) return
    this.#asked.delete(ticket as object)
    if (txn.type === opCode.multi) return this.#multi(header, asked, txn.txns)
    const failed = txn.type === opCode.error
    this.#tell(header, asked, {
      operation: asked.operation === 'multi' ? 'multiOperation' : asked.operation,
      // A sequential znode has the name that it got.
      znode: 'path' in txn ? txn.path : asked.znode,
      znodeType: asked.znodeType,
      acl: asked.acl,
      result: failed ? 'failure' : 'success',
    })
  }

  #multi(header: TxnHeader, asked: Asked, parts: readonly NodeTxn[]): void {
    if (parts.some(({ type }) => type === opCode.error)) {
      this.#tell(header, asked, { operation: 'multiOperation', result: 'failure' })
      return
    }
    for (const part of parts) {
      const operation = operationOf(part.type)
      if (operation === undefined || !('path' in part)) continue
      const znodeType = operation === 'create' ? asked.znodeTypes?.get(part.path) : undefined
      this.#tell(header, asked, { operation, znode: part.path, znodeType, result: 'success' })
    }
  }

  /** `paths` is null for a session with very many ephemerals: one line stands for all of them then. */
  #sessionEnded(session: bigint, paths: readonly string[] | null): void {
    const operation = 'ephemeralZNodeDeletionOnSessionCloseOrExpire'
    for (const znode of paths ?? [undefined]) {
      this.#sink({ session, user: this.#ownUser, operation, znode, result: 'success' })
    }
  }

  #tell(header: TxnHeader, asked: Asked, event: AuditEvent): void {
    this.#sink({ ...event, session: header.clientId, user: userText(asked.identities), ip: asked.ip })
  }
}

function operationOf(type: number): AuditOperation | undefined {
  switch (type) {
    case opCode.create:
    case opCode.create2:
    case opCode.createContainer:
    case opCode.createTTL:
      return 'create'
    case opCode.delete:
      return 'delete'
    case opCode.setData:
      return 'setData'
    default:
      return undefined
  }
}

function read(type: number, body: Reader): Omit<Asked, 'identities' | 'ip'> | undefined {
  switch (type) {
    case opCode.create:
    case opCode.create2:
    case opCode.createContainer:
      return created(readCreateRequest(body))
    case opCode.createTTL:
      return created(readCreateTTLRequest(body))
    case opCode.delete:
      return { operation: 'delete', znode: readDeleteRequest(body).path }
    case opCode.setData:
      return { operation: 'setData', znode: readSetDataRequest(body).path }
    case opCode.setACL: {
      const { path, acl } = readSetACLRequest(body)
      return { operation: 'setAcl', znode: path, acl: aclText(acl) }
    }
    case opCode.multi:
      return { operation: 'multi', znodeTypes: znodeTypesOf(body) }
    case opCode.reconfig:
      return { operation: 'reconfig' }
    default:
      return undefined
  }
}

function created({ path, flags }: CreateRequest): Omit<Asked, 'identities' | 'ip'> {
  return { operation: 'create', znode: path, znodeType: znodeTypeOf(flags) }
}

/** As in Apache, a sequential znode of a multi has none: its path is not the one that was asked for. */
function znodeTypesOf(body: Reader): Map<string, string> {
  const types = new Map<string, string>()
  eachMultiOperation(body, (operation) => {
    if (!('flags' in operation)) return
    const type = znodeTypeOf(operation.flags)
    if (type !== undefined) types.set(operation.path, type)
  })
  return types
}
