import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Child } from '../../../test/support/process.ts'

const built = fileURLToPath(new URL('../dist/end-process.js', import.meta.url))
const end = `(await import(${JSON.stringify(built)})).endProcess(7)`
const endStarting = `(await import(${JSON.stringify(built)})).endStartingProcess(7)`

function run(script: string): Child {
  return new Child([process.execPath, '--input-type=module', '-e', script], { timeoutMs: 60_000 })
}

test('a process ends with the code that it was given', async () => {
  expect(await run(`setInterval(() => {}, 1000); ${end}`).closed).toMatchObject({ code: 7 })
})

test('a file operation that is under way may finish', async () => {
  const script = `import { writeFile } from 'node:fs'; writeFile('/dev/null', 'x', () => console.log('written')); ${end}`
  expect(await run(script).closed).toMatchObject({ code: 7, output: 'written\n' })
})

test.each([
  ['serves', end],
  ['starts', endStarting],
])('a file operation that does not come to an end does not hold up a process that %s', async (_, last) => {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-end-'))
  const fifo = join(folder, 'fifo')
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0)
  const script = `import { open } from 'node:fs'; open(${JSON.stringify(fifo)}, 'r', () => {}); ${last}`
  expect(await run(script).closed).toMatchObject({ code: null, signal: 'SIGKILL' })
  rmSync(folder, { recursive: true, force: true })
})

test('a process that starts and reads for longer than its patience is not killed for that', async () => {
  const reading = `import { stat } from 'node:fs'
    const until = performance.now() + 700
    const read = () => stat('/', () => { if (performance.now() < until) read() })
    read(); read();`
  expect(await run(`${reading}\n${endStarting}`).closed).toMatchObject({ code: 7 })
})
