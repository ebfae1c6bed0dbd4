/** The server of `npm start` among the processes that npm makes: a shell that runs a command, and the server below it. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { Child } from '../support/process.ts'

const script = fileURLToPath(new URL('../../scripts/start.mjs', import.meta.url))
const folder = temporaryFolders('npm-start')

test('a server whose shell was ended by SIGTERM stops in order', async () => {
  const args = ['--port', '0', '--console-port', '0', '--data-dir', join(folder(), 'data')]
  // A shell that has another command to run does not become the server.
  const command = `"$@"; echo the shell is still here`
  await using shell = new Child(['sh', '-c', command, 'sh', process.execPath, script, ...args])
  await shell.untilLine('lightkeeper console at ')
  shell.child.kill('SIGTERM')
  // The output closes when the server, which has it too, has ended.
  expect(await shell.closed).toMatchObject({ signal: 'SIGTERM' })
  expect(shell.printed).toContain('the server stops because of a signal')
  expect(shell.printed).not.toContain('the shell is still here')
})
