/** The console before an ensemble of ours: what it shows, and what it says and keeps while members fail. */
import { type Client, connect } from '@lightkeeper/client'
import { type RunningConsole, startConsole } from '@lightkeeper/console'
import { type Ensemble, startEnsemble } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { barriersOf, missingBrowser, type Page, picture, Screen } from './kit.ts'

const missing = missingBrowser()
if (missing !== undefined) console.log(`the stories before an ensemble of ours are skipped, because ${missing}`)

describe.skipIf(missing !== undefined)('before an ensemble of ours', () => {
  let ensemble: Ensemble
  let own: RunningConsole
  let screen: Screen
  let zk: Client
  /** The session of the console, as its page of sessions names it. */
  let session: string

  beforeAll(async () => {
    // A member that is cut off stays a follower, so that its lag can be seen.
    ensemble = await startEnsemble({ options: { syncLimit: 1_000 } })
    own = await startConsole({
      servers: ensemble.connectString,
      allowsWrites: true,
      // The leader hears of no session from a member that is cut off.
      connect: { sessionTimeout: 60_000, backoff: { baseMs: 10, maxMs: 50 } },
    })
    screen = await Screen.before(own)
    zk = await connect(ensemble.connectString, { backoff: { baseMs: 10, maxMs: 50 } })
    await zk.create('/znode', 'before')
    const page = await screen.open('/sessions')
    session = await ownSession(page)
    await page.close()
  }, 60_000)
  afterAll(async () => {
    await screen[Symbol.asyncDispose]()
    await zk.close()
    await own.close()
    await ensemble.close()
    expect(screen.complaints).toEqual([])
  })

  async function ownSession(page: Page): Promise<string> {
    const row = page.getByRole('row', { name: /\(this console\)/ })
    return (await row.getByRole('link').first().innerText()).trim()
  }
  const rowOf = (page: Page, index: number) =>
    page.getByRole('row', { name: new RegExp(`^${ensemble.addresses[index] ?? ''} `) })
  const textOf = (page: Page) => page.getByRole('textbox', { name: 'Data of /znode' })
  const save = async (page: Page): Promise<string> => {
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Saved.', { exact: true }).waitFor()
    // Another server may be behind the one that saved.
    await zk.sync('/znode')
    return new TextDecoder().decode((await zk.get('/znode')).data)
  }

  test('who leads, who follows, who may fail, and the members of the configuration', async () => {
    const page = await screen.open('/servers')
    const leader = ensemble.leader() as number
    const followers = [0, 1, 2].filter((each) => each !== leader)
    await page
      .getByText(
        `${ensemble.addresses[leader] ?? ''} leads. 3 of 3 members with a vote are up to date. 1 of them may fail, and writes go on.`,
      )
      .waitFor()
    await rowOf(page, leader).getByRole('cell', { name: 'leader' }).waitFor()
    for (const each of followers) await rowOf(page, each).getByRole('cell', { name: 'follower' }).waitFor()
    await page.getByText('3 members in the configuration of the ensemble').click()
    expect(await page.getByRole('cell', { name: 'yes', exact: true }).count()).toBe(3)
    // Also with one point, the chart ends at it and shows some minutes before.
    const label = await page.getByRole('img', { name: /^Znodes over time, from / }).getAttribute('aria-label')
    const [from, to] = [...(label ?? '').matchAll(/\d+-\d+-\d+ \d+:\d+/g)].map(([each]) => Date.parse(`${each}Z`))
    expect((to as number) - (from as number)).toBeLessThan(3_600_000)
    expect(await barriersOf(page)).toEqual([])
    await picture(page, 'ensemble')
    await page.close()
  })

  test('a follower that hears nothing is so many transactions behind, and is not any more afterwards', async () => {
    const page = await screen.open('/servers')
    const leader = ensemble.leader() as number
    const follower = (leader + 1) % 3
    await rowOf(page, follower).getByRole('cell', { name: 'follower' }).waitFor()
    for (const other of [leader, (leader + 2) % 3]) ensemble.cut(follower, { from: other })
    await using writer = await connect(ensemble.addresses[leader] ?? '')
    await Promise.all(Array.from({ length: 1_100 }, () => writer.set('/znode', 'many')))
    await page.getByText(/ is 1\d\d\d transactions behind: its clients read old data\./).waitFor()
    await rowOf(page, follower)
      .getByRole('cell', { name: /^1\d\d\d$/ })
      .waitFor()
    ensemble.heal()
    await page.getByText(/transactions behind/).waitFor({ state: 'hidden' })
    await page.close()
  })

  test('a server that hangs: the page says so, and shows the others', async () => {
    const leader = ensemble.leader() as number
    const hanging = (leader + 1) % 3
    ensemble.pause(hanging)
    const page = await screen.open('/servers')
    await page.getByText(`${ensemble.addresses[hanging] ?? ''} does not answer: nothing came within 3000 ms.`).waitFor()
    await rowOf(page, leader).getByRole('cell', { name: 'leader' }).waitFor()
    ensemble.resume(hanging)
    await rowOf(page, hanging).getByRole('cell', { name: 'follower' }).waitFor()
    await page.close()
  })

  test('the leader is killed: the pages say so and come back by themselves; text and session are kept', async () => {
    const page = await screen.open('/tree?path=%2Fznode')
    const live = await screen.open('/changes?path=%2F')
    const servers = await screen.open('/servers')
    await live.getByText(/^Live: /).waitFor()
    await textOf(page).fill('typed before')
    const leader = ensemble.leader() as number
    await ensemble.kill(leader)
    await servers
      .getByText(/leads\. 2 of 3 members with a vote are up to date\. If one more fails, writes stop\./)
      .waitFor()
    await rowOf(servers, leader).getByRole('cell', { name: 'does not answer' }).waitFor()
    await page.getByText(/Connected to/).waitFor()
    expect(await textOf(page).innerText()).toBe('typed before')
    expect(await save(page)).toBe('typed before')
    await live.locator('tbody').getByText('typed before').first().waitFor()

    await textOf(page).fill('typed without a leader')
    const other = ensemble.leader() as number
    await ensemble.kill(other)
    await page.getByText(/No connection to .*; trying again\. What you see is from before\./).waitFor()
    await servers
      .getByText('No server serves clients: 2 members with a vote must run and elect a leader. 1 of 3 members answers.')
      .waitFor()
    await servers.getByRole('cell', { name: 'serves no clients' }).waitFor()
    expect(await servers.getByRole('cell', { name: 'does not answer' }).count()).toBe(2)
    await servers.getByText(/serves no clients at the moment: it looks for a leader, or is starting/).waitFor()
    expect(await barriersOf(servers)).toEqual([])
    await picture(servers, 'ensemble-without-leader')
    await Promise.all([ensemble.start(leader), ensemble.start(other)])
    await ensemble.serving()
    await page.getByText(/Connected to/).waitFor()
    expect(await textOf(page).innerText()).toBe('typed without a leader')
    expect(await save(page)).toBe('typed without a leader')
    await live.locator('tbody').getByText('typed without a leader').first().waitFor()
    await servers.getByText(/leads\. 3 of 3 members with a vote are up to date/).waitFor()
    await servers.goto(screen.url('/sessions'))
    expect(await ownSession(servers)).toBe(session)
  })
})
