/** `lightkeeper help`: the list of commands, or what one does. */
import { commandNamed, type Run, UsageError } from '../command.ts'
import { helpOf, overview, unknownCommand } from '../help.ts'
import { shellVerbs, verbNamed } from '../shell/table.ts'
import type { help } from '../table/help.ts'

export const run: Run<typeof help> = async ({ args, commands }) => {
  const { command: name } = args
  if (name === undefined) {
    process.stdout.write(overview(commands))
    return 0
  }
  const command = commandNamed(name, commands)
  if (command !== undefined) {
    process.stdout.write(helpOf(command.spec))
    return 0
  }
  const verb = verbNamed(name, shellVerbs(commands))
  if (verb === undefined) throw new UsageError(await unknownCommand(name, commands))
  process.stdout.write(`${name} is a verb of lightkeeper shell.\n\n${helpOf(verb.spec, { isShell: true })}`)
  return 0
}
