/** The shell on a real terminal: completion, history, paste, Ctrl-C, Ctrl-D, a lost server, an editor. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, connect } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingTerminal, Terminal } from '../../support/terminal.ts'

const bin = fileURLToPath(new URL('../../../packages/cli/bin/lightkeeper.js', import.meta.url))
const reason = missingTerminal()
if (reason !== undefined) console.log(`the shell on a terminal: skipped, because ${reason}`)

describe.skipIf(reason !== undefined)('the shell on a terminal', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-terminal-'))
  let server: RunningServer
  let zk: Client
  beforeAll(async () => {
    server = await startServer({ port: 0 })
    zk = await connect(server)
    await zk.create('/app/config', '{"pool":10}', { parents: true })
    await zk.create('/app/with space', 'x')
    await zk.create('/other')
  })
  afterAll(async () => {
    await zk?.close()
    await server?.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const shell = (env: Readonly<Record<string, string>> = {}, target = server.connectString): Terminal =>
    new Terminal([process.execPath, bin, 'shell', '-s', target], { XDG_STATE_HOME: folder, NO_COLOR: '1', ...env })
  const prompt = / \/(?:app)?> $/
  /** The line that Ctrl-C clears is drawn once more, so only a prompt on the line below is the new one. */
  const promptAfterInterrupt = /\^C[^\n]*\n[^\n]* \/(?:app)?> $/

  test('runs verbs, completes verbs, options and paths, and ends by Ctrl-D', async () => {
    await using terminal = shell()
    expect(await terminal.see('', prompt)).toContain('lightkeeper shell; help lists the verbs')
    await terminal.see('getE', /getE$/)
    await terminal.see('\t', /phemerals $/)
    await terminal.see('\r', prompt)
    await terminal.see('get /ap', /\/ap$/)
    await terminal.see('\t', /p\/$/)
    await terminal.see('con', /con$/)
    await terminal.see('\t', /fig $/)
    expect(await terminal.see('\r', prompt)).toContain('{"pool":10}')
    await terminal.see("get '/app/wi", /wi$/)
    await terminal.see('\t', /th space' $/)
    expect(await terminal.see('\r', prompt)).toMatch(/^\s*x/)
    await terminal.see('get --b', /--b$/)
    await terminal.see('\t', /ase64 $/)
    await terminal.see('/other\r', prompt)
    await terminal.see('cd app\r', / \/app> $/)
    expect(await terminal.see('ls\r', prompt)).toContain('[config, with space]')
    expect(await terminal.see('nonsense\r', prompt)).toContain('nonsense: no such verb')
    terminal.type('\u0004')
    expect((await terminal.ended).code).toBe(0)
  })

  test('keeps the history of earlier shells, without credentials', async () => {
    const state = { XDG_STATE_HOME: join(folder, 'history') }
    {
      await using first = shell(state)
      await first.see('', prompt)
      await first.see('get /app/config\r', prompt)
      await first.see('addauth digest joe:secret\r', prompt)
      await first.see('quit\r', /\n$/)
      await first.ended
    }
    await using second = shell(state)
    await second.see('', prompt)
    expect(await second.see('\u001b[A\u001b[A\r', prompt)).toContain('{"pool":10}')
    expect(readFileSync(join(folder, 'history', 'lightkeeper', 'history'), 'utf8')).not.toContain('secret')
  })

  test('a paste waits for Enter, and keeps the line ends of a quoted text', async () => {
    await using terminal = shell()
    await terminal.see('', prompt)
    await terminal.see('\u001b[200~create /pasted "one\ntwo"\nget /pasted\u001b[201~', /⏎get \/pasted$/)
    expect(await zk.exists('/pasted')).toBeUndefined()
    await terminal.see('\r', /Created \/pasted[^]*one\r?\ntwo[^]*> $/)
    expect(new TextDecoder().decode((await zk.get('/pasted')).data)).toBe('one\ntwo')
  })

  test('Ctrl-C ends a command and clears a line; the shell goes on', async () => {
    await using terminal = shell()
    await terminal.see('', prompt)
    await terminal.see('watch /app/config\r', /ready/)
    await terminal.see('\u0003', promptAfterInterrupt)
    await terminal.see('deleteall /app', /deleteall \/app$/)
    await terminal.see('\u0003', promptAfterInterrupt)
    expect(await terminal.see('ls /app\r', prompt)).toContain('[config, with space]')
  })

  test('a watch event comes above the line that is typed', async () => {
    await using terminal = shell()
    await terminal.see('', prompt)
    await terminal.see('get -w /other\r', prompt)
    await terminal.see('get /ap', /get \/ap$/)
    const seen = terminal.see('', /watch: NodeDataChanged \/other[^]*> get \/ap$/)
    await zk.set('/other', 'new')
    await seen
    expect(await terminal.see('p/config\r', prompt)).toContain('{"pool":10}')
  })

  test('edit writes what the editor saved, and nothing where it is the same', async () => {
    const editor = join(folder, 'editor.sh')
    writeFileSync(editor, '#!/bin/sh\nprintf edited > "$1"\n')
    chmodSync(editor, 0o755)
    await zk.create('/edited', 'before')
    await using terminal = shell({ VISUAL: editor })
    await terminal.see('', prompt)
    expect(await terminal.see('edit /edited\r', prompt)).toContain('/edited: written, version=1')
    expect(new TextDecoder().decode((await zk.get('/edited')).data)).toBe('edited')
    expect(await terminal.see('edit /edited\r', prompt)).toContain('/edited: not changed')
  })

  test('says that the server is lost and that it is back', async () => {
    const lost = await startServer({ port: 0 })
    const { port } = lost
    await using terminal = shell({}, lost.connectString)
    await terminal.see('', prompt)
    const gone = terminal.see('', /no server is reached: the client is (\w+)[^]*\(\1\) \/> $/)
    await lost.close()
    await gone
    const waiting = terminal.see('ls /\r', /ls \/\s*\n/)
    await waiting
    await terminal.see('\u0003', promptAfterInterrupt)
    const back = terminal.see('', /connected to [^]*> $/)
    await using again = await startServer({ port })
    await back
    expect(await terminal.see('ls /\r', prompt)).toContain('[zookeeper]')
    expect(again.port).toBe(port)
  })
})
