/** `txn`: several writes in one transaction. */
import { type TransactionOp, ZnodeStat } from '@lightkeeper/client'
import { parseOperation, resolvePath } from '@lightkeeper/tools'
import { UsageError } from '../../command.ts'
import { printable } from '../../output.ts'
import type { txn as txnSpec } from '../../table/shell-write.ts'
import type { Verb } from '../verb.ts'

export const txn: Verb<typeof txnSpec> = async ({ args, here, out, signal, connect }) => {
  const operations = args.operations.map((text) =>
    operationOf(text, (word, sequential) => resolvePath(here, word, sequential)),
  )
  const zk = await connect()
  const results = await zk.transactionOf(operations, { signal })
  for (const [i, text] of args.operations.entries()) {
    const result: unknown = results[i]
    if (result instanceof ZnodeStat)
      out.result({ operation: text, stat: result }, printable(`done: ${text}, version=${result.version}`))
    else if (isCreated(result))
      out.result({ operation: text, path: result.path }, printable(`done: ${text}, created ${result.path}`))
    else out.result({ operation: text }, printable(`done: ${text}`))
  }
  return undefined
}

function operationOf(text: string, pathOf: Parameters<typeof parseOperation>[1]): TransactionOp<unknown> {
  try {
    return parseOperation(text, pathOf)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function isCreated(result: unknown): result is { readonly path: string } {
  return typeof result === 'object' && result !== null && 'path' in result
}
