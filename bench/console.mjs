// @ts-check
/**
 * What a person waits for at the console, in a real browser: the first paint over a million znodes, a znode with very many children,
 * searches, and a change until it can be seen while others write all the time. It ends with 1 where a budget is missed; `--help` lists
 * the options.
 */
import { cpus } from 'node:os'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { connect } from '@lightkeeper/client'
import { fill, nameOf } from './support/fill.mjs'
import { listening, talking } from './support/process.mjs'

const { values } = parseArgs({
  options: {
    znodes: { type: 'string', default: '1000000' },
    children: { type: 'string', default: '100000' },
    writes: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log('npm run bench -- console [--znodes N] [--children N] [--writes N] [--seconds N] [--rounds N] [--json]')
  process.exit(0)
}
const [znodes, children, writes, seconds, rounds] = [
  values.znodes,
  values.children,
  values.writes,
  values.seconds,
  values.rounds,
].map(Number)
/** @param {string} path */
const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const bin = file('../packages/cli/bin/lightkeeper.js')
const driver = file('../.cache/playwright-core/node_modules/playwright-core/index.mjs')
const browserFlags =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

/** Milliseconds, and bytes where the name says so. */
const budgets = /** @type {const} */ ({
  'first paint, median': 1_000,
  'rows of the tree, median': 1_000,
  'a change in the live view, 99 of 100': 200,
  'a change of the open znode, 99 of 100': 200,
  'a new child in the tree, 99 of 100': 200,
  'bytes over the wire, every view': 300_000,
})
/** @type {Map<string, number>} */
const results = new Map()

const data = new Uint8Array(100).fill(0x78)
const server = await listening(
  process.execPath,
  [bin, 'server', '--port', '0', '--in-memory', '--set', '4lw.commands.whitelist=*', '--set', 'maxClientCnxns=0'],
  'ignore',
)
const folders = 1_000
const many = '/many/d0'
await fill(server.port, { root: '/tree', folders, znodes, data })
await fill(server.port, { root: '/many', folders: 1, znodes: children, data })
const zk = await connect(`127.0.0.1:${server.port}`)
await zk.create('/live')
const written = Array.from({ length: 100 }, (_, i) => /** @type {const} */ (`/live/z${i}`))
for (const path of written) await zk.create(path)

const own = talking(process.execPath, [bin, 'console', '-s', `127.0.0.1:${server.port}`, '--port', '0'], 'ignore')
const base = /http:\S+/.exec(await own.line())?.[0] ?? ''
const { chromium } = await import(pathToFileURL(driver).href)
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: browserFlags.split(' ') })

/** A browser that has seen nothing yet. @param {string} path */
async function open(path) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  page.setDefaultTimeout(120_000)
  await page.addInitScript(watching)
  await page.goto(new URL(path, base).href)
  return { page, close: () => context.close() }
}

/** Runs in the page, before it does: notes when something can be seen. */
function watching() {
  const seen = /** @type {any} */ (globalThis)
  /** What is in the page now is seen when the next frame is painted. @param {() => void} then */
  const painted = (then) => requestAnimationFrame(() => setTimeout(then))
  /** @param {string} selector milliseconds from the start of the page until it is there */
  seen.appears = (/** @type {string} */ selector) =>
    new Promise((resolve) => {
      const look = () => {
        if (document.querySelector(selector) === null) return false
        observer.disconnect()
        painted(() => resolve(performance.now()))
        return true
      }
      const observer = new MutationObserver(look)
      observer.observe(document, { childList: true, subtree: true, attributes: true })
      look()
    })
  /** Texts `t=MILLISECONDS` of the time when they were written, below `selector`: how old each is when it is painted. */
  seen.ages = /** @type {number[]} */ ([])
  seen.follow = (/** @type {string} */ selector) => {
    const known = new Set()
    /** The times that were not there before. @returns {number[]} */
    const fresh = () =>
      [...document.querySelectorAll(selector)]
        .flatMap((element) => [...(element.textContent ?? '').matchAll(/t=(\d{13}\.\d+)/g)])
        .filter(([text]) => !known.has(text) && known.add(text))
        .map(([, stamp]) => Number(stamp))
    const look = () => {
      const stamps = fresh()
      if (stamps.length > 0) painted(() => seen.ages.push(...stamps.map((stamp) => Date.now() - stamp)))
    }
    // What is there at the beginning came before anybody looked.
    fresh()
    new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true })
  }
}

/** @param {readonly number[]} list @param {number} share */
function quantile(list, share) {
  const sorted = list.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

const paints = []
const rows = []
for (let i = 0; i < rounds; i++) {
  const { page, close } = await open('/tree')
  rows.push(await page.evaluate(`appears('[role=treeitem][aria-level="2"]')`))
  paints.push(
    await page.evaluate(
      () => performance.getEntriesByType('paint').find(({ name }) => name === 'first-contentful-paint')?.startTime ?? 0,
    ),
  )
  await close()
}
results.set('first paint, median', quantile(paints, 0.5))
results.set('first paint, longest', Math.max(...paints))
results.set('rows of the tree, median', quantile(rows, 0.5))
results.set('rows of the tree, longest', Math.max(...rows))

{
  const chosen = `${many}/${nameOf(0, 1).slice('d0/'.length)}`
  const { page, close } = await open(`/tree?path=${encodeURIComponent(chosen)}`)
  results.set('a list of many children, read for the first time', await page.evaluate(`appears('.row.chosen')`))
  const begun = await page.evaluate(() => performance.now())
  await page.getByRole('tree').focus()
  await page.keyboard.press('End')
  const end = await page.evaluate(`appears('[role=treeitem][aria-level="2"]:last-child')`)
  results.set('its end', end - begun)
  await close()
  const again = await open(`/tree?path=${encodeURIComponent(chosen)}`)
  results.set('the same list, opened again', await again.page.evaluate(`appears('.row.chosen')`))
  await again.close()
  const name = `node-${String(children - 1).padStart(10, '0')}`
  const query = new URLSearchParams({ path: many, search: name }).toString()
  const search = await open(`/tree?${query}`)
  results.set('search by name: found', await search.page.evaluate(`appears('.results li')`))
  await search.close()
  await zk.set(`${many}/${name}`, 'needle')
  const inData = await open(`/tree?${new URLSearchParams({ path: many, search: 'needle', in: 'data' }).toString()}`)
  results.set('search in data: found', await inData.page.evaluate(`appears('.results li')`))
  await inData.close()
}

const stamp = () => `t=${(performance.timeOrigin + performance.now()).toFixed(3)}`
/** Writes all the time, `writes` a second, and stops when `during` has ended. @param {() => Promise<void>} during */
async function writing(during) {
  let isOver = false
  let count = 0
  const begun = performance.now()
  const writer = (async () => {
    while (!isOver) {
      const due = Math.floor(((performance.now() - begun) / 1000) * writes)
      /** @type {Promise<unknown>[]} */
      const sets = []
      for (; count < due; count++)
        sets.push(zk.set(/** @type {`/${string}`} */ (written[count % written.length]), stamp()))
      await Promise.all(sets)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  })()
  await during()
  isOver = true
  await writer
  return count / ((performance.now() - begun) / 1000)
}

/**
 * `part` is what must be there before the writing begins, and `value` where new values appear.
 * @param {string} name @param {string} path @param {{ part: string, value: string }} where @param {() => Promise<void>} [during]
 */
async function ages(name, path, where, during) {
  const { page, close } = await open(path)
  await page.evaluate(`appears(${JSON.stringify(where.part)})`)
  const rate = await writing(async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await page.evaluate((/** @type {string} */ at) => /** @type {any} */ (globalThis).follow(at), where.value)
    await (during?.() ?? new Promise((resolve) => setTimeout(resolve, seconds * 1_000)))
  })
  /** @type {number[]} */
  const list = await page.evaluate(() => /** @type {any} */ (globalThis).ages)
  results.set(`${name}, median`, quantile(list, 0.5))
  results.set(`${name}, 99 of 100`, quantile(list, 0.99))
  results.set(`${name}, number seen`, list.length)
  results.set(`${name}, writes a second`, rate)
  await close()
}

// The last column has the new value. The one before it has the value that was there: an old one is no change that comes late.
await ages('a change in the live view', '/changes?path=/live', { part: 'tbody', value: 'tbody td:last-child' })
await ages('a change of the open znode', '/tree?path=/live/z0', { part: '.znode-pane', value: '.znode-pane' })
await ages('a new child in the tree', '/tree?path=/tree/d0', { part: '.tree-pane', value: '.tree-pane' }, async () => {
  for (let i = 0; i < seconds * 4; i++) {
    const path = /** @type {const} */ (`/${stamp()}`)
    await zk.create(path)
    await new Promise((resolve) => setTimeout(resolve, 250))
    await zk.delete(path)
  }
})

{
  // Each file counts once, as a browser loads it.
  /** @type {Map<string, number>} */
  const files = new Map()
  const { page, close } = await open('/tree?path=/live/z0')
  for (const [path, part] of [
    ['/tree?path=/live/z0', '.cm-content'],
    ['/servers', 'canvas'],
  ]) {
    await page.goto(new URL(path, base).href)
    await page.evaluate(`appears('${part}')`)
    /** @type {[string, number][]} */
    const loaded = await page.evaluate(() =>
      [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map((entry) => [
        entry.entryType === 'navigation' ? 'the page' : entry.name,
        /** @type {any} */ (entry).encodedBodySize,
      ]),
    )
    for (const [name, bytes] of loaded) if (!name.includes('/api/')) files.set(name, bytes)
  }
  const bytes = [...files.values()].reduce((sum, each) => sum + each, 0)
  results.set('bytes over the wire, every view', bytes)
  await close()
}

const table = [...results].map(([what, value]) => {
  const budget = /** @type {Readonly<Record<string, number>>} */ (budgets)[what]
  const isMissed = budget !== undefined && !(value < budget)
  return { what, value: Math.round(value), budget: budget ?? '', '': isMissed ? 'MISSED' : '' }
})
if (values.json) console.log(JSON.stringify(Object.fromEntries(results)))
else {
  console.table(table)
  console.log(
    `${znodes.toLocaleString('en')} znodes, ${children.toLocaleString('en')} children of one, times in milliseconds; ${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`,
  )
}
await browser.close()
await zk.close()
own.child.kill()
server.close()
process.exit(table.some((row) => row[''] !== '') ? 1 : 0)
