/** `lightkeeper edit` beside another client that is faster: nothing of that client is lost, and nothing of what was typed. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, connect, text } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporaryFolders } from '../../support/folders.ts'
import { Running } from '../running.ts'

const bin = fileURLToPath(new URL('../../../packages/cli/bin/lightkeeper.js', import.meta.url))
const folder = temporaryFolders('edit-test')
let server: RunningServer
let zk: Client
beforeAll(async () => {
  server = await startServer({ port: 0 })
  zk = await connect(server)
})
afterAll(async () => {
  await zk?.close()
  await server?.close()
})

/** Edits `path` with a shell script in place of an editor; the script finds the file in `$1`. */
async function edit(path: string, script: string): Promise<Awaited<Running['closed']>> {
  const editor = join(folder(), 'editor.sh')
  writeFileSync(editor, `#!/bin/sh\nset -e\n${script}\n`)
  chmodSync(editor, 0o755)
  return new Running(['edit', path, '-s', server.connectString], { VISUAL: editor }).closed
}

const byAnother = (verb: string): string =>
  `'${process.execPath}' '${bin}' ${verb} -s ${server.connectString}; printf 'what I typed' > "$1"`

/** The file that the message names. */
function keptFile(errors: string): string {
  return /; your text is in (\/\S+)$/m.exec(errors)?.[1] ?? ''
}

test.each([
  [
    'writes',
    'set /conflict faster',
    'faster',
    /\/conflict was written by another client while you edited version 0; nothing was saved/,
  ],
  ['deletes', 'delete /conflict', undefined, /NO_NODE/],
])('another client %s the znode meanwhile: what was typed stays in a file', async (_what, verb, left, says) => {
  if ((await zk.exists('/conflict')) === undefined) await zk.create('/conflict', 'before')
  const { code, output, errors } = await edit('/conflict', byAnother(verb))
  expect([code, output]).toEqual([1, ''])
  expect(errors).toMatch(says)
  const kept = keptFile(errors)
  expect(readFileSync(kept, 'utf8')).toBe('what I typed')
  rmSync(dirname(kept), { recursive: true })
  expect((await zk.find('/conflict'))?.data).toEqual(left === undefined ? undefined : text.encode(left))
  await zk.delete('/conflict', { idempotent: true }).catch(() => {})
})

test('an editor that fails saves nothing and leaves nothing', async () => {
  await zk.create('/failed', 'before')
  const { code, errors } = await edit('/failed', `printf '%s' "$1" > '${join(folder(), 'name')}'; exit 3`)
  expect([code, errors]).toEqual([1, expect.stringMatching(/ended with 3; nothing was saved\n$/)])
  expect((await zk.get('/failed')).stat.version).toBe(0)
})

test('what was saved is written, and its file goes', async () => {
  await zk.create('/saved', 'before')
  const name = join(folder(), 'name')
  const { code, output } = await edit('/saved', `printf '%s' "$1" > '${name}'; printf after > "$1"`)
  expect([code, output]).toEqual([0, '/saved: written, version=1\n'])
  expect(existsSync(readFileSync(name, 'utf8'))).toBe(false)
})
