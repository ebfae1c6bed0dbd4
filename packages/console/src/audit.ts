/** The audit log of the console: a line for each write that it was asked for, done or refused, with who and what. */
import type { Log, LogFact } from '@lightkeeper/runtime'

export interface Asker {
  /** The address of the browser. */
  readonly address: string
}

/** One write: what was to be done, with the facts that say it completely except for data, of which only the size is written. */
export interface WriteFacts {
  readonly operation: 'create' | 'set' | 'delete' | 'set acl' | 'set quota' | 'undo' | 'end session'
  readonly path: string
  readonly facts?: Readonly<Record<string, LogFact>>
}

/** Runs a write and logs its outcome. What the write throws is thrown. */
export async function audited<T>(log: Log, asker: Asker, what: WriteFacts, write: () => Promise<T>): Promise<T> {
  const facts = { operation: what.operation, path: what.path, client: asker.address, ...what.facts }
  try {
    const result = await write()
    log('info', 'the console wrote', { ...facts, outcome: 'done' })
    return result
  } catch (error) {
    log('warn', 'a write of the console failed', { ...facts, outcome: (error as Error).message })
    throw error
  }
}
