/** The verbs that change the shell itself or concern its session. */
import { KeeperError, type ZnodePath } from '@lightkeeper/client'
import { commandNamed, type Spec, UsageError } from '../command.ts'
import { helpOf } from '../help.ts'
import { printable } from '../output.ts'
import * as rows from '../table/shell-session.ts'
import { packageVersion } from '../version.ts'
import type { SessionCall, Shell } from './shell.ts'
import { verbNamed } from './table.ts'
import type { WatchKind } from './watches.ts'

type Run<S extends Spec> = (call: SessionCall<S>) => Promise<number | undefined>

const cd: Run<typeof rows.cd> = async ({ args, shell, signal }) => {
  const path = args.path as ZnodePath
  const zk = await shell.client({ signal })
  if ((await zk.exists(path, { signal })) === undefined) throw new KeeperError('NO_NODE', { path, operation: 'cd' })
  shell.here = path
  return undefined
}

const pwd: Run<typeof rows.pwd> = async ({ shell, out }) => {
  out.result({ path: shell.here }, printable(shell.here))
  return undefined
}

const addauth: Run<typeof rows.addauth> = async ({ args, shell, signal }) => {
  const zk = await shell.client({ signal })
  await zk.addAuth(args.scheme, args.credentials, { signal })
  return undefined
}

const addWatch: Run<typeof rows.addWatch> = async ({ values, args, shell, signal }) => {
  const zk = await shell.client({ signal })
  await shell.watches.add(zk, args.path, values.mode === 'PERSISTENT_RECURSIVE', signal)
  return undefined
}

const removewatches: Run<typeof rows.removewatches> = async ({ values, args, shell }) => {
  const kinds = (['children', 'data', 'persistent', 'persistent-recursive'] as const).filter((kind) => values[kind])
  const wanted: readonly WatchKind[] =
    kinds.length === 0 || values.any ? ['children', 'data', 'persistent', 'persistent-recursive'] : kinds
  const count = await shell.watches.remove(args.path, new Set(wanted))
  if (count === 0) throw new Error(`this shell has no such watch at ${args.path}`)
  return undefined
}

const printwatches: Run<typeof rows.printwatches> = async ({ args, shell, out }) => {
  if (args.state === undefined) out.result({}, `printwatches is ${shell.isPrintingWatches ? 'on' : 'off'}`)
  else shell.isPrintingWatches = args.state === 'on'
  return undefined
}

const connect: Run<typeof rows.connect> = async ({ args, shell, signal }) => {
  if (args.hosts !== undefined) shell.servers = args.hosts
  shell.here = '/'
  await shell.connect({ signal })
  return undefined
}

const close: Run<typeof rows.close> = async ({ shell }) => {
  await shell.close()
  return undefined
}

/** So many are printed, and the command itself. */
const shownCommands = 10

const history: Run<typeof rows.history> = async ({ args, shell, out, signal }) => {
  if (args.path !== undefined) return pastOf(args.path, shell, signal)
  const lines = [...shell.history.entries()].slice(-shownCommands - 1)
  for (const [number, line] of lines) out.result({ number, line }, printable(`${number} - ${line}`))
  return undefined
}

/** The command of that name, which prints the past of a znode. */
async function pastOf(path: ZnodePath, shell: Shell, signal: AbortSignal): Promise<number> {
  const command = commandNamed('history', shell.options.commands)
  if (command === undefined) throw new UsageError('takes no path')
  return shell.runCommand(command, [path], signal)
}

const redo: Run<typeof rows.redo> = async ({ args, shell, signal }) => {
  const line = shell.history[args.number]
  if (line === undefined || args.number >= shell.history.length - 1) {
    throw new UsageError(`NUMBER must be one that history prints, not ${args.number}`)
  }
  if (/^\s*redo\b/.test(line)) throw new UsageError(`command ${args.number} is a redo itself`)
  // In the history stands what was done.
  shell.history.pop()
  return shell.run(line, signal)
}

const version: Run<typeof rows.version> = async ({ out }) => {
  out.result({ version: packageVersion() }, `lightkeeper ${packageVersion()}`)
  return undefined
}

const quit: Run<typeof rows.quit> = async ({ shell }) => {
  shell.isEnded = true
  return undefined
}

const help: Run<typeof rows.help> = async ({ args, shell, out }) => {
  if (args.verb === undefined) {
    const width = Math.max(...shell.verbs.map(({ spec }) => spec.name.length))
    for (const { spec } of shell.verbs) out.result(spec, `${spec.name.padEnd(width)}  ${spec.summary}`)
    out.result({}, 'help VERB says how to use one. Paths may be relative to the current znode: cd, pwd.')
    return undefined
  }
  const verb = verbNamed(args.verb, shell.verbs)
  if (verb === undefined) throw new UsageError(`no verb "${args.verb}"; help lists all verbs`)
  out.result({}, helpOf(verb.spec, { isShell: true }).trimEnd())
  return undefined
}

const all = {
  cd,
  pwd,
  addauth,
  addWatch,
  removewatches,
  printwatches,
  connect,
  close,
  history,
  redo,
  version,
  quit,
  help,
}

/** Runs a verb by its name. The shell has read its words by its own row. */
export function runSession(name: string, call: SessionCall<Spec>): Promise<number | undefined> {
  const run = (all as unknown as Readonly<Record<string, Run<Spec>>>)[name]
  return run === undefined ? Promise.reject(new UsageError('no such verb')) : run(call)
}
