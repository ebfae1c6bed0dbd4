/** All commands: each row with the module that runs it, which is loaded only then. */
import { bind, type Command } from './command.ts'
import { verbCommands } from './shell/verbs.ts'
import * as consoles from './table/console.ts'
import * as doctoring from './table/doctor.ts'
import * as helping from './table/help.ts'
import * as past from './table/past.ts'
import * as recipes from './table/recipes.ts'
import * as serving from './table/serving.ts'
import * as shelling from './table/shell.ts'
import * as transfer from './table/transfer.ts'

/** In the order of the overview. */
export const commands: readonly Command[] = [
  bind(serving.server, () => import('./commands/server.ts')),
  bind(serving.ensemble, () => import('./commands/ensemble.ts')),
  bind(consoles.console, () => import('./commands/console.ts')),
  bind(serving.inspect, () => import('./commands/inspect.ts')),
  bind(serving.backup, () => import('./commands/backup.ts')),
  bind(doctoring.doctor, () => import('./commands/doctor.ts')),
  bind(doctoring.bench, () => import('./commands/bench.ts')),
  bind(shelling.shell, () => import('./commands/shell.ts')),
  ...verbCommands,
  bind(recipes.watch, () => import('./commands/watch.ts')),
  bind(recipes.lock, () => import('./commands/lock.ts')),
  bind(recipes.elect, () => import('./commands/elect.ts')),
  bind(recipes.register, () => import('./commands/register.ts')),
  bind(recipes.discover, () => import('./commands/discover.ts')),
  bind(recipes.locks, () => import('./commands/locks.ts')),
  bind(past.sessions, () => import('./commands/sessions.ts')),
  bind(past.history, () => import('./commands/history.ts')),
  bind(past.tree, () => import('./commands/tree.ts')),
  bind(past.diff, () => import('./commands/diff.ts')),
  bind(transfer.exported, () => import('./commands/export.ts')),
  bind(transfer.imported, () => import('./commands/import.ts')),
  bind(past.undo, () => import('./commands/undo.ts')),
  bind(serving.demo, () => import('./commands/demo.ts')),
  bind(helping.completion, () => import('./commands/completion.ts')),
  bind(helping.help, () => import('./commands/help.ts')),
]
