/** Elections on the target: who leads, who is next, who gets to know it, and what a past leader may still do. */
import { fileURLToPath } from 'node:url'
import { type Client, connect, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import { type Election, election, type Leader, masterElection, type Term } from '@lightkeeper/recipes'
import { describe, expect, test } from 'vitest'
import { twoClientsEachTest } from '../support/clients.ts'
import { Child } from '../support/process.ts'
import { missingTarget, type TargetServer, targetName } from '../support/target.ts'
import { until } from '../support/wait.ts'

const missing = missingTarget()
if (missing !== undefined) console.log(`recipes on ${targetName}: skipped, because ${missing}`)

const recipes = { election, masterElection } as const
const names = Object.keys(recipes) as (keyof typeof recipes)[]

/** The next term, as a promise that is looked at later. */
function nextTerm(one: Election): Promise<Term> {
  return one
    .terms()
    .next()
    .then(({ value }) => value as Term)
}

describe.skipIf(missing !== undefined)(`elections on ${targetName}`, () => {
  let server: TargetServer
  let a: Client
  let b: Client
  let path: ZnodePath
  twoClientsEachTest('/election', (given) => void ({ server, a, b, path } = given))

  describe.each(names)('%s', (name) => {
    const make = (zk: Client, id: string): Election => recipes[name](zk, path, { id })
    /** Until `id` leads, as `b` sees it. */
    const led = async (id: string | undefined): Promise<void> => {
      for await (const leader of make(b, '').watchLeader()) if (leader?.id === id) return
    }

    test('has one leader, and the next when that resigns, in an epoch that is later', async () => {
      const first = await nextTerm(make(a, 'a'))
      const waiting = nextTerm(make(b, 'b'))
      await b.sync(path)
      expect([first.id, first.signal.aborted, first.remaining() > 0]).toEqual(['a', false, true])
      expect(await make(b, '').leader()).toMatchObject({ id: 'a', epoch: first.epoch, path: first.path })
      await first.resign()
      expect([first.signal.aborted, first.remaining()]).toEqual([true, 0])
      const second = await waiting
      expect(second.epoch).toBeGreaterThan(first.epoch)
      await second.resign()
      expect(await make(b, '').leader()).toBeUndefined()
      expect(await make(b, '').candidates()).toEqual([])
    })

    test('stands again after each step of the loop, leaves with a break, and ends with the signal', async () => {
      const stop = new AbortController()
      const epochs: bigint[] = []
      for await (const term of make(a, 'a').terms({ signal: stop.signal })) {
        epochs.push(term.epoch)
        if (epochs.length === 3) break
      }
      expect(epochs.length).toBe(3)
      expect(epochs).toEqual([...epochs].sort((x, y) => (x < y ? -1 : 1)))
      expect(await make(b, '').leader()).toBeUndefined()
      for await (const term of make(a, 'a').terms({ signal: stop.signal })) {
        stop.abort()
        expect(term.signal.aborted).toBe(true)
      }
      expect(await make(a, 'a').terms({ signal: stop.signal }).next()).toEqual({ done: true, value: undefined })
    })

    test('leaves nothing of who gives up before it is elected', async () => {
      await using term = await nextTerm(make(a, 'a'))
      const stop = new AbortController()
      const waiting = make(b, 'b').terms({ signal: stop.signal }).next()
      await b.sync(path)
      stop.abort()
      expect(await waiting).toEqual({ done: true, value: undefined })
      await b.sync(path)
      expect((await make(a, '').candidates()).map(({ id }) => id)).toEqual(['a'])
      expect(term.signal.aborted).toBe(false)
    })

    test('ends a term whose znode is deleted: its signal aborts, and what it guards is refused', async () => {
      const term = await nextTerm(make(a, 'a'))
      await a.create(`${path}-register`)
      await a.transaction(term.guard(), op.set(`${path}-register`, '1'))
      await b.delete(term.path)
      if (!term.signal.aborted) await new Promise((resolve) => term.signal.addEventListener('abort', resolve))
      await term.resign()
      const refused = await a
        .transaction(term.guard(), op.set(`${path}-register`, '2'))
        .catch((error: unknown) => error)
      expect(KeeperError.is(refused, 'TRANSACTION_FAILED')).toBe(true)
      expect(new TextDecoder().decode((await a.get(`${path}-register`)).data)).toBe('1')
    })

    test('refuses what is guarded by a term that was resigned', async () => {
      const term = await nextTerm(make(a, 'a'))
      await term.resign()
      const refused = await a.transaction(term.guard()).catch((error: unknown) => error)
      expect(KeeperError.is(refused, 'TRANSACTION_FAILED')).toBe(true)
    })

    test('shows observers each leader, and that there is none', async () => {
      const told: (Leader | undefined)[] = []
      const stop = new AbortController()
      const looking = (async () => {
        for await (const leader of make(b, '').watchLeader({ signal: stop.signal })) told.push(leader)
      })()
      const first = await nextTerm(make(a, 'first'))
      await led('first')
      await first.resign()
      await led(undefined)
      await using _second = await nextTerm(make(a, 'second'))
      await led('second')
      while (told.at(-1)?.id !== 'second') await b.sync(path)
      stop.abort()
      await looking
      const ids = told.map((each) => each?.id)
      expect(ids.filter((id) => id !== undefined)).toEqual(['first', 'second'])
      expect(ids).toContain(undefined)
    })

    test('ends with its client', async () => {
      await using _term = await nextTerm(make(a, 'a'))
      const own = await connect(server.connectString)
      const waiting = make(own, 'own').terms().next()
      const looking = make(own, '').watchLeader()
      expect((await looking.next()).value?.id).toBe('a')
      const more = looking.next()
      await own.close()
      expect(await waiting).toEqual({ done: true, value: undefined })
      expect(await more).toEqual({ done: true, value: undefined })
    })

    test('goes on after the session of the leader has expired', async () => {
      await using _first = await nextTerm(make(a, 'a'))
      const waiting = nextTerm(make(b, 'b'))
      await b.sync(path)
      await a.close()
      await using second = await waiting
      expect(second.id).toBe('b')
    })

    test('refuses writes of a leader that was stopped for longer than its session lives', async () => {
      await using operator = await connect(server.connectString)
      await operator.create('/register')
      await operator.create('/leader').catch(() => {})
      await operator.delete('/leader', { recursive: true })
      const careless = fileURLToPath(new URL('careless.mjs', import.meta.url))
      const reports: { event: string; id: string; epoch: string; zxid?: string }[] = []
      const start = (id: string): Child =>
        new Child([process.execPath, careless, server.connectString, name, id], {
          onLine: (line) => void reports.push(JSON.parse(line)),
        })
      const untilReport = (matches: (report: (typeof reports)[number]) => boolean, from = 0): Promise<void> =>
        until(() => reports.slice(from).some(matches))
      const children = [start('first')]
      try {
        await untilReport(({ id, event }) => id === 'first' && event === 'written')
        children.push(start('second'))
        children[0]?.kill('SIGSTOP')
        await untilReport(({ id, event }) => id === 'second' && event === 'written')
        const from = reports.length
        children[0]?.kill('SIGCONT')
        await untilReport(({ id, event }) => id === 'first' && event === 'refused', from)
        // In the order of the server, since a reply may have waited for the process to go on: no leader writes after a
        // later epoch.
        const writes = reports
          .filter(({ event }) => event === 'written')
          .sort((x, y) => (BigInt(x.zxid ?? 0) < BigInt(y.zxid ?? 0) ? -1 : 1))
        const epochs = writes.map((each) => BigInt(each.epoch))
        expect(epochs).toEqual([...epochs].sort((x, y) => (x < y ? -1 : x > y ? 1 : 0)))
        expect(new Set(epochs).size).toBe(2)
      } finally {
        for (const child of children) child.kill('SIGKILL')
        await operator.delete('/register')
      }
    })
  })

  test('names are those of LeaderLatch, or of kazoo, and data is the id', async () => {
    await using curator = await nextTerm(election(a, path, { id: 'a' }))
    expect(curator.path).toMatch(/\/_c_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-latch-\d{10}$/)
    expect(new TextDecoder().decode((await b.get(curator.path)).data)).toBe('a')
    await curator.resign()
    await using kazoo = await nextTerm(election(a, path, { id: 'a', names: 'kazoo' }))
    expect(kazoo.path).toMatch(/\/[0-9a-f]{32}__lock__\d{10}$/)
    const waiting = nextTerm(election(b, path, { id: 'b' }))
    while ((await election(a, path).candidates()).length < 2) await a.sync(path)
    await kazoo.resign()
    await (await waiting).resign()
  })

  test('candidates of a higher priority go first, and a leader learns that one waits', async () => {
    const low = await nextTerm(election(a, path, { id: 'low' }))
    const { challenged } = low
    const middle = nextTerm(election(a, path, { id: 'middle', priority: 5 }))
    while ((await election(a, path).candidates()).length < 2) await a.sync(path)
    const high = nextTerm(election(b, path, { id: 'high', priority: 10 }))
    if (!challenged.aborted) await new Promise((resolve) => challenged.addEventListener('abort', resolve))
    while ((await election(a, path).candidates()).length < 3) await a.sync(path)
    expect(low.signal.aborted).toBe(false)
    await low.resign()
    const term = await high
    expect(term.challenged.aborted).toBe(false)
    expect((await election(a, path).leader())?.id).toBe('high')
    await term.resign()
    await (await middle).resign()
    expect(() => election(a, path, { priority: -1 })).toThrow(
      'options.priority must be a whole number from 0 to 2147483647, not -1',
    )
  })

  test('candidates of other programs are waited for by a master as well', async () => {
    await b.create(path, 'theirs', { mode: 'ephemeral', parents: true })
    const mine = nextTerm(masterElection(a, path, { id: 'ours' }))
    expect((await masterElection(b, path).leader())?.id).toBe('theirs')
    await b.delete(path)
    await (await mine).resign()
  })
})
