/** What a verb is: the same function runs in the shell, on its client, and as a command of its own, on a client that ends with it. */
import type { Client, WatchedEvent, ZnodePath } from '@lightkeeper/client'
import type { Call, Run, Spec } from '../command.ts'
import { type Connection, connectBy, connectionOf } from '../connect.ts'
import { exitCodeOf, Signals } from '../signals.ts'
import { eventFacts, eventText } from './events.ts'
import { Out } from './out.ts'

/** What the shell gives to a verb that runs in it. */
export interface ShellSide {
  /** Where relative paths begin, and what a missing path means. */
  readonly here: ZnodePath
  /** Aborts when the user ends the verb. */
  readonly signal: AbortSignal
  /** Gives the terminal to another program while `use` runs. */
  readonly terminal: <T>(use: () => Promise<T>) => Promise<T>
  /** Prints the event of a one-shot watch when it comes. `kind` is what `removewatches` calls it. */
  readonly watch: (kind: 'data' | 'children', path: ZnodePath, changed: Promise<WatchedEvent> | undefined) => void
}

/** A call of a command inside the shell. */
export interface ShellCall extends Call<Spec> {
  readonly shell: ShellSide
}

export interface VerbCall<S extends Spec> extends Pick<Call<S>, 'values' | 'args'>, ShellSide {
  readonly out: Out
  /** The client; arguments that can be wrong are checked before. */
  readonly connect: () => Promise<Client>
  /** A client of another cluster, with the same identities; it ends with the verb. */
  readonly connectOther: (servers: string) => Promise<Client>
  /** Where `connect` connects, or `connectOther` of `servers`: for what a server says besides its znodes. */
  readonly connectionTo: (servers?: string) => Promise<Connection>
}

/** Resolves to the exit code where that is not 0. */
export type Verb<S extends Spec> = (call: VerbCall<S>) => Promise<number | undefined>

/** The verb as a command: of the shell, or of its own. The latter waits for the events of the watches that it has left. */
export function runOf<S extends Spec>(verb: Verb<S>): Run<S> {
  return async (call) => {
    const { shell } = call as unknown as Partial<ShellCall>
    if (shell !== undefined) return runVerb(verb, call, shell)
    using signals = new Signals()
    const { signal } = signals
    const out = outOf(call)
    const events: Promise<void>[] = []
    const watch: ShellSide['watch'] = (_kind, _path, changed) => {
      if (changed !== undefined) events.push(changed.then((event) => out.result(eventFacts(event), eventText(event))))
    }
    const untilEvents = async (): Promise<void> => void (await untilAborted(Promise.all(events), signal))
    try {
      return await runVerb(verb, call, { here: '/', signal, terminal: (use) => use(), watch }, out, untilEvents)
    } catch (error) {
      if (signals.received === undefined || (error as Error).name === 'PartlyDone') throw error
      return exitCodeOf(signals.received)
    }
  }
}

function outOf(call: { readonly values: unknown }): Out {
  return new Out((call.values as { readonly json?: boolean }).json === true)
}

async function runVerb<S extends Spec>(
  verb: Verb<S>,
  call: Call<S>,
  side: ShellSide,
  out = outOf(call),
  before: () => Promise<void> = async () => {},
): Promise<number> {
  const { signal } = side
  const clients: Client[] = []
  const kept = (zk: Client): Client => {
    clients.push(zk)
    return zk
  }
  let own: Promise<Client> | undefined
  const connectionTo = (server?: string): Promise<Connection> =>
    connectionOf(server === undefined ? call.connecting : { ...call.connecting, server, chroot: undefined })
  try {
    const code = await verb({
      ...side,
      values: call.values,
      args: call.args,
      out,
      connect: () => (own ??= call.connect({ signal }).then(kept)),
      connectOther: async (server) => kept(await connectBy(await connectionTo(server), { signal })),
      connectionTo,
    })
    out.flush()
    await before()
    return code ?? 0
  } finally {
    out.flush()
    await Promise.all(clients.map((zk) => zk.close()))
  }
}

/** Rejects when the signal aborts first. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let abort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
