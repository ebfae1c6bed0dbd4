/** The rows of the commands about the command line itself. */
import { argument, optional, spec } from '../command.ts'
import { commandName, oneOf } from '../kinds.ts'

export const help = spec({
  name: 'help',
  summary: 'print what a command does and its options',
  usage: ['help [COMMAND]'],
  arguments: { command: optional(commandName, 'the name of a command') },
})

export const completion = spec({
  name: 'completion',
  summary: 'print a completion script for a shell',
  about: `Prints a script that completes commands, options, their values, names of files and of profiles. It needs no server. With
"profiles" it prints the names of the profiles, as the scripts need them.`,
  arguments: { shell: argument(oneOf('bash', 'zsh', 'fish', 'profiles'), 'bash, zsh or fish; or profiles') },
  examples: [
    ['source <(lightkeeper completion bash)', 'in ~/.bashrc'],
    ['source <(lightkeeper completion zsh)', 'in ~/.zshrc, behind compinit'],
    ['lightkeeper completion fish | source', 'in ~/.config/fish/config.fish'],
  ],
})
