/** Arguments → command → exit code. */
import { nearestName } from '@lightkeeper/runtime'
import { type Command, UsageError } from './command.ts'
import { backupCommand } from './commands/backup.ts'
import { demoCommand } from './commands/demo.ts'
import { diffCommand } from './commands/diff.ts'
import { discoverCommand } from './commands/discover.ts'
import { electCommand } from './commands/elect.ts'
import { exportCommand } from './commands/export.ts'
import { historyCommand } from './commands/history.ts'
import { importCommand } from './commands/import.ts'
import { inspectCommand } from './commands/inspect.ts'
import { lockCommand } from './commands/lock.ts'
import { locksCommand } from './commands/locks.ts'
import { registerCommand } from './commands/register.ts'
import { serverCommand } from './commands/server.ts'
import { treeCommand } from './commands/tree.ts'
import { undoCommand } from './commands/undo.ts'
import { watchCommand } from './commands/watch.ts'
import { outliveReaders } from './output.ts'

const commands: readonly Command[] = [
  serverCommand,
  inspectCommand,
  backupCommand,
  watchCommand,
  lockCommand,
  electCommand,
  registerCommand,
  discoverCommand,
  locksCommand,
  historyCommand,
  treeCommand,
  diffCommand,
  exportCommand,
  importCommand,
  undoCommand,
  demoCommand,
]

/** Runs one command line, without the program's own name, and sets the exit code of the process. */
export async function main(args: readonly string[]): Promise<void> {
  process.exitCode = await run(args)
}

async function run([name, ...args]: readonly string[]): Promise<number> {
  outliveReaders(name === serverCommand.name)
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(overview())
    return name === undefined ? 2 : 0
  }
  const command = commands.find((candidate) => candidate.name === name)
  if (command === undefined) {
    const nearest = nearestName(name, [...commands.map((each) => each.name), 'help'])
    const meant = nearest === undefined ? '' : `, did you mean ${nearest}?`
    process.stderr.write(`lightkeeper: no command "${name}"${meant}; lightkeeper --help lists them\n`)
    return 2
  }
  const end = args.indexOf('--')
  // Behind `--` it is an option of another command.
  if ((end === -1 ? args : args.slice(0, end)).includes('--help')) {
    process.stdout.write(command.usage)
    return 0
  }
  try {
    return await command.run(args)
  } catch (error) {
    process.stderr.write(`lightkeeper ${name}: ${(error as Error).message}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

function overview(): string {
  const lines = commands.map((command) => `  lightkeeper ${command.name.padEnd(10)} ${command.summary}`)
  return `lightkeeper: ZooKeeper for TypeScript\n\n${lines.join('\n')}\n\nEvery command takes --help.\n`
}
