/** Stories at each view of the console, in a real browser. */
import { type Client, connect, op } from '@lightkeeper/client'
import { discovery, election, lock, semaphore } from '@lightkeeper/recipes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/wait.ts'
import { barriersOf, missingBrowser, type Page, picture, Stage } from './kit.ts'

const missing = missingBrowser()
if (missing !== undefined) console.log(`the stories of the console are skipped, because ${missing}`)

describe.skipIf(missing !== undefined)('the console', () => {
  let stage: Stage
  let zk: Client
  /** Holds and waits for the lock. */
  let holder: Client
  let waiter: Client
  let page: Page

  beforeAll(async () => {
    stage = await Stage.start()
    zk = stage.zk
    holder = await connect(stage.server.connectString)
    waiter = await connect(stage.server.connectString)
    await zk.create('/app/config', JSON.stringify({ pool: 20, hosts: ['db1', 'db2'] }), { parents: true })
    await zk.create('/app/motd', 'Good night')
    await zk.create('/app/logo', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3]))
    await zk.create('/many')
    const names = Array.from({ length: 2_000 }, (_, i) => `/many/item-${`${i}`.padStart(5, '0')}` as const)
    for (let at = 0; at < names.length; at += 500)
      await Promise.all(names.slice(at, at + 500).map((each) => zk.create(each)))
    await lock(holder, '/locks/report', { data: 'worker-1' }).acquire()
    void lock(waiter, '/locks/report', { data: 'worker-2' })
      .acquire()
      .catch(() => {})
    await semaphore(holder, '/leases/exports', { leases: 2, data: 'worker-1' }).acquire()
    for (const [who, id] of [
      [holder, 'scheduler-1'],
      [waiter, 'scheduler-2'],
    ] as const) {
      const terms = election(who, '/leaders/scheduler', { id }).terms()
      void terms.next().catch(() => {})
      await until(async () => `${(await zk.find('/leaders/scheduler'))?.stat.numChildren}` === id.slice(-1))
    }
    const services = discovery(holder, '/services')
    await services.register({ name: 'users', address: '10.0.0.7', port: 8080, weight: 20, zone: 'a' })
    await services.register({ name: 'users', address: '10.0.0.8', port: 8080, weight: 10, zone: 'b' })
    page = await stage.open('/')
  }, 120_000)
  afterAll(async () => {
    await waiter.close()
    await holder.close()
    await stage[Symbol.asyncDispose]()
    // Nothing went wrong in the scripts, and nothing was asked of other sites.
    expect(stage.complaints).toEqual([])
  })

  const item = (name: string, level: number) => page.getByRole('treeitem', { name, level, exact: false })

  test('the tree: by keys alone to a znode, and its address leads back to it', async () => {
    await item('app', 2).waitFor()
    await page.getByRole('tree').focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowRight')
    await item('config', 3).waitFor()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await page.getByText('"pool": 20').waitFor()
    expect(page.url()).toBe(stage.url('/tree?path=%2Fapp%2Fconfig'))
    expect(await page.title()).toBe('Tree /app/config · Lightkeeper')
    expect(await barriersOf(page)).toEqual([])
    await picture(page, 'znode')
    const other = await stage.open('/tree?path=%2Fapp%2Fconfig')
    await other.getByRole('treeitem', { name: 'config', level: 3 }).waitFor()
    await other.getByText('"pool": 20').waitFor()
    await other.close()
  })

  test('the tree: a list of very many children, to its end', async () => {
    await page.goto(stage.url('/tree?path=%2Fmany%2Fitem-00000'))
    await item('item-00000', 3).waitFor()
    expect(await item('item-00000', 3).getAttribute('aria-setsize')).toBe('2000')
    await page.getByRole('tree').focus()
    for (let i = 0; i < 5; i++) await page.keyboard.press('PageDown')
    await item('item-00099', 3).waitFor()
    expect(await page.getByRole('treeitem').count()).toBeLessThan(200)
    await page.keyboard.press('End')
    await item('services', 2).waitFor()
    await page.keyboard.press('Home')
    await picture(page, 'tree')
  })

  const editor = () => page.getByRole('textbox', { name: /^Data of/ })

  test('a znode: what is saved is on the server, and the next save knows it', async () => {
    await page.goto(stage.url('/tree?path=%2Fapp%2Fmotd'))
    await editor().waitFor()
    for (const text of ['Good morning', 'Good day']) {
      await editor().fill(text)
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByText('Saved.', { exact: true }).waitFor()
      expect(Buffer.from((await zk.get('/app/motd')).data).toString()).toBe(text)
    }
  })

  test('a znode: another client writes meanwhile, and nobody loses anything', async () => {
    await editor().fill('mine')
    await zk.set('/app/motd', 'theirs')
    await page.getByText(/was written by another client/).waitFor()
    expect(await page.getByRole('button', { name: 'Save', exact: true }).isDisabled()).toBe(true)
    expect(await editor().innerText()).toBe('mine')
    expect(await barriersOf(page)).toEqual([])
    await picture(page, 'conflict')
    await page.reload()
    await page.getByText(/was written by another client/).waitFor()
    expect(await editor().innerText()).toBe('mine')
    expect(Buffer.from((await zk.get('/app/motd')).data).toString()).toBe('theirs')
    await page.getByRole('button', { name: /^Save mine over version/ }).click()
    await page.getByText('Saved.', { exact: true }).waitFor()
    expect(Buffer.from((await zk.get('/app/motd')).data).toString()).toBe('mine')
  })

  test('a znode: it is deleted while it is edited, the text stays and can create it again', async () => {
    await editor().fill('kept')
    await zk.delete('/app/motd')
    await page.getByText(/was deleted/).waitFor()
    expect(await editor().innerText()).toBe('kept')
    await page.getByRole('button', { name: 'Create it again' }).click()
    await until(async () => (await zk.exists('/app/motd')) !== undefined)
    expect(Buffer.from((await zk.get('/app/motd')).data).toString()).toBe('kept')
  })

  test('a znode: bytes that are no text are digits, and stay what they are', async () => {
    await page.goto(stage.url('/tree?path=%2Fapp%2Flogo'))
    await page.getByText('These bytes are no text.').waitFor()
    await editor().fill('89 50 4e 47 ff')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Saved.', { exact: true }).waitFor()
    expect((await zk.get('/app/logo')).data).toEqual(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0xff]))
    await editor().fill('8')
    await page.getByText('Hexadecimal digits come in pairs').waitFor()
    expect(await page.getByRole('button', { name: 'Save', exact: true }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Drop what I typed' }).click()
  })

  test('a znode: created with its dialog, its permissions explained and changed, and deleted', async () => {
    await page.goto(stage.url('/tree?path=%2Fapp'))
    await page.getByRole('button', { name: 'Create a child' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('fresh')
    await page.getByRole('textbox', { name: 'Data', exact: true }).fill('hello')
    expect(await barriersOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await item('fresh', 3).waitFor()
    await page.getByRole('button', { name: 'Add an entry' }).click()
    await page.getByLabel('Entry 2, scheme:id').fill('ip:10.0.0.0/8')
    await page.getByText('Every client with an address in 10.0.0.0/8 may read.').waitFor()
    await page.getByLabel('Entry 1 may admin').click()
    await page.getByText(/Nobody may change this list any more/).waitFor()
    await page.getByLabel('What may').fill('ip:10.0.0.9')
    await page.getByText('do here? create children, delete children, read, write data.').waitFor()
    await page.getByLabel('Entry 1 may admin').click()
    await page.getByRole('button', { name: 'Save permissions' }).click()
    await until(async () => (await zk.getAcl('/app/fresh')).acl.length === 2)
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await until(async () => (await zk.exists('/app/fresh')) === undefined)
    await item('fresh', 3).waitFor({ state: 'hidden' })
  })

  test('a znode: its quota is set, changed against another client, and taken away', async () => {
    const limits = '/zookeeper/quota/app/zookeeper_limits'
    const held = async (): Promise<string> => Buffer.from((await zk.find(limits))?.data ?? '').toString()
    const warning = page.getByLabel('Znodes: a warning above')
    const save = page.getByRole('button', { name: 'Save quota' })
    await page.goto(stage.url('/tree?path=%2Fapp'))
    await page.getByRole('button', { name: 'Set a quota' }).click()
    await warning.fill('many')
    await page.getByText('many is no whole number.').waitFor()
    expect(await save.isDisabled()).toBe(true)
    await warning.fill('3')
    await page.getByLabel('Bytes: refused above').fill('9000')
    // What was typed survives a reload.
    await page.reload()
    await save.click()
    await page.getByText('Saved.', { exact: true }).waitFor()
    expect(await held()).toBe('count=3,bytes=-1=;byteHardLimit=9000')
    await page.getByText('It holds more than its quota.').waitFor()
    expect(await barriersOf(page)).toEqual([])
    await warning.focus()
    await picture(page, 'quota')
    await warning.fill('5')
    await zk.set(limits, 'count=7,bytes=-1')
    await save.click()
    await page.getByText(/Another client changed this quota while you edited it/).waitFor()
    await page.getByText('Znodes: a warning above 7, refused above no limit.').waitFor()
    expect(await barriersOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Save mine over theirs' }).click()
    await page.getByText('Saved.', { exact: true }).waitFor()
    expect(await held()).toBe('count=5,bytes=-1=;byteHardLimit=9000')
    await warning.fill('')
    await page.getByLabel('Bytes: refused above').fill('')
    await save.click()
    await page.getByRole('button', { name: 'Set a quota' }).waitFor()
    expect(await zk.exists('/zookeeper/quota/app')).toBeUndefined()
  })

  test('a znode: the ephemerals below it, and their session', async () => {
    await page.goto(stage.url('/tree?path=%2Fservices'))
    await page.getByText('Ephemerals at and below it').click()
    await page
      .getByText(/^\/services\/users\//)
      .first()
      .waitFor()
    expect(await barriersOf(page)).toEqual([])
    await page
      .getByRole('link', { name: `0x${holder.sessionId.toString(16)}` })
      .first()
      .click()
    await page
      .getByRole('region', { name: /^Session / })
      .getByText(/^Its client connected/)
      .waitFor()
  })

  test('search: by name, and in data', async () => {
    await page.goto(stage.url('/tree?path=%2F'))
    const field = page.getByRole('searchbox')
    await field.fill('item-0012')
    await field.press('Enter')
    await page.getByText(/^10 found below \/ among/).waitFor()
    await page.getByLabel('in data').check()
    await field.fill('db2')
    await field.press('Enter')
    await page.getByText(/^1 found below \/ among/).waitFor()
    expect(page.url()).toBe(stage.url('/tree?path=%2F&search=db2&in=data'))
    const other = await stage.open('/tree?path=%2F&search=db2&in=data')
    await other.getByText(/^1 found below \/ among/).waitFor()
    await other.close()
    await page.locator('.results a').first().click()
    await page.getByText('"pool": 20').waitFor()
  })

  test('live changes: as they happen, with the value before; paused, filtered', async () => {
    await page.goto(stage.url('/changes?path=%2Fapp'))
    await page.getByText(/^Live: /).waitFor()
    await zk.create('/app/live', 'one')
    await page.getByText('one', { exact: true }).waitFor()
    await zk.set('/app/live', 'two')
    await page.getByText('two', { exact: true }).waitFor()
    expect(await page.locator('tbody tr').first().innerText()).toMatch(/changed\s+\/app\/live\s+one\s+two/)
    await page.getByRole('button', { name: 'Pause' }).click()
    await zk.set('/app/live', 'three')
    await zk.delete('/app/live')
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.locator('td.deleted').first().waitFor()
    expect(await barriersOf(page)).toEqual([])
    await picture(page, 'changes')
    await page.getByLabel('Only paths with').fill('elsewhere')
    expect(await page.locator('tbody tr').count()).toBe(0)
    expect(page.url()).toBe(stage.url('/changes?path=%2Fapp&filter=elsewhere'))
  })

  test('live changes: too fast to read, a sample is shown and the rest is counted', async () => {
    await page.goto(stage.url('/changes?path=%2Fmany'))
    await page.getByText(/^Live: 2,001 znodes/).waitFor()
    const sets = Array.from({ length: 500 }, (_, i) => op.set(`/many/item-${`${i}`.padStart(5, '0')}`, 'fast'))
    await until(async () => {
      await zk.transactionOf(sets)
      return (await page.getByText(/It is too fast to show everything: [\d,]+ changes were left out/).count()) > 0
    })
    expect(await page.locator('tbody tr').count()).toBeLessThanOrEqual(200)
    expect(await barriersOf(page)).toEqual([])
  })

  test('recipes: who holds and who waits', async () => {
    await page.goto(stage.url('/recipes?path=%2F'))
    const found = page.getByRole('region', { name: 'lock at /locks/report' })
    await found.getByText('worker-1').waitFor()
    await found.getByText('waits, place 1').waitFor()
    const leader = page.getByRole('region', { name: 'election at /leaders/scheduler' })
    await leader.getByText('leads').waitFor()
    await page.getByRole('region', { name: 'semaphore at /leases/exports' }).getByText('worker-1').waitFor()
    expect(await barriersOf(page)).toEqual([])
    await picture(page, 'recipes')
  })

  test('services: instances with weight and zone', async () => {
    await page.goto(stage.url('/services?path=%2F'))
    await page.getByText('10.0.0.7:8080').waitFor()
    expect(await page.getByRole('row', { name: /10\.0\.0\.7:8080/ }).innerText()).toMatch(/10\.0\.0\.7:8080\s+20\s+a\s/)
    expect(await barriersOf(page)).toEqual([])
    await picture(page, 'services')
  })

  test('servers: role, last transaction, charts', async () => {
    await page.goto(stage.url('/servers'))
    await page.getByRole('cell', { name: 'standalone' }).first().waitFor()
    await page.getByRole('img', { name: 'Znodes over time' }).waitFor()
    await page.getByText(/keeps its figures itself/).waitFor()
    expect(await barriersOf(page)).toEqual([])
    await picture(page, 'servers')
    // The axes take the colour of the text when it becomes dark while the page is open.
    const brightDots = `Math.max(...[...document.querySelectorAll('.chart canvas')].map((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      let dots = 0
      for (let at = 0; at < data.length; at += 4)
        if (data[at] > 170 && data[at + 1] > 170 && data[at + 2] > 170 && data[at + 3] > 170) dots++
      return dots
    }))`
    // The insides of points are white in both.
    const points = await page.evaluate<number, undefined>(brightDots)
    await page.emulateMedia({ colorScheme: 'dark' })
    await until(async () => (await page.evaluate<number, undefined>(brightDots)) > points + 20)
    await page.emulateMedia({ colorScheme: 'light' })
  })

  test('history: every write, the tree as it was, and a transaction undone', async () => {
    await page.goto(stage.url('/past?path=%2Fapp%2Fmotd'))
    await page.locator('.history li').first().waitFor()
    expect(await page.locator('.history').innerText()).toMatch(
      /created[^]*deleted[^]*changed[^]*- theirs\s+\+ mine[^]*created/,
    )
    expect(await barriersOf(page)).toEqual([])
    await picture(page, 'history')
    await zk.set('/app/motd', 'a mistake')
    await page.reload()
    await page.getByText('+ a mistake').waitFor()
    await page.getByRole('button', { name: 'Undo…' }).first().click()
    await page.getByRole('dialog').getByText('/app/motd').waitFor()
    await page.getByRole('button', { name: 'Undo it' }).click()
    await until(async () => Buffer.from((await zk.get('/app/motd')).data).toString() === 'kept')
    await page.locator('.history li').nth(2).getByRole('link').first().click()
    await page.getByText(/You look at the past/).waitFor()
    expect(await barriersOf(page)).toEqual([])
    const before = new URL(page.url()).searchParams.get('at') ?? ''
    await page.getByLabel('What differs between').fill(before)
    await page.getByRole('button', { name: 'Compare' }).click()
    await page.getByRole('list', { name: 'Differences' }).getByText('/app/motd').waitFor()
    expect(await barriersOf(page)).toEqual([])
    await picture(page, 'difference')
    await page.getByLabel('What differs between').fill('yesterday')
    await page.getByRole('button', { name: 'Compare' }).click()
    await page.getByText(/yesterday is no zxid like 0x1a/).waitFor()
  })

  test('in the dark and on a narrow screen', async () => {
    await page.goto(stage.url('/tree?path=%2Fapp%2Fconfig'))
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.getByText('"pool": 20').waitFor()
    expect(await barriersOf(page)).toEqual([])
    await picture(page, 'dark')
    await page.setViewportSize({ width: 390, height: 844 })
    expect(await page.evaluate<boolean, undefined>('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    expect(await barriersOf(page)).toEqual([])
    await picture(page, 'narrow')
    for (const [view, seen] of [
      ['/changes?path=%2Fapp', /^Live: /],
      ['/recipes', 'worker-1'],
      ['/services', '10.0.0.7:8080'],
      ['/sessions', /this console/],
      ['/servers', /^The first point|keeps its figures itself/],
      ['/past?path=%2Fapp%2Fmotd', /^created/],
    ] as const) {
      await page.goto(stage.url(view))
      await page.getByText(seen).first().waitFor()
      const fits = await page.evaluate<boolean, undefined>('document.documentElement.scrollWidth <= innerWidth')
      expect([view, fits]).toEqual([view, true])
      expect(await barriersOf(page)).toEqual([])
    }
    await page.setViewportSize({ width: 1280, height: 800 })
    await page.emulateMedia({ colorScheme: 'light' })
  })

  test('sessions: what one owns, and the end of it with its preview; the waiter gets the lock', async () => {
    const id = `0x${holder.sessionId.toString(16)}`
    await page.goto(stage.url(`/sessions?session=${id}`))
    const panel = page.getByRole('region', { name: `Session ${id}` })
    await panel
      .getByText(/^\/locks\/report\//)
      .first()
      .waitFor()
    expect(await barriersOf(page)).toEqual([])
    await picture(page, 'sessions')
    await panel.getByRole('button', { name: 'End this session…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('These watches fire').waitFor()
    expect(await barriersOf(page)).toEqual([])
    await picture(page, 'end-session')
    await dialog.getByRole('button', { name: /^Delete \d ephemerals$/ }).click()
    // Its instance of a service registers itself again at once, since the session lives; the lock is lost.
    await expect.poll(() => panel.getByText(/^\/locks\/report\//).count(), { timeout: 20_000 }).toBe(0)
    await page.goto(stage.url('/recipes?path=%2Flocks'))
    await page.locator('.party.holder').getByText('worker-2').waitFor()
  })
})
