/** The shell on a terminal: a line editor with history and completion, and a prompt that says where one is. */

import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'
import { PassThrough } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { SessionState } from '@lightkeeper/client'
import { commandsOf, isOpen } from '@lightkeeper/tools'
import { printable } from '../output.ts'
import { type Paint, paint } from './colours.ts'
import { complete } from './completer.ts'
import { HistoryFile } from './history-file.ts'
import { lineEndMark, PasteFilter, pasteOff, pasteOn, withLineEnds } from './paste.ts'
import { runSession } from './session-verbs.ts'
import { Shell, type ShellOptions } from './shell.ts'
import { stateFolder } from './state-folder.ts'
import { untilAborted } from './verb.ts'

/** The time without a connection after which the prompt says so, milliseconds. */
const lateMs = 500

type Given = Pick<ShellOptions, 'commands' | 'connecting' | 'isJson'>

/** Resolves to the exit code when the user has ended the shell. */
export async function interact(given: Given): Promise<number> {
  const terminal = new Terminal(given)
  return terminal.run()
}

class Terminal {
  readonly #shell: Shell
  readonly #paint: Paint = paint(process.stdout.isTTY)
  readonly #paste = new PasteFilter()
  readonly #decoder = new StringDecoder('utf8')
  readonly #input = new PassThrough()
  readonly #history: HistoryFile
  #readline: Interface | undefined
  /** The verb that runs. */
  #running: AbortController | undefined
  /** Lines that wait for it. */
  readonly #lines: string[] = []
  /** A command whose quote is open. */
  #begun = ''
  #wake = (): void => {}
  #hasEnded = false
  #exitCode = 0
  #server = ''

  constructor(given: Given) {
    this.#shell = new Shell({
      ...given,
      runSession,
      notify: (text) => this.#notify(text),
      complain: (text) => void process.stderr.write(`${this.#paint.error(text)}\n`),
      terminal: (use) => this.#lend(use),
    })
    this.#history = new HistoryFile(stateFolder(), (text) => this.#notify(text))
  }

  async run(): Promise<number> {
    await this.#open()
    this.#prompt()
    while (!this.#hasEnded) {
      const line = this.#lines.shift()
      if (line === undefined) await new Promise<void>((resolve) => (this.#wake = resolve))
      else await this.#take(line)
    }
    this.#readline?.close()
    process.stdin.pause()
    process.stdout.write(pasteOff)
    await this.#shell.close()
    return this.#exitCode
  }

  async #open(): Promise<void> {
    const history = await this.#history.load()
    // Readline asks its input for these two.
    Object.assign(this.#input, {
      isTTY: true,
      setRawMode: (mode: boolean) => process.stdin.setRawMode(mode),
    })
    process.stdin.on('data', (piece: Buffer) => this.#input.write(this.#paste.feed(this.#decoder.write(piece))))
    process.stdin.on('end', () => this.#end(0))
    const readline = createInterface({
      input: this.#input,
      output: process.stdout,
      terminal: true,
      history,
      historySize: 1000,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, offers: [string[], string]) => void) => {
        void this.#complete(line, done)
      },
    })
    this.#readline = readline
    process.stdout.write(pasteOn)
    readline.on('line', (line) => {
      this.#lines.push(line)
      this.#wake()
    })
    readline.on('SIGINT', () => this.#interrupt())
    readline.on('close', () => this.#end(0))
    for (const [name, code] of [
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      process.once(name, () => this.#end(code))
    }
    await this.#greet()
  }

  async #complete(line: string, done: (error: null, offers: [string[], string]) => void): Promise<void> {
    done(null, await complete(this.#shell, line))
  }

  async #greet(): Promise<void> {
    process.stdout.write('lightkeeper shell; help lists the verbs, Ctrl-D ends it\n')
    const { signal } = this.#begin()
    try {
      await untilAborted(this.#shell.client({ signal }), signal)
    } catch (error) {
      if (!signal.aborted) process.stderr.write(`${this.#paint.error((error as Error).message)}\n`)
    }
    this.#running = undefined
    await this.#follow()
  }

  #begin(): AbortController {
    this.#running = new AbortController()
    return this.#running
  }

  #end(code: number): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#exitCode = code
    this.#running?.abort(new Error('the shell ends'))
    // The reason of the end is seen, not a prompt behind it.
    process.stdout.write('\n')
    this.#wake()
  }

  async #take(line: string): Promise<void> {
    const text = withLineEnds(this.#begun === '' ? line : `${this.#begun}\n${line}`)
    if (isOpen(text)) {
      this.#begun = text
      this.#prompt()
      return
    }
    this.#begun = ''
    const commands = commandsOf(text)
    if (commands.length > 0) void this.#history.add(text.replaceAll('\n', lineEndMark))
    for (const command of commands) {
      this.#readline?.setPrompt('')
      const { signal } = this.#begin()
      await this.#shell.run(command, signal)
      this.#running = undefined
      if (signal.aborted) break
      if (this.#shell.isEnded) this.#hasEnded = true
      if (this.#hasEnded) return
      await this.#follow()
    }
    this.#prompt()
  }

  /** Ctrl-C ends the verb, or clears the line. */
  #interrupt(): void {
    if (this.#running !== undefined) {
      process.stdout.write('^C\n')
      this.#lines.length = 0
      this.#running.abort(new Error('interrupted'))
      // Commands that end by a signal get it, as they would without a shell.
      if (process.listenerCount('SIGINT') > 0) process.emit('SIGINT', 'SIGINT')
      return
    }
    this.#begun = ''
    process.stdout.write('^C')
    // To the end of the line, then deletes up to its beginning.
    this.#readline?.write(null, { ctrl: true, name: 'e' })
    this.#readline?.write(null, { ctrl: true, name: 'u' })
    process.stdout.write('\n')
    this.#prompt()
  }

  #prompt(): void {
    const readline = this.#readline
    if (readline === undefined || this.#hasEnded) return
    readline.setPrompt(this.#promptText())
    readline.prompt()
  }

  #promptText(): string {
    if (this.#begun !== '') return '… '
    const { path, faint, error } = this.#paint
    const away = this.#away === undefined ? '' : ` ${error(`(${this.#away})`)}`
    return `${faint(this.#server)}${away} ${path(printable(this.#shell.here))}> `
  }

  /** A line above the one that is edited. */
  #notify(text: string): void {
    const readline = this.#readline
    if (readline === undefined || this.#running !== undefined) {
      process.stdout.write(`${text}\n`)
      return
    }
    const { rows } = readline.getCursorPos()
    moveCursor(process.stdout, 0, -rows)
    cursorTo(process.stdout, 0)
    clearScreenDown(process.stdout)
    process.stdout.write(`${text}\n`)
    readline.setPrompt(this.#promptText())
    readline.prompt(true)
  }

  /** The state of the client while no server is reached. */
  #away: string | undefined
  #followed: unknown

  /** Says when the server is lost and when it is back. */
  async #follow(): Promise<void> {
    const zk = await this.#shell.known?.catch(() => undefined)
    if (zk === undefined || zk === this.#followed) {
      if (zk === undefined) {
        this.#away = 'closed'
        this.#followed = undefined
      }
      return
    }
    this.#followed = zk
    this.#away = undefined
    this.#server = serverOf(zk.state)
    void (async () => {
      let late: NodeJS.Timeout | undefined
      for await (const state of zk.states()) {
        if (zk !== this.#followed) break
        clearTimeout(late)
        if (state.kind === 'connected') {
          this.#server = serverOf(state)
          if (this.#away !== undefined) {
            this.#away = undefined
            this.#notify(`connected to ${this.#server}`)
          }
          continue
        }
        late = setTimeout(() => {
          if (zk !== this.#followed) return
          this.#away = zk.state.kind
          this.#notify(`no server is reached: the client is ${zk.state.kind}`)
        }, lateMs)
      }
      clearTimeout(late)
    })()
  }

  /** Another program has the terminal while `use` runs. */
  async #lend<T>(use: () => Promise<T>): Promise<T> {
    const ignore = (): void => {}
    this.#readline?.pause()
    process.stdin.pause()
    process.stdin.setRawMode(false)
    process.stdout.write(pasteOff)
    // Ctrl-C is for the other program.
    process.on('SIGINT', ignore)
    try {
      return await use()
    } finally {
      process.off('SIGINT', ignore)
      process.stdout.write(pasteOn)
      process.stdin.setRawMode(true)
      process.stdin.resume()
      this.#readline?.resume()
    }
  }
}

function serverOf(state: SessionState): string {
  return state.kind === 'connected' ? state.server : ''
}
