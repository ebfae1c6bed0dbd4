/** The row of the shell itself. */
import { flag, spec, words } from '../command.ts'
import { text } from '../kinds.ts'

export const shell = spec({
  name: 'shell',
  summary: 'the commands of zkCli.sh and more: on a terminal, from standard input, or one at once',
  about: `With COMMAND it runs that one command. On a terminal it reads commands, with history, and completion by Tab of verbs, options and paths
from the server; Ctrl-C ends a command, Ctrl-D the shell. From a pipe or a file it runs a command a line, without those that begin
with #, and stops at the first one that fails, with its exit code. "help" lists all verbs, "help VERB" says how to use one.

Options of the shell stand before COMMAND, those of COMMAND behind it.`,
  usage: ['shell [options] [COMMAND…]'],
  arguments: { command: words(text, 'a verb and its arguments', { isOptional: true }) },
  isVerbatim: true,
  options: { 'keep-going': flag('a script goes on where a command fails', { short: 'k' }) },
  connects: true,
  json: 'what the verbs print with --json',
  exit: 'that of the first command that failed; on a terminal 0',
  examples: [
    ['lightkeeper shell -s zk1:2181 get -s /config', 'one command'],
    ['lightkeeper shell < changes.txt', 'a script'],
  ],
})
