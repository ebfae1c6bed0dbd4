/** Arguments → command → exit code. What a command does not need is not loaded. */
import { type Call, commandNamed, type Spec, UsageError } from './command.ts'
import { commands } from './commands.ts'
import { isUnread, outliveReaders, unreadCode } from './output.ts'
import { read } from './parse.ts'

/** Runs one command line, without the program's own name, and sets the exit code of the process. */
export async function main(args: readonly string[]): Promise<void> {
  process.exitCode = await run(args)
}

async function run([name, ...args]: readonly string[]): Promise<number> {
  outliveReaders(name === 'server')
  if (name === undefined || name === '--help' || name === '-h') {
    const { overview } = await import('./help.ts')
    process.stdout.write(overview(commands))
    return name === undefined ? 2 : 0
  }
  if (name === '--version') {
    const { packageVersion } = await import('./version.ts')
    process.stdout.write(`lightkeeper ${packageVersion()}\n`)
    return 0
  }
  const command = commandNamed(name, commands)
  if (command === undefined) {
    const { unknownCommand } = await import('./help.ts')
    process.stderr.write(`lightkeeper: ${await unknownCommand(name, commands)}\n`)
    return 2
  }
  if (asksForHelp(args)) {
    const { helpOf } = await import('./help.ts')
    process.stdout.write(helpOf(command.spec))
    return 0
  }
  hideSecrets(name, args)
  try {
    return await command.run(await callOf(command.spec, args))
  } catch (error) {
    // What was written or not before its end is another error, with this one as its cause.
    if (isUnread(error)) return unreadCode
    process.stderr.write(`lightkeeper ${name}: ${(error as Error).message}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

async function callOf(row: Spec, args: readonly string[]): Promise<Call<Spec>> {
  const input = await read(row, args)
  return {
    ...input,
    commands,
    async connect(more) {
      const { connectTo } = await import('./connect.ts')
      return connectTo(input.connecting, more)
    },
  }
}

/** Behind `--` it is an option of another command, or no option. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end === -1 ? args : args.slice(0, end)).some((each) => each === '--help' || each === '-h')
}

/** Others see the command line of a process. A title takes its place, where the system allows that. */
function hideSecrets(name: string, args: readonly string[]): void {
  if (args.some((each) => each.startsWith('--auth') || each === 'addauth')) process.title = `lightkeeper ${name}`
}
