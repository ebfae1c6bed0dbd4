/** `json`: a part of JSON data by its pointer, changed only where no other client writes meanwhile. */
import type { ZnodePath } from '@lightkeeper/client'
import { JsonTextError, jsonDelete, jsonGet, jsonSet, pointerNames } from '@lightkeeper/tools'
import { UsageError } from '../../command.ts'
import { textOf } from '../../output.ts'
import type { json as jsonSpec } from '../../table/shell-write.ts'
import { statText } from '../stat-text.ts'
import type { Verb } from '../verb.ts'

export const json: Verb<typeof jsonSpec> = async ({ values, args, out, signal, connect }) => {
  const { action, path, pointer, value } = args
  if (action === 'set' && value === undefined) throw new UsageError('json set needs PATH POINTER VALUE')
  if (action !== 'set' && value !== undefined) throw new UsageError(`json ${action} takes no VALUE`)
  try {
    pointerNames(pointer)
  } catch (error) {
    throw new UsageError(`POINTER: ${(error as Error).message}`)
  }
  const change = changeOf(action, pointer, value)
  const zk = await connect()
  const { data, stat } = await zk.get(path, { signal })
  const before = textIn(path, data)
  if (change === undefined) {
    const found = jsonGet(before, pointer)
    out.result(
      { path, pointer, value: JSON.parse(found) as unknown },
      values.stat ? `${found}\n${statText(stat)}` : found,
    )
    return undefined
  }
  const after = change(before)
  const written = await zk.set(path, after, { version: stat.version, signal })
  if (values.stat || out.isJson) out.result({ path, pointer, stat: written }, statText(written))
  return undefined
}

/** Undefined where nothing is changed. */
function changeOf(
  action: 'get' | 'set' | 'delete',
  pointer: string,
  value = '',
): ((text: string) => string) | undefined {
  if (action === 'get') return undefined
  if (action === 'delete') return (text) => jsonDelete(text, pointer)
  return (text) => jsonSet(text, pointer, isJson(value) ? value : JSON.stringify(value))
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function textIn(path: ZnodePath, data: Uint8Array): string {
  const text = textOf(data)
  if (text === undefined || !isJson(text)) throw new JsonTextError(`${path}: its data is not JSON`)
  return text
}
