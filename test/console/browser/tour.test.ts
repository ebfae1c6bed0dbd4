/**
 * A stranger's tour, with a terminal and a browser: `npm start`, the console, a znode, a watch, a lock with its holder and a waiter, the
 * end of the holder, the history. With TOUR=clone it begins with a fresh clone of what is committed, and installs it.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { bin } from '../../support/our-process.ts'
import { Child } from '../../support/process.ts'
import { until } from '../../support/wait.ts'
import { missingBrowser, picture, Screen } from './kit.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const missing = missingBrowser()
const isLong = process.env['TOUR'] === 'clone'

/**
 * `npm start` on free ports: the same arguments as in package.json, and these behind them. `timeout` passes a signal on to all of its
 * processes, as a terminal does: npm passes it on to its shell alone, and the server would stay.
 */
function start(checkout: string, dataDir: string): Child {
  const ports = ['--port', '0', '--console-port', '0', '--data-dir', dataDir]
  if (isLong) return new Child(['timeout', '600', 'npm', 'start', '--silent', '--', ...ports], { cwd: checkout })
  const words = '4lw.commands.whitelist=srvr,ruok,mntr,isro,cons,dump,wchc'
  return new Child([process.execPath, bin, 'server', ...ports, '--set', words])
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url)
    return true
  } catch {
    return false
  }
}

describe.skipIf(missing !== undefined)('the tour of a stranger', () => {
  test('from the start of the server to the history of a znode', { timeout: isLong ? 600_000 : 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-tour-'))
    const checkout = isLong ? join(folder, 'clone') : root
    if (isLong) execFileSync('git', ['clone', '--quiet', root, checkout])
    const program = isLong ? join(checkout, 'packages/cli/bin/lightkeeper.js') : bin
    try {
      await using server = start(checkout, join(folder, 'data'))
      const servers = (await server.untilLine('lightkeeper listening on ')).replace(/^.* on /, '')
      const url = (await server.untilLine('lightkeeper console at ')).replace(/^.* at /, '')
      /** A command in a second terminal. */
      const terminal = (...words: readonly string[]): Child =>
        new Child([process.execPath, program, ...words, '-s', servers])
      await using screen = await Screen.before({ url })

      // Create a znode in the console, and see it change there while the shell writes it.
      const page = await screen.open('/')
      await page.getByRole('button', { name: 'Create a child' }).click()
      await page.getByRole('textbox', { name: 'Name' }).fill('greeting')
      await page.getByRole('textbox', { name: 'Data', exact: true }).fill('Good day')
      await page.getByRole('button', { name: 'Create', exact: true }).click()
      await page.getByRole('textbox', { name: 'Data of /greeting' }).getByText('Good day').waitFor()
      await using watcher = terminal('watch', '/greeting')
      await watcher.untilLine('Good day')
      expect((await terminal('set', '/greeting', 'Good night').closed).code).toBe(0)
      await watcher.untilLine('Good night')
      await page.getByRole('textbox', { name: 'Data of /greeting' }).getByText('Good night').waitFor()

      // Two programs want the same lock.
      const sleeper = [process.execPath, '-e', 'setInterval(() => {}, 1000)'] as const
      const locked = (): Child =>
        new Child([
          process.execPath,
          program,
          'lock',
          '/locks/report',
          '-s',
          servers,
          '--session-timeout',
          '4000',
          '--',
          ...sleeper,
        ])
      await using holder = locked()
      await page.getByRole('link', { name: 'Recipes' }).click()
      await page.goto(screen.url('/recipes?path=%2Flocks'))
      const holding = page.locator('.party.holder')
      await holding.getByText('holds').waitFor()
      const first = await holding.innerText()
      await using waiter = locked()
      await page.getByText('waits, place 1').waitFor()
      await picture(page, 'tour')

      // Kill the holder. Its session ends, and the other one has the lock.
      holder.kill('SIGKILL')
      await page.getByText('waits, place 1').waitFor({ state: 'hidden' })
      await holding.getByText('holds').waitFor()
      expect((await holding.innerText()).replaceAll(/\d+ seconds? ago|just now/g, '')).not.toBe(
        first.replaceAll(/\d+ seconds? ago|just now/g, ''),
      )

      // What happened to the znode, and to the lock.
      await page.goto(screen.url('/tree?path=%2Fgreeting'))
      await page.getByRole('link', { name: 'History' }).first().click()
      await page.getByText('+ Good night').waitFor()
      await page.goto(screen.url('/past?path=%2Flocks&below=1'))
      await page.locator('strong.deleted').first().waitFor()

      // End the session of the one that holds the lock now: its program stops.
      await page.goto(screen.url('/recipes?path=%2Flocks'))
      await holding.getByRole('link').click()
      await page.getByRole('button', { name: 'End this session…' }).click()
      await page
        .getByRole('dialog')
        .getByText(/^\/locks\/report\//)
        .first()
        .waitFor()
      await page.getByRole('button', { name: 'End the session' }).click()
      expect((await waiter.ended).code).not.toBe(0)
      expect(screen.complaints).toEqual([])
      const code = await server.end('SIGINT')
      // npm has a code of its own for a signal.
      if (!isLong) expect(code).toBe(0)
      await until(async () => !(await answers(url)))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
