/** `lightkeeper watch`: prints a line for each change of a znode. */
import type { Client, WatchChange } from '@lightkeeper/client'
import { type Run, UsageError } from '../command.ts'
import { jsonLine, textOf } from '../output.ts'
import { Reports } from '../reports.ts'
import { Signals } from '../signals.ts'
import type { watch } from '../table/recipes.ts'
import { changeText } from '../watch-text.ts'

export const run: Run<typeof watch> = async ({ values, args, connect }) => {
  const { recursive, children, json } = values
  if (recursive && children) throw new UsageError('--recursive and --children exclude each other')
  using signals = new Signals()
  const { signal } = signals
  try {
    await using zk = await connect({ signal })
    void sayWhenAway(zk, new Reports('watch', { json, verbose: false }), signal)
    for await (const change of zk.watch(args.path, { recursive, children, signal })) {
      process.stdout.write(json ? jsonLine(factsOf(change)) : `${changeText(change)}\n`)
    }
    if (!signal.aborted) throw new Error(`the watch has ended: the client is ${zk.state.kind}`)
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return 0
}

/** The time without a connection after which the command reports it, milliseconds. */
const lateMs = 500

/** Reports on standard error when no server is reached, once for each time. Never rejects. */
async function sayWhenAway(zk: Client, reports: Reports, signal: AbortSignal): Promise<void> {
  let late: NodeJS.Timeout | undefined
  for await (const { kind } of zk.states({ signal })) {
    if (kind === 'connected') {
      clearTimeout(late)
      late = undefined
      continue
    }
    const since = new Date()
    late ??= setTimeout(() => {
      const state = zk.state.kind
      reports.warn(
        'away',
        { since, state },
        `no server is reached since ${since.toISOString()}: the client is ${state}`,
      )
    }, lateMs)
  }
  clearTimeout(late)
}

function factsOf(change: WatchChange): Readonly<Record<string, unknown>> {
  switch (change.kind) {
    case 'created':
    case 'changed': {
      const { kind, path, via, missed, zxid, stat, value } = change
      return { event: kind, path, via, missed, zxid, data: value, text: textOf(value), stat }
    }
    case 'deleted': {
      const { kind, path, via, missed, zxid } = change
      return { event: kind, path, via, missed, zxid }
    }
    case 'unreadable': {
      const { kind, path, via, stat, error } = change
      return { event: kind, path, via, error: (error as Error).message, stat }
    }
    case 'ready':
      return { event: 'ready', zxid: change.zxid }
    case 'stale':
      return { event: 'stale', since: change.since }
  }
}
