/** The verbs as commands: each row with the function that runs it, which is loaded only then. */
import { bind, type Command, type Spec } from '../command.ts'
import * as reading from '../table/shell-read.ts'
import * as writing from '../table/shell-write.ts'
import type { Verb } from './verb.ts'

function verb<S extends Spec>(row: S, load: () => Promise<Verb<S>>): Command {
  return bind(row, async () => {
    const [{ runOf }, run] = await Promise.all([import('./verb.ts'), load()])
    return { run: runOf(run) }
  })
}

export const verbCommands: readonly Command[] = [
  verb(reading.ls, async () => (await import('./verbs/read.ts')).ls),
  verb(reading.get, async () => (await import('./verbs/read.ts')).get),
  verb(writing.set, async () => (await import('./verbs/write.ts')).set),
  verb(writing.create, async () => (await import('./verbs/write.ts')).create),
  verb(writing.delete_, async () => (await import('./verbs/write.ts')).delete_),
  verb(writing.deleteall, async () => (await import('./verbs/write.ts')).deleteall),
  verb(reading.stat_, async () => (await import('./verbs/read.ts')).stat),
  verb(reading.getAcl, async () => (await import('./verbs/read.ts')).getAcl),
  verb(writing.setAcl, async () => (await import('./verbs/write.ts')).setAcl),
  verb(reading.find, async () => (await import('./verbs/subtree.ts')).find),
  verb(reading.grep, async () => (await import('./verbs/subtree.ts')).grep),
  verb(reading.du, async () => (await import('./verbs/subtree.ts')).du),
  verb(reading.getAllChildrenNumber, async () => (await import('./verbs/subtree.ts')).getAllChildrenNumber),
  verb(writing.cp, async () => (await import('./verbs/copy.ts')).cp),
  verb(writing.mv, async () => (await import('./verbs/copy.ts')).mv),
  verb(writing.edit, async () => (await import('./verbs/edit.ts')).edit),
  verb(writing.json, async () => (await import('./verbs/json.ts')).json),
  verb(writing.txn, async () => (await import('./verbs/txn.ts')).txn),
  verb(writing.setquota, async () => (await import('./verbs/quota.ts')).setquota),
  verb(reading.listquota, async () => (await import('./verbs/quota.ts')).listquota),
  verb(writing.delquota, async () => (await import('./verbs/quota.ts')).delquota),
  verb(reading.whoami, async () => (await import('./verbs/server.ts')).whoami),
  verb(reading.getEphemerals, async () => (await import('./verbs/server.ts')).getEphemerals),
  verb(reading.sync, async () => (await import('./verbs/server.ts')).sync),
  verb(reading.config, async () => (await import('./verbs/server.ts')).config),
  verb(writing.reconfig, async () => (await import('./verbs/server.ts')).reconfig),
]
