/** `lightkeeper shell`: on a terminal, from standard input, or one command of its own line. */
import { createInterface } from 'node:readline'
import { isOpen, wordsOf } from '@lightkeeper/tools'
import type { Run } from '../command.ts'
import { runSession } from '../shell/session-verbs.ts'
import { Shell } from '../shell/shell.ts'
import { Signals } from '../signals.ts'
import type { shell } from '../table/shell.ts'

export const run: Run<typeof shell> = async (call) => {
  const isTerminal = call.args.command.length === 0 && process.stdin.isTTY && process.stdout.isTTY
  if (!isTerminal) return runWithout(call)
  const { interact } = await import('../shell/interactive.ts')
  return interact({ commands: call.commands, connecting: call.connecting, isJson: call.values.json })
}

/** One command, or a script: without a terminal. */
async function runWithout({ values, args, connecting, commands }: Parameters<typeof run>[0]): Promise<number> {
  using signals = new Signals()
  const { signal } = signals
  const own = new Shell({
    commands,
    connecting,
    runSession,
    isJson: values.json,
    notify: (text) => void process.stdout.write(`${text}\n`),
    complain: (text) => void process.stderr.write(`lightkeeper shell: ${text}\n`),
    terminal: (use) => use(),
  })
  try {
    if (args.command.length > 0) return await own.runWords(args.command, signal)
    return await runScript(own, signal, values['keep-going'])
  } finally {
    await own.close()
  }
}

/** Runs the lines of standard input as they come. Resolves to the exit code of the first command that failed. */
async function runScript(shell: Shell, signal: AbortSignal, keepsGoing: boolean): Promise<number> {
  let failed = 0
  let begun = ''
  let number = 0
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
  const stop = (): void => lines.close()
  signal.addEventListener('abort', stop, { once: true })
  for await (const line of lines) {
    number++
    const text = begun === '' ? line : `${begun}\n${line}`
    if (text.trim() === '' || text.trimStart().startsWith('#')) {
      begun = ''
      continue
    }
    if (isOpen(text)) {
      begun = text
      continue
    }
    begun = ''
    const code = await shell.run(text.trim(), signal)
    if (code !== 0 && failed === 0) failed = code
    if (code !== 0 && !keepsGoing) {
      process.stderr.write(`lightkeeper shell: stopped at line ${number}; --keep-going runs the rest too\n`)
      break
    }
    if (shell.isEnded || signal.aborted) break
  }
  signal.removeEventListener('abort', stop)
  if (begun !== '' && !signal.aborted) {
    try {
      wordsOf(begun)
    } catch (error) {
      process.stderr.write(`lightkeeper shell: line ${number}: ${(error as Error).message}\n`)
    }
    return failed === 0 ? 2 : failed
  }
  return failed
}
