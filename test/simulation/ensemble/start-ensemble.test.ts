/** An ensemble in this process, over sockets and in a simulated world: what users test their fail-over with. */
import { type Client, connect } from '@lightkeeper/client'
import { type CutOptions, type Ensemble, type EnsembleOptions, startEnsemble, World } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'

/** Where a test runs: `run` waits for a promise there. */
interface Scene {
  readonly ensemble: Ensemble
  /** What is done to a leader here. A pause, and cuts of all kinds, cost real time over sockets; process.test.ts has them there. */
  readonly losses: readonly string[]
  run<T>(promise: Promise<T>): Promise<T>
  client(): Promise<Client>
}

async function onSockets(options: EnsembleOptions): Promise<Scene> {
  const ensemble = await startEnsemble(options)
  return {
    ensemble,
    losses: ['killed', 'without power', 'stopped'],
    run: (promise) => promise,
    client: () => connect(ensemble.connectString, { sessionTimeout: 20_000, requestTimeout: 30_000 }),
  }
}

async function inWorld(options: EnsembleOptions): Promise<Scene> {
  const world = new World(7)
  const ensemble = await world.run(startEnsemble({ ...options, world }))
  let clients = 0
  return {
    ensemble,
    losses: ['killed', 'without power', 'stopped', 'paused', 'cut off', 'heard by nobody'],
    run: (promise) => world.run(promise),
    client: () => {
      const runtime = world.runtime(`c${++clients}`)
      return world.run(connect(ensemble.connectString, { sessionTimeout: 20_000, requestTimeout: 30_000, runtime }))
    },
  }
}

const value = async (zk: Client): Promise<string> => new TextDecoder().decode((await zk.get('/value')).data)

describe.each([
  ['over sockets', onSockets],
  ['in a simulated world', inWorld],
] as const)('an ensemble %s', (_, begin) => {
  test('has a leader, and its clients live through its loss, whatever the reason is', async () => {
    const { ensemble, losses: possible, run, client } = await begin({})
    const zk = await client()
    const { sessionId } = zk
    await run(zk.create('/value', 'begin'))
    const losses: readonly [
      string,
      (index: number) => void | Promise<void>,
      (index: number) => void | Promise<void>,
    ][] = [
      ['killed', (i) => ensemble.kill(i), (i) => ensemble.restart(i)],
      ['without power', (i) => ensemble.kill(i, { power: true }), (i) => ensemble.restart(i)],
      ['stopped', (i) => ensemble.stop(i), (i) => ensemble.restart(i)],
      ['paused', (i) => ensemble.pause(i), (i) => ensemble.resume(i)],
      ['cut off', (i) => ensemble.cut(i), (i) => ensemble.heal(i)],
      ['heard by nobody', (i) => ensemble.cut(i, { direction: 'out' }), () => ensemble.heal()],
    ]
    for (const [how, lose, bringBack] of losses.filter(([how]) => possible.includes(how))) {
      const leader = ensemble.leader() as number
      expect(leader, how).toBeTypeOf('number')
      await run(Promise.resolve(lose(leader)))
      await run(zk.set('/value', how))
      await run(Promise.resolve(bringBack(leader)))
      await run(ensemble.serving())
      await run(zk.sync('/value'))
      expect(await run(value(zk))).toBe(how)
    }
    expect(zk.sessionId).toBe(sessionId)
    await run(zk.close())
    await run(ensemble.close())
  })

  test('may have observers, which have no vote', async () => {
    const { ensemble, run, client } = await begin({ observers: 1 })
    expect(ensemble.servers.map((server) => server?.mode).sort()).toEqual([
      'follower',
      'follower',
      'leader',
      'observer',
    ])
    expect(ensemble.servers[3]?.mode).toBe('observer')
    await run(ensemble.kill(3))
    const zk = await client()
    await run(zk.create('/value', ''))
    await run(zk.close())
    await run(ensemble.close())
  })

  test('serves nobody without a quorum, and says who leads only while one does', async () => {
    const { ensemble, run } = await begin({})
    const leader = ensemble.leader() as number
    const others = [0, 1, 2].filter((i) => i !== leader)
    for (const index of others) await run(ensemble.kill(index))
    const lost = (async () => {
      while (ensemble.leader() !== undefined) await run(new Promise((resolve) => setImmediate(resolve)))
    })()
    await run(lost)
    for (const index of others) await run(ensemble.start(index))
    await run(ensemble.serving())
    expect(ensemble.leader()).toBeTypeOf('number')
    await run(ensemble.close())
  })
})

describe.each([
  ['over sockets', onSockets],
  ['in a simulated world', inWorld],
] as const)('what is under way with an ensemble %s', (_, begin) => {
  test('ends with it: no member starts any more, and nobody waits', async () => {
    const { ensemble, run } = await begin({})
    const restarts = [ensemble.restart(0), ensemble.start(1), ensemble.restart(0)].map((each) =>
      each.catch((error: Error) => error.message),
    )
    const waiting = ensemble.kill(2).then(() => ensemble.restart(2))
    const waited = waiting.catch((error: Error) => error.message)
    await run(ensemble.close())
    expect(await run(Promise.all(restarts))).toEqual([
      'member 0 was killed while it started',
      'member 1 was killed while it started',
      'member 0 was killed while it started',
    ])
    expect(await run(waited)).toMatch(/^(the ensemble is closed|member 2 was killed while it started)$/)
    for (const call of [() => ensemble.start(0), () => ensemble.restart(1), () => ensemble.serving()])
      await expect(run(call())).rejects.toThrow(/^the ensemble is closed$/)
    expect(ensemble.servers).toEqual([undefined, undefined, undefined])
  })

  test('ends with the member: a kill ends a restart, and one restart the other', async () => {
    const { ensemble, run } = await begin({})
    const first = ensemble.restart(0).catch((error: Error) => error.message)
    const second = ensemble.restart(0).catch((error: Error) => error.message)
    const other = ensemble.restart(1).catch((error: Error) => error.message)
    await run(ensemble.kill(1))
    expect(await run(Promise.all([first, second, other]))).toEqual([
      'member 0 was killed while it started',
      undefined,
      'member 1 was killed while it started',
    ])
    expect(ensemble.servers[1]).toBeUndefined()
    // A member that does not run may be paused, and is not when it starts.
    ensemble.pause(1)
    await run(ensemble.restart(1))
    await run(ensemble.serving())
    expect(ensemble.servers.map((server) => server?.mode).sort()).toEqual(['follower', 'follower', 'leader'])
    await run(ensemble.close())
  })
})

test('an ensemble that does not serve in time says who is missing, and what the members said', async () => {
  const starting = startEnsemble({ timeoutMs: 1, options: { tickTime: 100 } })
  await expect(starting).rejects.toThrow(/the ensemble does not serve: .*not serving: 0 1 2 after 1 ms\nmember 0:\n/)
})

test.each([
  [{ size: 1 }, /^startEnsemble: options\.size must be a whole number of voters from 2 to 99, not 1$/],
  [{ size: 2.5 }, /^startEnsemble: options\.size must be a whole number/],
  [{ observers: -1 }, /^startEnsemble: options\.observers must be a whole number of observers from 0/],
  [{ world: new World(1), dataDir: '/x' }, /^a simulated world has disks of its own/],
  [{ world: {} }, /^startEnsemble: options\.world must be a World/],
  [{ syze: 3 }, /^startEnsemble: options has no "syze": did you mean size\?$/],
  [
    { tickTime: 100 },
    /^startEnsemble: options has no "tickTime": it has size, observers, world, dataDir, options, log, timeoutMs$/,
  ],
  [{ options: { port: 2181 } }, /^startEnsemble: options\.options must not have port, which the ensemble gives each/],
  [{ options: { members: {} } }, /^startEnsemble: options\.options must not have members/],
  [{ options: { leaderServes: false } }, /^startEnsemble: options\.options must not have leaderServes: false/],
  [{ log: 'error' }, /^startEnsemble: options\.log must be a function/],
  [null, /^startEnsemble: options must be an object, not null$/],
] as const)('%j is refused', async (options, says) => {
  await expect(startEnsemble(options as EnsembleOptions)).rejects.toThrow(says)
})

test('options of faults are looked at too: nothing is cut or killed by a misspelt one', async () => {
  const { ensemble, run } = await inWorld({ size: 2 })
  const wrong = { direktion: 'in' } as CutOptions
  expect(() => ensemble.cut(0, wrong)).toThrow(/^cut: options has no "direktion": did you mean direction\?$/)
  expect(() => ensemble.cut(0, { from: 'client' as 'clients' })).toThrow(/^cut: options\.from must be 'clients', not /)
  expect(() => ensemble.cut(0, { from: 7 })).toThrow('there is no member 7')
  await expect(ensemble.kill(0, { powr: true } as object)).rejects.toThrow(/^kill: options has no "powr"/)
  expect(ensemble.servers[0]).toBeDefined()
  await run(ensemble.close())
})

test('a setting that no server can use is refused at the start', async () => {
  await expect(startEnsemble({ options: { tickTime: -1 } })).rejects.toThrow('tickTime')
})
