/** Transactions: operations as values; the type of each result follows from its operation. */
import {
  type Acl,
  KeeperError,
  type MultiOperation,
  type MultiResult,
  opCode,
  openAcl,
  type ZnodePath,
} from '@lightkeeper/protocol'
import { type Check, version as checkedVersion, list, looking, noOptions, wrongType } from '../arguments/checks.ts'
import { contentOf, dataOf, intact } from '../arguments/data.ts'
import { checkPath } from '../arguments/path.ts'
import { opCreateOptions, opVersionOptions } from '../arguments/tables.ts'
import type { CreateOptions, Data } from '../options.ts'
import { ZnodeStat } from '../stat.ts'
import { createKind } from './create-kind.ts'
import { type LostOp, lostCreate, lostSequential, lostSet, lostWithoutTrace } from './lost-transaction.ts'

/** As `CreateResult`. Servers before 3.9 send no Stat for a create inside a transaction. */
export interface CreatedInTransaction {
  /** The real path, including the counter of a sequential create. */
  readonly path: ZnodePath
  /** The Stat of the new znode; undefined where the server sends none. */
  readonly stat: ZnodeStat | undefined
}

/** An operation of a transaction whose result is `R`. */
export interface TransactionOp<R> {
  /** The user's path, without the chroot. */
  readonly path: string
  /** The operation with the path that the server knows. */
  encode(toServer: (path: string) => string): MultiOperation
  /** Makes the result of this operation from that of the transaction. */
  decode(result: MultiResult, toUser: (path: string) => ZnodePath): R
  /** Whether it creates an ephemeral of this session, or may delete one. */
  readonly ephemeral?: 'made' | 'gone'
  /** How to find out what happened when the reply is lost. */
  readonly lost: LostOp<R>
}

/** The results of a transaction: a tuple with the result of each operation, in their order. */
export type TransactionResults<Ops extends readonly TransactionOp<unknown>[]> = {
  -readonly [K in keyof Ops]: Ops[K] extends TransactionOp<infer R> ? R : never
}

/** Each throws TypeError, RangeError or KeeperError BAD_ARGUMENTS at once for what cannot be sent. */
export const op = {
  create(
    path: ZnodePath,
    data?: Data,
    given: Pick<CreateOptions, 'mode' | 'sequential' | 'acl'> = noOptions,
  ): TransactionOp<CreatedInTransaction> {
    const options = opCreateOptions.of(given, 'op.create')
    checkPath(path, 'op.create', options.sequential)
    const acl: readonly Acl[] = options.acl ?? openAcl
    const { type, flags, ttl } = createKind(options, 'op.create')
    const bytes = contentOf(data, 'data', 'op.create')
    const length = bytes?.length
    return made({
      path,
      encode: (toServer) =>
        ({ type, path: toServer(path), data: intact(bytes, length), acl, flags, ttl }) as MultiOperation,
      ...(options.mode === 'ephemeral' ? { ephemeral: 'made' } : {}),
      lost: options.sequential ? lostSequential(path) : lostCreate(path, bytes, options.mode === 'ephemeral'),
      decode(result, toUser) {
        if (result.type === opCode.create) return { path: toUser(result.path), stat: undefined }
        if (result.type !== opCode.create2) throw unexpected(result)
        return { path: toUser(result.path), stat: new ZnodeStat(result.stat) }
      },
    })
  },

  set(path: ZnodePath, data: Data, options: { readonly version?: number } = noOptions): TransactionOp<ZnodeStat> {
    checkPath(path, 'op.set')
    const { version = -1 } = opVersionOptions.of(options, 'op.set')
    const bytes = dataOf(data, 'data', 'op.set')
    const length = bytes?.length
    return made({
      path,
      encode: (toServer) => ({ type: opCode.setData, path: toServer(path), data: intact(bytes, length), version }),
      lost: lostSet(path, bytes, version),
      decode(result) {
        if (result.type !== opCode.setData) throw unexpected(result)
        return new ZnodeStat(result.stat)
      },
    })
  },

  delete(path: ZnodePath, options: { readonly version?: number } = noOptions): TransactionOp<undefined> {
    checkPath(path, 'op.delete')
    const { version = -1 } = opVersionOptions.of(options, 'op.delete')
    return made({
      path,
      ephemeral: 'gone',
      encode: (toServer) => ({ type: opCode.delete, path: toServer(path), version }),
      decode: () => undefined,
      lost: lostWithoutTrace,
    })
  },

  /** Fails the transaction unless the znode exists, at `version` if one is given. */
  check(path: ZnodePath, version = -1): TransactionOp<undefined> {
    checkPath(path, 'op.check')
    checkedVersion(version, 'version', 'op.check')
    return made({
      path,
      encode: (toServer) => ({ type: opCode.check, path: toServer(path), version }),
      decode: () => undefined,
      lost: lostWithoutTrace,
    })
  },
} as const

function unexpected(result: MultiResult): KeeperError {
  return new KeeperError('MARSHALLING_ERROR', { message: `unexpected result of type ${result.type} in a transaction` })
}

/** The mark of an operation that `op` made: all its parts have been checked. */
const mark = Symbol.for('lightkeeper.op')

/** A copy with the mark. The spread operator copies the mark too; another copy of this package also recognises it. */
function made<O extends object>(operation: O): O {
  return { ...operation, [mark]: true }
}

const operation: Check<TransactionOp<unknown>> = (value, name, call) => {
  const isMade = typeof value === 'object' && value !== null && mark in value
  if (isMade) return value as unknown as TransactionOp<unknown>
  throw wrongType(call, name, 'an operation that op.create, op.set, op.delete or op.check made', value)
}
const operations = list(operation, 'a list of operations that op.create, op.set, op.delete or op.check made')

/** The operations of a transaction, as users write them. @throws TypeError for an operation that `op` did not make. */
export function operationsOf(value: unknown, call: string): TransactionOp<unknown>[] {
  return looking('operations', call, () => operations(value, 'operations', call))
}
