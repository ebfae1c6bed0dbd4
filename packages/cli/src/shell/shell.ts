/** The state of a shell, and how it runs one line. Terminals, scripts and one-shot commands stand on it. */
import type { Client, ConnectOptions, ZnodePath } from '@lightkeeper/client'
import { resolvePath, wordsOf } from '@lightkeeper/tools'
import {
  type Argument,
  type Command,
  type Connecting,
  type Input,
  type Kind,
  type Option,
  type Spec,
  UsageError,
} from '../command.ts'
import { connectTo } from '../connect.ts'
import { helpOf } from '../help.ts'
import { newZnodePath, znodePath } from '../kinds.ts'
import { printable } from '../output.ts'
import { read } from '../parse.ts'
import { borrowed } from './borrowed.ts'
import { Out } from './out.ts'
import { type ShellVerb, shellVerbs, verbNamed } from './table.ts'
import { type ShellCall, type ShellSide, untilAborted } from './verb.ts'
import { Watches } from './watches.ts'

export interface ShellOptions {
  readonly commands: readonly Command[]
  /** The common options of the command line. */
  readonly connecting: Connecting
  /** Runs a verb that changes the shell itself; `runSession` of session-verbs.ts. */
  readonly runSession: (name: string, call: SessionCall<Spec>) => Promise<number | undefined>
  /** Every verb prints JSON. */
  readonly isJson: boolean
  /** Prints a line that no verb waits for: a watch event. */
  readonly notify: (text: string) => void
  /** Prints the message of a verb that failed. */
  readonly complain: (text: string) => void
  /** Gives the terminal to another program. */
  readonly terminal: <T>(use: () => Promise<T>) => Promise<T>
}

/** What a verb that changes the shell gets. */
export interface SessionCall<S extends Spec> extends Pick<Input<S>, 'values' | 'args'> {
  readonly shell: Shell
  readonly out: Out
  readonly signal: AbortSignal
}

export class Shell {
  readonly verbs: readonly ShellVerb[]
  readonly options: ShellOptions
  readonly watches: Watches
  /** The znode from which relative paths begin. */
  here: ZnodePath = '/'
  /** Lines that were run, in order: the numbers of `history`. */
  readonly history: string[] = []
  isPrintingWatches = true
  /** `quit` was typed. */
  isEnded = false
  /** The servers that `connect` has named; undefined for those of the command line. */
  servers: string | undefined
  #client: Promise<Client> | undefined
  #isClosed = false

  constructor(options: ShellOptions) {
    this.options = options
    this.verbs = shellVerbs(options.commands)
    this.watches = new Watches((text) => {
      if (this.isPrintingWatches) options.notify(text)
    })
  }

  /** The client, connected at its first use. @throws Error after `close`, until `connect`. */
  client(more: ConnectOptions = {}): Promise<Client> {
    if (this.#client !== undefined) return this.#client
    if (this.#isClosed) return Promise.reject(new Error('not connected: connect opens a session'))
    return this.connect(more)
  }

  /** The client if there is one, connected or not. */
  get known(): Promise<Client> | undefined {
    return this.#client
  }

  /** Ends the session and begins another one. */
  async connect(more: ConnectOptions = {}): Promise<Client> {
    await this.close()
    this.#isClosed = false
    const client = connectTo(this.#connecting, more)
    this.#client = client
    client.catch(() => {
      if (this.#client === client) this.#client = undefined
    })
    return client
  }

  /** The common options, with the servers that `connect` has named. */
  get #connecting(): Connecting {
    const { connecting } = this.options
    if (this.servers === undefined) return connecting
    return { ...connecting, server: this.servers, chroot: undefined, admin: undefined }
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    this.#isClosed = true
    this.watches.clear()
    await (await client?.catch(() => undefined))?.close()
  }

  /** Runs a line and remembers it. Resolves to its exit code, and never rejects. */
  async run(line: string, signal: AbortSignal): Promise<number> {
    this.history.push(line)
    let words: string[]
    try {
      words = wordsOf(line).map(({ text }) => text)
    } catch (error) {
      this.options.complain((error as Error).message)
      return 2
    }
    return this.runWords(words, signal)
  }

  async runWords([name, ...words]: readonly string[], signal: AbortSignal): Promise<number> {
    if (name === undefined) return 0
    try {
      return await untilAborted(this.#run(name, words, signal), signal)
    } catch (error) {
      if (signal.aborted) return 130
      this.options.complain(`${printable(name)}: ${printable((error as Error).message)}`)
      return error instanceof UsageError ? 2 : 1
    }
  }

  async #run(name: string, words: readonly string[], signal: AbortSignal): Promise<number> {
    const verb = verbNamed(name, this.verbs)
    if (verb === undefined) throw await unknownVerb(name, this.verbs)
    if (words.includes('--help') || words.includes('-h')) {
      process.stdout.write(helpOf(verb.spec, { isShell: true }))
      return 0
    }
    const isJson = this.options.isJson && verb.spec.json !== undefined && !words.includes('--json')
    const input = await read(located(verb.spec, this.here), isJson ? ['--json', ...words] : words, { isShell: true })
    if (verb.kind === 'session') {
      const out = new Out((input.values as { readonly json?: boolean }).json === true)
      try {
        return (await this.options.runSession(verb.spec.name, { ...input, shell: this, out, signal })) ?? 0
      } finally {
        out.flush()
      }
    }
    return verb.command.run(this.#callOf(input, signal))
  }

  /** Runs another command of the program as a verb. */
  async runCommand(command: Command, words: readonly string[], signal: AbortSignal): Promise<number> {
    const input = await read(located(command.spec, this.here), words, { isShell: true })
    return command.run(this.#callOf(input, signal))
  }

  #callOf(input: Input<Spec>, signal: AbortSignal): ShellCall {
    return {
      ...input,
      connecting: this.#connecting,
      commands: this.options.commands,
      connect: async () => borrowed(await this.client({ signal }), signal),
      shell: this.#sideOf(signal),
    }
  }

  #sideOf(signal: AbortSignal): ShellSide {
    return {
      here: this.here,
      signal,
      terminal: this.options.terminal,
      watch: (kind, path, changed) => {
        if (changed === undefined) return
        // The event may come long after the verb has ended.
        void this.client().then((zk) => this.watches.follow(zk, kind, path, changed))
      },
    }
  }
}

/** The row with relative paths. */
function located(row: Spec, here: ZnodePath): Spec {
  const kindOf = (kind: Kind<unknown>): Kind<unknown> => {
    if (kind !== znodePath && kind !== newZnodePath) return kind
    const isSequential = kind === newZnodePath
    return {
      ...kind,
      form: 'the path of a znode, like /a/b or b',
      read: (text) => resolvePath(here, text, isSequential),
    }
  }
  const each = <T extends Argument<unknown> | Option<unknown>>(
    rows: Readonly<Record<string, T>> = {},
  ): Record<string, T> =>
    Object.fromEntries(
      Object.entries(rows).map(([name, own]) => [
        name,
        own.kind === undefined ? own : { ...own, kind: kindOf(own.kind) },
      ]),
    )
  return { ...row, arguments: each(row.arguments), options: each(row.options) }
}

async function unknownVerb(name: string, verbs: readonly ShellVerb[]): Promise<UsageError> {
  const { nearestName } = await import('@lightkeeper/runtime')
  const nearest = nearestName(
    name,
    verbs.map(({ spec }) => spec.name),
  )
  return new UsageError(`no such verb; ${nearest === undefined ? 'help lists all verbs' : `did you mean ${nearest}?`}`)
}
