/** A program on a real terminal: python3 opens a pseudo terminal, and a test types into it and reads its screen. */
import { spawnSync } from 'node:child_process'
import { Child } from './process.ts'

/** Runs a program on a terminal of 100 columns; what it prints and what is typed pass through unchanged. */
const relay = `
import fcntl, os, pty, select, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 100, 0, 0))
sources = [terminal, 0]
while True:
    ready, _, _ = select.select(sources, [], [])
    if 0 in ready:
        typed = os.read(0, 4096)
        if typed: os.write(terminal, typed)
        else: sources.remove(0)
    if terminal in ready:
        try: printed = os.read(terminal, 4096)
        except OSError: printed = b''
        if not printed: break
        os.write(1, printed)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) if not os.WIFSIGNALED(status) else 128 + os.WTERMSIG(status))
`

/** It begins with the escape character. */
const sequence = new RegExp(`${String.fromCodePoint(27)}\\[[\\d;?]*[A-Za-z]`, 'g')

/** Undefined where a terminal can be opened. */
export function missingTerminal(): string | undefined {
  const found = spawnSync('python3', ['-c', 'import pty, fcntl, termios'])
  return found.status === 0 ? undefined : 'python3 with its module pty is not installed'
}

export class Terminal extends Child {
  constructor(command: readonly [string, ...string[]], env: Readonly<Record<string, string | undefined>>) {
    super(['python3', '-c', relay, ...command], { env: { TERM: 'xterm', ...env }, input: 'pipe', timeoutMs: 60_000 })
  }

  type(keys: string): void {
    this.child.stdin?.write(keys)
  }

  /** What was printed since the last call of `mark`, without the sequences that move the cursor or set colours. */
  get screen(): string {
    return this.output.slice(this.#from).replace(sequence, '')
  }

  #from = 0

  /** Types and waits until the screen shows the pattern behind it. */
  async see(keys: string, pattern: RegExp): Promise<string> {
    this.#from = this.output.length
    this.type(keys)
    await this.until(() => pattern.test(this.screen))
    return this.screen
  }
}
