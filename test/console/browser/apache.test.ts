/** The console before Apache ZooKeeper 3.9: an ensemble of three, and what it says where servers keep something to themselves. */
import { connect } from '@lightkeeper/client'
import { startConsole } from '@lightkeeper/console'
import { lock } from '@lightkeeper/recipes'
import { apache, apacheAvailable } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { barriersOf, missingBrowser, Screen } from './kit.ts'

const found = apacheAvailable('3.9')
if (!found.available && process.env['INTEROP'] === 'require') throw new Error(`Apache 3.9 is missing: ${found.reason}`)
const missing = missingBrowser() ?? (found.available ? undefined : `Apache 3.9 is missing: ${found.reason}`)
if (missing !== undefined) console.log(`the stories before Apache are skipped, because ${missing}`)

describe.skipIf(missing !== undefined)('before Apache 3.9', () => {
  test('three servers: who leads, who may fail, znodes, changes, recipes, sessions, charts, and one that goes away', async () => {
    await using ensemble = await apache({ size: 3, version: '3.9' })
    await using own = await startConsole({ servers: ensemble.connectString, allowsWrites: true })
    await using screen = await Screen.before(own)
    await using zk = await connect(ensemble.connectString)
    const page = await screen.open('/servers')
    await page.getByText(/leads\. 3 of 3 members with a vote are up to date\. 1 of them may fail/).waitFor()
    expect(await page.getByRole('cell', { name: 'follower' }).count()).toBe(2)
    await page.getByText('3 members in the configuration of the ensemble').click()
    expect(await page.getByRole('cell', { name: 'yes', exact: true }).count()).toBe(3)
    await page
      .getByText(/the console can read no kept figures/)
      .first()
      .waitFor()
    await page.getByRole('img', { name: 'Znodes over time' }).waitFor()
    expect(await barriersOf(page)).toEqual([])

    const live = await screen.open('/changes?path=%2F')
    await live.getByText(/^Live: /).waitFor()
    await lock(zk, '/locks/report', { data: 'worker-1' }).acquire()
    await live.getByText('/locks/report', { exact: true }).waitFor()
    await page.goto(screen.url('/recipes'))
    await page.locator('.party.holder').getByText('worker-1').waitFor()
    await page.goto(screen.url(`/sessions?session=0x${zk.sessionId.toString(16)}`))
    await page
      .getByRole('region', { name: /^Session / })
      .getByText(/^\/locks\/report\//)
      .first()
      .waitFor()
    await page.goto(screen.url('/past'))
    await page.getByText(/the admin port of a server of ours, to see it/).waitFor()
    await page.goto(screen.url('/tree?path=%2Flocks'))
    await page.getByRole('button', { name: 'Create a child' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('note')
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByRole('treeitem', { name: 'note', level: 3 }).waitFor()

    const leader = (await ensemble.leader()) ?? 0
    await ensemble.stop((leader + 1) % 3)
    await page.goto(screen.url('/servers'))
    await page.getByText(/2 of 3 members with a vote are up to date\. If one more fails, writes stop/).waitFor()
    await page.getByText(/does not answer: connect ECONNREFUSED/).waitFor()
    await page.getByRole('cell', { name: 'does not answer' }).waitFor()
    expect(screen.complaints).toEqual([])
  })

  test('a server with the settings that Apache has by default: what is not shown, why, and what to do', async () => {
    await using single = await apache({ version: '3.9', config: { '4lw.commands.whitelist': 'srvr' } })
    await using own = await startConsole({ servers: single.connectString })
    await using screen = await Screen.before(own)
    const page = await screen.open('/sessions')
    await page
      .getByText(/does not answer the words cons, dump, wchc; allow them in its setting 4lw\.commands\.whitelist/)
      .waitFor()
    expect(await barriersOf(page)).toEqual([])
    await page.goto(screen.url('/servers'))
    await page.getByText(/does not answer the word mntr/).waitFor()
    await page.getByRole('cell', { name: 'standalone' }).waitFor()
    await page.goto(screen.url('/tree?path=%2Fzookeeper'))
    await page.getByText('This console only reads.').waitFor()
    expect(screen.complaints).toEqual([])
  })
})
