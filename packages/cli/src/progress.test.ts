import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { progress } from './progress.ts'

/** A standard error that keeps what is written. */
function stream(isTTY: boolean): { readonly stream: NodeJS.WriteStream; readonly text: () => string } {
  const pipe = new PassThrough()
  let text = ''
  pipe.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const asTerminal = Object.assign(pipe, { isTTY, columns: 100, rows: 30 })
  return { stream: asTerminal as unknown as NodeJS.WriteStream, text: () => text }
}

test('elsewhere than on a terminal, short work says nothing and long work a line now and then', () => {
  const to = stream(false)
  let time = 1_000
  using bar = progress('import', 'writes', { total: 200, stream: to.stream, now: () => time })
  for (let done = 0; done <= 200; done += 50) {
    bar.update(done)
    time += 6_000
  }
  expect(to.text()).toBe(
    'lightkeeper import: 100 of 200 writes (50 %)\nlightkeeper import: 200 of 200 writes (100 %)\n',
  )
})

test('where the total is not known, only the count is said', () => {
  const to = stream(false)
  let time = 0
  using bar = progress('inspect', 'entries', { stream: to.stream, now: () => time })
  time = 20_000
  bar.update(7)
  expect(to.text()).toBe('lightkeeper inspect: 7 entries\n')
})

test('a terminal gets a bar, with what was done before it appeared, and an empty line behind it', async () => {
  const to = stream(true)
  {
    using bar = progress('import', 'writes', { total: 200, stream: to.stream })
    bar.update(50)
    await expect.poll(() => to.text()).toContain('50/200 writes')
    bar.update(200)
  }
  expect(to.text()).toContain('25 %')
  expect(to.text()).toContain('100 % 200/200 writes')
  // Cleared, with the cursor at its beginning, and shown again.
  expect(to.text().endsWith('\u001b[1G\u001b[2K')).toBe(true)
})

test('a bar that ends before it appears leaves nothing', async () => {
  const to = stream(true)
  progress('import', 'writes', { total: 1, stream: to.stream })[Symbol.dispose]()
  await import('cli-progress')
  await new Promise((resolve) => setImmediate(resolve))
  expect(to.text()).toBe('')
})
