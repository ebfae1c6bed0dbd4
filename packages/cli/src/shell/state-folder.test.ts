import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { HistoryFile } from './history-file.ts'
import { stateFolder } from './state-folder.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'lightkeeper-history-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('the folder for state is the one that the user has named, else the usual one', () => {
  const usual = join(homedir(), '.local', 'state', 'lightkeeper')
  expect(stateFolder({ XDG_STATE_HOME: '/state' }, 'linux')).toBe('/state/lightkeeper')
  expect(stateFolder({ XDG_STATE_HOME: 'relative' }, 'linux')).toBe(usual)
  expect(stateFolder({}, 'darwin')).toBe(usual)
  expect(stateFolder({ LOCALAPPDATA: 'C:/local' }, 'win32')).toBe(join('C:/local', 'lightkeeper'))
})

test('lines come back, the latest first; credentials and lines behind a space are not kept', async () => {
  const path = join(folder(), 'new')
  const history = new HistoryFile(path, (text) => expect.unreachable(text))
  expect(await history.load()).toEqual([])
  for (const line of ['ls /', 'addauth digest joe:secret', ' get /secret', 'get /a']) await history.add(line)
  expect(await history.load()).toEqual(['get /a', 'ls /'])
  if (process.platform !== 'win32') expect(statSync(join(path, 'history')).mode & 0o777).toBe(0o600)
})

test.each([
  'ls /⏎addauth digest joe:secret',
  '# the login⏎addauth digest joe:secret⏎ls /',
  'ls /⏎  "addauth" digest joe:secret',
  '#addauth digest joe:secret⏎ls /',
  'locks / --auth digest:joe:secret',
  'locks / --auth=digest:joe:secret',
])('what is pasted stays out as a whole where one line has credentials: %s', async (line) => {
  const path = folder()
  const history = new HistoryFile(path, (text) => expect.unreachable(text))
  await history.add(line)
  await history.add('locks / --auth-file login⏎ls /addauth')
  expect(readFileSync(join(path, 'history'), 'utf8')).toBe('locks / --auth-file login⏎ls /addauth\n')
})

test('a long file is cut to the latest thousand lines', async () => {
  const path = folder()
  writeFileSync(join(path, 'history'), Array.from({ length: 2500 }, (_, i) => `get /${i}\n`).join(''))
  const loaded = await new HistoryFile(path, (text) => expect.unreachable(text)).load()
  expect([loaded.length, loaded[0], loaded.at(-1)]).toEqual([1000, 'get /2499', 'get /1500'])
  expect(readFileSync(join(path, 'history'), 'utf8').split('\n')).toHaveLength(1001)
})

test('a history that cannot be written says so once, and the shell goes on', async () => {
  const path = folder()
  writeFileSync(join(path, 'file'), '')
  const complaints: string[] = []
  const history = new HistoryFile(join(path, 'file'), (text) => complaints.push(text))
  await history.add('ls')
  await history.add('ls')
  expect(complaints).toEqual([expect.stringMatching(/^the history in .*\/file\/history is not kept: /)])
})
