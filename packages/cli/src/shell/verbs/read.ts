/** Verbs that read one znode: `ls`, `get`, `stat`, `getAcl`. */
import { KeeperError, type ZnodePath } from '@lightkeeper/client'
import { aclEntryText, hexDump, viewValue, walkSubtree } from '@lightkeeper/tools'
import { UsageError } from '../../command.ts'
import { printable } from '../../output.ts'
import type { getAcl as getAclSpec, get as getSpec, ls as lsSpec, stat_ as statSpec } from '../../table/shell-read.ts'
import { statText } from '../stat-text.ts'
import { showValue } from '../value-text.ts'
import type { Verb } from '../verb.ts'
import { Denials } from './denials.ts'

export const ls: Verb<typeof lsSpec> = async ({ values, args, here, out, signal, connect, watch }) => {
  const path = args.path ?? here
  if (values.recursive && (values.watch || values.stat))
    throw new UsageError('--recursive goes with neither --watch nor --stat')
  const zk = await connect()
  if (values.recursive) {
    const denials = new Denials()
    for await (const each of walkSubtree(zk, path, { signal })) {
      if (!denials.has(each)) out.result({ path: each.path }, printable(each.path))
      else out.result({ path: each.path, denied: true }, printable(each.path))
    }
    return denials.report(out)
  }
  const { children, stat, changed } = await zk.children(path, { signal, watch: values.watch })
  const names = [...children].sort()
  const list = values.lines ? names.map(printable).join('\n') : `[${names.map(printable).join(', ')}]`
  const lines = [...(values.lines && names.length === 0 ? [] : [list]), ...(values.stat ? [statText(stat)] : [])]
  if (out.isJson || lines.length > 0)
    out.result({ path, children: names, ...(values.stat && { stat }) }, lines.join('\n'))
  watch('children', path, changed)
  return undefined
}

export const get: Verb<typeof getSpec> = async ({ values, args, out, signal, connect, watch }) => {
  const { path } = args
  const forms = [values.base64, values.hex, values.raw, values.json].filter(Boolean)
  if (forms.length > 1) throw new UsageError('--base64, --hex, --raw and --json exclude each other')
  if (values.raw && (values.stat || values.watch))
    throw new UsageError('--raw prints the bytes alone, without --stat and --watch')
  const zk = await connect()
  const { data, stat, changed } = await zk.get(path, { signal, watch: values.watch })
  if (values.raw) {
    out.bytes(data)
    return undefined
  }
  const shown = values.base64
    ? { text: Buffer.from(data).toString('base64'), note: undefined }
    : values.hex
      ? { text: hexDump(data), note: undefined }
      : await showValue(data)
  if (shown.note !== undefined && !out.isJson) out.note(`${path}: ${shown.note}`)
  const view = viewValue(data)
  const facts = { path, data, ...(view.kind === 'text' && { text: view.text }), stat }
  out.result(facts, values.stat ? `${shown.text}\n${statText(stat)}` : shown.text)
  watch('data', path, changed)
  return undefined
}

export const stat: Verb<typeof statSpec> = async ({ values, args, out, signal, connect, watch }) => {
  const { path } = args
  const zk = await connect()
  const { stat: found, changed } = await zk.existence(path, { signal, watch: values.watch })
  // The watch reports the creation of a znode that does not exist.
  if (found === undefined && changed !== undefined) out.note(`${path} does not exist`)
  else if (found === undefined) throw missing(path)
  else out.result({ path, stat: found }, statText(found))
  watch('data', path, changed)
  return undefined
}

export const getAcl: Verb<typeof getAclSpec> = async ({ values, args, out, signal, connect }) => {
  const { path } = args
  const zk = await connect()
  const { acl, stat: found } = await zk.getAcl(path, { signal })
  const lines = acl.map((entry) => printable(aclEntryText(entry)))
  if (values.stat) lines.push(statText(found))
  out.result({ path, acl, text: acl.map(aclEntryText).join(','), stat: found }, lines.join('\n'))
  return undefined
}

function missing(path: ZnodePath): Error {
  return new KeeperError('NO_NODE', { path, operation: 'stat' })
}
