/** What the page says and keeps when something goes wrong, and that it comes back by itself. */
import { connect } from '@lightkeeper/client'
import { describe, expect, test } from 'vitest'
import { until } from '../../support/wait.ts'
import { barriersOf, missingBrowser, type Page, picture, Stage } from './kit.ts'

const missing = missingBrowser()

describe.skipIf(missing !== undefined)('what goes wrong', () => {
  test('a token that is wrong is said to be so, and the right one opens the page', async () => {
    await using stage = await Stage.start({ token: 'right' })
    const page = await stage.open('/tree')
    await page.getByRole('heading', { name: 'This console needs its token' }).waitFor()
    expect(await barriersOf(page)).toEqual([])
    await page.getByRole('textbox', { name: 'Token' }).fill('wrong')
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByRole('heading', { name: 'This console needs its token' }).waitFor()
    await page.getByText('The token that was given is not the one of this console.').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('textbox', { name: 'Token' }).fill('right')
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByRole('treeitem', { name: 'zookeeper' }).waitFor()
    const other = await stage.open('/tree#token=right')
    await other.getByRole('treeitem', { name: 'zookeeper' }).waitFor()
    expect(other.url()).not.toContain('token')
  })

  test('a server that goes away: the page says so, keeps what it shows and what was typed, and comes back by itself', async () => {
    await using stage = await Stage.start({ connect: { requestTimeout: 500, backoff: { baseMs: 10, maxMs: 50 } } })
    await stage.zk.create('/znode', 'before')
    const page = await stage.open('/tree?path=%2Fznode')
    const text = page.getByRole('textbox', { name: 'Data of /znode' })
    await text.fill('typed')
    await stage.stopServer()
    await page.getByText(/No connection to/).waitFor()
    expect(await text.innerText()).toBe('typed')
    await picture(page, 'away')
    await stage.startServer()
    await page.getByText(/Connected to/).waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Saved.', { exact: true }).waitFor()
    expect(Buffer.from((await stage.zk.get('/znode')).data).toString()).toBe('typed')
  })

  const editorOf = (page: Page, path: string) => page.getByRole('textbox', { name: `Data of ${path}` })
  const saved = async (stage: Stage, path: `/${string}`): Promise<string> =>
    Buffer.from((await stage.zk.get(path)).data).toString()

  test('the session of the console ends: it gets another one, and goes on where it was', async () => {
    await using stage = await Stage.start()
    await stage.zk.create('/znode', 'before')
    const page = await stage.open('/tree?path=%2Fznode')
    const live = await stage.open('/changes?path=%2F')
    await live.getByText(/^Live: /).waitFor()
    await editorOf(page, '/znode').fill('typed')
    await stage.stopServer()
    await page.getByText(/No connection to/).waitFor()
    // This one knows neither the session nor the znodes.
    await stage.startServer({ isEmpty: true })
    await page.getByText(/\/znode was deleted/).waitFor()
    expect(await editorOf(page, '/znode').innerText()).toBe('typed')
    await page.getByRole('button', { name: 'Create it again' }).click()
    await page.getByText('Created again.').waitFor()
    await live.locator('tbody').getByText('typed').first().waitFor()
    await using other = await connect(stage.server.connectString)
    expect(Buffer.from((await other.get('/znode')).data).toString()).toBe('typed')
    expect(stage.complaints).toEqual([])
  })

  test('a session that one looks at ends: the page says so, and what it did stays to be seen', async () => {
    await using stage = await Stage.start()
    const worker = await connect(stage.server.connectString)
    await worker.create('/worker', '', { mode: 'ephemeral' })
    const id = `0x${worker.sessionId.toString(16)}`
    const page = await stage.open(`/sessions?session=${id}`)
    await page
      .getByRole('region', { name: `Session ${id}` })
      .getByText('/worker')
      .waitFor()
    await worker.close()
    await page.getByText(`No server names the session ${id} now.`).waitFor()
    await page.getByRole('link', { name: 'What it did' }).click()
    await page.getByText('closeSession').waitFor()
    await page.locator('.history').getByText('/worker').first().waitFor()
    expect(await barriersOf(page)).toEqual([])
    expect(stage.complaints).toEqual([])
  })

  test('the console goes away and is back with another token: the page asks for it, and what was typed is there', async () => {
    await using stage = await Stage.start()
    await stage.zk.create('/znode', 'before')
    const page = await stage.open('/tree?path=%2Fznode')
    await editorOf(page, '/znode').fill('typed')
    await page.getByLabel('Entry 1 may admin').click()
    await page.getByRole('button', { name: 'Create a child' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('half-written')
    await stage.stopConsole()
    await page.getByText(/The console does not answer; trying again/).waitFor()
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByText('The console does not answer. Is its process still running?').waitFor()
    await stage.startConsole({ token: 'a-new-token' })
    await page.getByRole('heading', { name: 'This console needs its token' }).waitFor()
    await page.getByRole('textbox', { name: 'Token' }).fill('a-new-token')
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByText(/Connected to/).waitFor()
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    // The page goes to the znode that it made.
    await editorOf(page, '/znode/half-written').waitFor()
    await page.goBack()
    await editorOf(page, '/znode').waitFor()
    expect(await editorOf(page, '/znode').innerText()).toBe('typed')
    expect(await page.getByRole('button', { name: 'Save permissions' }).isDisabled()).toBe(false)
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Saved.', { exact: true }).waitFor()
    expect(await saved(stage, '/znode')).toBe('typed')
    expect(stage.complaints).toEqual([])
  })

  test('permissions that another client changed meanwhile: both lists are shown, and one chooses', async () => {
    await using stage = await Stage.start()
    await stage.zk.create('/znode', '')
    const page = await stage.open('/tree?path=%2Fznode')
    await page.getByLabel('Entry 1 may admin').click()
    const perms = 31
    const everybody = { perms, id: { scheme: 'world', id: 'anyone' } }
    await stage.zk.setAcl('/znode', [everybody, { perms, id: { scheme: 'ip', id: '10.0.0.7' } }])
    await page.getByRole('button', { name: 'Save permissions' }).click()
    await page.getByText(/Another client changed this list while you edited it/).waitFor()
    expect(await barriersOf(page)).toEqual([])
    await page.getByText('A client at the address 10.0.0.7 may do everything.').waitFor()
    await page.getByRole('button', { name: 'Save mine over theirs' }).click()
    await until(async () => (await stage.zk.getAcl('/znode')).acl.length === 1)
    expect(stage.complaints).toEqual([])
  })

  test('what is typed while a save is on its way stays, and the next save knows it', async () => {
    await using stage = await Stage.start()
    await stage.zk.create('/znode', 'before')
    const page = await stage.open('/tree?path=%2Fznode')
    const text = editorOf(page, '/znode')
    await text.fill('first')
    // The save waits on its way until the page lets it go.
    await page.evaluate(`{
      const own = fetch
      fetch = async (url, options) => {
        if (options?.method === 'PUT') await new Promise((go) => { letGo = go })
        return own(url, options)
      }
      var letGo
    }`)
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await text.fill('first and second')
    await page.evaluate('letGo(); letGo = undefined')
    await page.getByText('Saved.', { exact: true }).waitFor()
    expect(await saved(stage, '/znode')).toBe('first')
    expect(await text.innerText()).toBe('first and second')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await until(async () => page.evaluate<boolean, undefined>("typeof letGo === 'function'"))
    await page.evaluate('letGo()')
    await until(async () => (await saved(stage, '/znode')) === 'first and second')
    expect(stage.complaints).toEqual([])
  })

  test('a console that only reads offers no writes', async () => {
    await using stage = await Stage.start({ allowsWrites: false, past: undefined })
    await stage.zk.create('/znode', 'text')
    const page = await stage.open('/tree?path=%2Fznode')
    await page.getByText('This console only reads.').waitFor()
    expect(await page.getByRole('button', { name: 'Delete' }).count()).toBe(0)
    await page.goto(stage.url('/past?path=%2Fznode'))
    await page.getByText(/Start the console with --data-dir/).waitFor()
  })
})
