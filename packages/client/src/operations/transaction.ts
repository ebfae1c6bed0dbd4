/** One transaction request, and the marker that shows what happened to it. */
import {
  joinPath,
  KeeperError,
  keeperCodeOf,
  type MultiResult,
  opCode,
  type Reader,
  readMultiResponse,
  Writer,
  writeMultiRequest,
  type ZnodePath,
} from '@lightkeeper/protocol'
import type { TransactionOptions } from '../options.ts'
import type { Lost } from '../session/request.ts'
import { type CallContext, Write } from './call.ts'
import { createZnode } from './create-call.ts'
import { deleteOnce } from './delete.ts'
import { evidenceOfAll, type Look, lostMarker, resultsOfAll } from './lost-transaction.ts'
import { type CreatedInTransaction, op, type TransactionOp } from './op.ts'
import { childrenRead, existsRead, find, readZnode, sync } from './reads.ts'
import { type Finding, ignoreExisting } from './recover.ts'
import { uuid } from './uuid.ts'

const empty = new Uint8Array(0)
/** The bytes of number and type in front of every request. */
const requestHeaderBytes = 8

/** Results are in the order of the operations. */
export async function transaction(
  context: CallContext,
  ops: readonly TransactionOp<unknown>[],
  options: TransactionOptions,
): Promise<unknown[]> {
  if (ops.length === 0) return []
  const { marker, idempotent = false } = options
  if (marker === undefined) return context.submit(new Transaction(context, ops, idempotent), options)
  const path = joinPath(marker, `_c_${uuid(context.session.runtime.random.bytes(16))}`)
  const mark = { ...op.create(path, '', { mode: 'ephemeral' }), lost: lostMarker(path) }
  const budget = context.budget('transaction', marker, options)
  for (;;) {
    try {
      const results = await context.submit(new Transaction(context, [...ops, mark], idempotent), budget.step())
      void deleteOnce(context, path, -1, {}, true).catch(() => {})
      return results.slice(0, -1)
    } catch (error) {
      const failed = KeeperError.is(error, 'TRANSACTION_FAILED') ? error.failedOp : undefined
      if (failed?.index !== ops.length || failed.code !== 'NO_NODE') throw error
      const creation = { ...budget.step(), mode: 'container', parents: true } as const
      await createZnode(context, marker, empty, creation).catch(ignoreExisting)
      // The server may remove an empty container between the two steps.
      await budget.again(error)
    }
  }
}

/** Size of the request of a transaction, bytes. */
export function transactionBytes(context: CallContext, ops: readonly TransactionOp<unknown>[]): number {
  const writer = new Writer()
  encodeAll(context, ops, writer)
  return writer.length + requestHeaderBytes
}

function encodeAll({ chroot }: CallContext, ops: readonly TransactionOp<unknown>[], writer: Writer): void {
  const toServer = (path: string): string => chroot.toServer(path)
  writeMultiRequest(
    writer,
    ops.map((each) => each.encode(toServer)),
  )
}

class Transaction extends Write<unknown[]> {
  readonly operation = 'transaction'
  readonly type = opCode.multi
  readonly #ops: readonly TransactionOp<unknown>[]

  constructor(context: CallContext, ops: readonly TransactionOp<unknown>[], acceptsEqual: boolean) {
    super(context, undefined, acceptsEqual)
    this.#ops = ops
  }

  /**
   * Operations are encoded when the request is written. If the data of one was transferred away meanwhile, this call fails then.
   */
  encode(writer: Writer): void {
    encodeAll(this.context, this.#ops, writer)
  }

  decode(reader: Reader): unknown[] {
    const results = readMultiResponse(reader)
    const failed = results.findIndex((result) => result.type === opCode.error && result.err !== 0)
    const result = results[failed]
    if (result !== undefined && result.type === opCode.error) throw this.#failure(failed, result.err)
    const toUser = (path: string): ZnodePath => this.context.chroot.toUser(path)
    const values = this.#ops.map((each, i) => each.decode(results[i] as MultiResult, toUser))
    this.#note(values)
    return values
  }

  #failure(index: number, err: number): KeeperError {
    const path = this.#ops[index]?.path ?? ''
    const code = keeperCodeOf(err) ?? 'UNKNOWN_CODE'
    return new KeeperError('TRANSACTION_FAILED', {
      operation: 'transaction',
      path,
      message: `operation ${index} of ${this.#ops.length} failed with ${code}; nothing was changed`,
      failedOp: { index, code, path },
    })
  }

  protected async look(lost: Lost): Promise<Finding<unknown[]>> {
    const { context } = this
    const { limits } = lost
    await sync(context, '/', limits)
    const tree: Look = {
      sessionId: context.session.sessionId,
      find: (path) => find(context, path as ZnodePath, limits),
      stat: (path) => readZnode(context, existsRead, path as ZnodePath, limits),
      names: async (path) => (await readZnode(context, childrenRead, path as ZnodePath, limits)).children,
    }
    const ops = this.#ops.map((each) => each.lost)
    const { verdict, zxid } = await evidenceOfAll(ops, lost, tree)
    const isKnown = zxid !== undefined && (verdict === 'applied' || verdict === 'equal')
    const results = isKnown ? await resultsOfAll(ops, zxid, tree) : undefined
    if (results === undefined) return { verdict }
    this.#note(results)
    return { verdict, result: () => results }
  }

  /** Keeps the session's list of ephemerals up to date. */
  #note(results: readonly unknown[]): void {
    const { ephemerals } = this.context.session
    for (const [i, { ephemeral, path }] of this.#ops.entries()) {
      if (ephemeral === 'made') ephemerals.add((results[i] as CreatedInTransaction).path)
      else if (ephemeral === 'gone') ephemerals.delete(path)
    }
  }
}
