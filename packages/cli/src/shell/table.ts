/** Every verb of the shell: its own verbs, and the commands that talk to servers and run no other program. */
import type { Command, Spec } from '../command.ts'
import * as sessionRows from '../table/shell-session.ts'

export type ShellVerb =
  | { readonly kind: 'session'; readonly spec: Spec }
  | { readonly kind: 'command'; readonly spec: Spec; readonly command: Command }

/** They open sessions of their own, or a shell or a console. */
const outside = new Set(['shell', 'console', 'bench', 'doctor'])

/** In the order of `help`. `commands` are those of the program. */
export function shellVerbs(commands: readonly Command[]): readonly ShellVerb[] {
  const session = Object.values(sessionRows).map((row): ShellVerb => ({ kind: 'session', spec: row }))
  const names = new Set(session.map(({ spec }) => spec.name))
  const others = commands
    .filter(({ spec }) => spec.connects === true && spec.runs === undefined)
    .filter(({ spec }) => !outside.has(spec.name) && !names.has(spec.name))
    .map((command): ShellVerb => ({ kind: 'command', spec: command.spec, command }))
  return [...others, ...session]
}

export function verbNamed(name: string, verbs: readonly ShellVerb[]): ShellVerb | undefined {
  return verbs.find(({ spec }) => spec.name === name || spec.aliases?.includes(name) === true)
}
