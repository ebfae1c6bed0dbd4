/** Transactions: operations as values, results typed by operation. */
import {
  type Acl,
  createModes,
  KeeperError,
  type MultiOperation,
  type MultiResult,
  opCode,
  openAcl,
  pathProblem,
  type ZnodePath,
} from '@lightkeeper/protocol'
import type { CreateOptions } from './options.ts'
import { type LostOp, lostCreate, lostSequential, lostSet, lostWithoutTrace } from './request/lost-transaction.ts'
import { ZnodeStat } from './stat.ts'

export interface CreateResult {
  /** The real path, with the counter of a sequential create. */
  readonly path: ZnodePath
  readonly stat: ZnodeStat
}

/** As `CreateResult`; servers before 3.9 tell no Stat of a create inside a transaction. */
export interface CreatedInTransaction {
  readonly path: ZnodePath
  readonly stat: ZnodeStat | undefined
}

/** An operation of a transaction whose result is `R`. */
export interface TransactionOp<R> {
  readonly path: string
  /** The operation with the server's path. */
  encode(toServer: (path: string) => string): MultiOperation
  decode(result: MultiResult, toUser: (path: string) => ZnodePath): R
  /** Whether it makes an ephemeral of this session, or may end one. */
  readonly ephemeral?: 'made' | 'gone'
  /** How a lost reply is looked into. */
  readonly lost: LostOp<R>
}

export type TransactionResults<Ops extends readonly TransactionOp<unknown>[]> = {
  -readonly [K in keyof Ops]: Ops[K] extends TransactionOp<infer R> ? R : never
}

type Data = Uint8Array | string | null | undefined

export function toBytes(data: Data): Uint8Array | null {
  if (data === undefined) return new Uint8Array(0)
  return typeof data === 'string' ? new TextEncoder().encode(data) : data
}

/** Opcode and flags for a way to create. */
export function createKind(options: Pick<CreateOptions, 'mode' | 'sequential'>): {
  type: CreateType
  flags: number
  ttl: bigint
} {
  const { mode = 'persistent', sequential = false } = options
  if (typeof mode === 'object') {
    const row = sequential ? createModes.persistentSequentialTtl : createModes.persistentTtl
    return { type: opCode.createTTL, flags: row.flags, ttl: BigInt(Math.floor(mode.ttl)) }
  }
  if (mode === 'container') return { type: opCode.createContainer, flags: createModes.container.flags, ttl: 0n }
  const name =
    mode === 'ephemeral'
      ? sequential
        ? 'ephemeralSequential'
        : 'ephemeral'
      : sequential
        ? 'persistentSequential'
        : 'persistent'
  return { type: opCode.create2, flags: createModes[name].flags, ttl: 0n }
}

type CreateType = typeof opCode.create2 | typeof opCode.createContainer | typeof opCode.createTTL

/** @throws KeeperError BAD_ARGUMENTS, not sent. */
export function checkPath(path: string, operation: string, sequential = false): void {
  const problem = typeof path === 'string' ? pathProblem(path, sequential) : 'a path must be a string'
  if (problem === undefined) return
  throw new KeeperError('BAD_ARGUMENTS', { message: problem, path: String(path), operation, outcome: 'not-sent' })
}

export const op = {
  create(
    path: ZnodePath,
    data?: Data,
    options: Pick<CreateOptions, 'mode' | 'sequential' | 'acl'> = {},
  ): TransactionOp<CreatedInTransaction> {
    checkPath(path, 'create', options.sequential)
    const acl: readonly Acl[] = options.acl ?? openAcl
    const { type, flags, ttl } = createKind(options)
    const bytes = toBytes(data)
    return {
      path,
      encode: (toServer) => ({ type, path: toServer(path), data: bytes, acl, flags, ttl }) as MultiOperation,
      ...(options.mode === 'ephemeral' ? { ephemeral: 'made' } : {}),
      lost: options.sequential ? lostSequential(path) : lostCreate(path, bytes, options.mode === 'ephemeral'),
      decode(result, toUser) {
        if (result.type === opCode.create) return { path: toUser(result.path), stat: undefined }
        if (result.type !== opCode.create2) throw unexpected(result)
        return { path: toUser(result.path), stat: new ZnodeStat(result.stat) }
      },
    }
  },

  set(path: ZnodePath, data: Data, options: { readonly version?: number } = {}): TransactionOp<ZnodeStat> {
    checkPath(path, 'set')
    const { version = -1 } = options
    const bytes = toBytes(data)
    return {
      path,
      encode: (toServer) => ({ type: opCode.setData, path: toServer(path), data: bytes, version }),
      lost: lostSet(path, bytes, version),
      decode(result) {
        if (result.type !== opCode.setData) throw unexpected(result)
        return new ZnodeStat(result.stat)
      },
    }
  },

  delete(path: ZnodePath, options: { readonly version?: number } = {}): TransactionOp<undefined> {
    checkPath(path, 'delete')
    return {
      path,
      ephemeral: 'gone',
      encode: (toServer) => ({ type: opCode.delete, path: toServer(path), version: options.version ?? -1 }),
      decode: () => undefined,
      lost: lostWithoutTrace,
    }
  },

  /** Fails the transaction unless the znode exists, at `version` if one is given. */
  check(path: ZnodePath, version = -1): TransactionOp<undefined> {
    checkPath(path, 'check')
    return {
      path,
      encode: (toServer) => ({ type: opCode.check, path: toServer(path), version }),
      decode: () => undefined,
      lost: lostWithoutTrace,
    }
  },
} as const

function unexpected(result: MultiResult): KeeperError {
  return new KeeperError('MARSHALLING_ERROR', { message: `unexpected result of type ${result.type} in a transaction` })
}
