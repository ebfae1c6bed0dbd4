/** `edit`: the data of a znode in the user's editor, written only if nobody else wrote meanwhile. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GetResult, KeeperError, type ZnodePath, type ZnodeStat } from '@lightkeeper/client'
import { nodeName } from '@lightkeeper/protocol'
import { printable, textOf } from '../../output.ts'
import type { edit as editSpec } from '../../table/shell-write.ts'
import type { Verb } from '../verb.ts'

export const edit: Verb<typeof editSpec> = async ({ values, args, out, signal, connect, terminal }) => {
  const { path } = args
  const zk = await connect()
  const found = await zk.find(path, { signal })
  if (found === undefined && !values.create) throw new KeeperError('NO_NODE', { path, operation: 'edit' })
  const before = found?.data ?? new Uint8Array(0)
  const text = textOf(before)
  if (text === undefined)
    throw new Error(`${path}: its data is not text; lightkeeper get --raw and set --file copy bytes`)
  // The folder is for this user alone, and so is the text.
  const folder = await mkdtemp(join(tmpdir(), 'lightkeeper-edit-'))
  const file = join(folder, fileNameOf(path))
  let isKept = false
  try {
    await writeFile(file, before, { mode: 0o600 })
    await terminal(() => runEditor(file))
    const after = await readFile(file)
    if (after.equals(before) && found !== undefined) {
      out.result({ path, changed: false }, printable(`${path}: not changed`))
      return undefined
    }
    isKept = true
    const stat = await save(zk, path, { after, found, signal })
    isKept = false
    out.result({ path, changed: true, stat }, printable(`${path}: written, version=${stat.version}`))
    return undefined
  } catch (error) {
    if (!isKept) throw error
    throw new Error(`${(error as Error).message}; your text is in ${file}`, { cause: error })
  } finally {
    if (!isKept) await rm(folder, { recursive: true, force: true })
  }
}

type Zk = Awaited<ReturnType<Parameters<typeof edit>[0]['connect']>>

async function save(
  zk: Zk,
  path: ZnodePath,
  {
    after,
    found,
    signal,
  }: { readonly after: Uint8Array; readonly found: GetResult | undefined; readonly signal: AbortSignal },
): Promise<ZnodeStat> {
  if (found === undefined) {
    await zk.create(path, after, { signal })
    return (await zk.get(path, { signal })).stat
  }
  const { version } = found.stat
  try {
    return await zk.set(path, after, { version, signal })
  } catch (error) {
    if (!KeeperError.is(error, 'BAD_VERSION')) throw error
    const message = `${path} was written by another client while you edited version ${version}; nothing was saved`
    throw new Error(message, { cause: error })
  }
}

/** Editors choose colours by the end of the name. */
function fileNameOf(path: ZnodePath): string {
  const name = nodeName(path).replace(/[^\w.-]/g, '_')
  return name === '' ? 'root' : name
}

/** `$VISUAL`, `$EDITOR` or vi; these may have arguments. */
async function runEditor(file: string): Promise<void> {
  const editor = process.env['VISUAL'] || process.env['EDITOR'] || 'vi'
  const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  if (code !== 0) throw new Error(`the editor "${editor}" ended with ${code ?? 'a signal'}; nothing was saved`)
}
