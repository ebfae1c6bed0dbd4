/**
 * A mixed load through the public client: writers that remember the replies, streams that rebuild the tree, readers,
 * and owners of ephemerals. `finish` says what did not hold.
 */
import { type Client, type ConnectOptions, connect, KeeperError, op, text, type ZnodePath } from '@lightkeeper/client'
import { type Proxy, proxy } from '@lightkeeper/testing'
import { sleep } from '../support/wait.ts'
import {
  checkEphemerals,
  checkNamedCreates,
  checkSessions,
  checkSettled,
  checkWrites,
  ForwardReads,
  type NamedCreate,
  type Owned,
  type Step,
  StreamModel,
  type Tree,
  type Write,
  type Znode,
} from './check.ts'

/** Asked of the server, milliseconds: above what a failover takes, and short enough to see sessions end. */
export const sessionTimeout = 6_000
/** Bound on what takes until everything has settled once a fault is healed, milliseconds. */
const settleWithin = 20_000
const restMs = 30

interface Member {
  readonly name: string
  readonly client: Client
  readonly session: bigint
  /** Why it lost a session, and when. */
  readonly reasons: string[]
}

interface Following {
  readonly model: StreamModel
  readonly covers: (path: string) => boolean
  readonly ended: Promise<void>
}

export class Workload {
  readonly #connectString: string
  readonly #root: ZnodePath
  readonly #members: Member[] = []
  /** Each is a row of writes to znodes of its own. */
  readonly #rows: Write[][] = []
  readonly #named = new Map<string, NamedCreate[]>()
  readonly #readers: ForwardReads[] = []
  readonly #streams: Following[] = []
  readonly #owned: Owned[] = []
  readonly #problems: string[] = []
  readonly #leaveStreams = new AbortController()
  #leaving: Client | undefined
  #vanishing: { readonly client: Client; readonly wire: Proxy } | undefined
  #loops: Promise<unknown>[] = []
  #isStopped = false
  #acknowledged = 0
  /** The number of writes by outcome and code. */
  readonly told = new Map<string, number>()

  private constructor(ports: readonly number[], root: ZnodePath) {
    this.#connectString = ports.map((port) => `127.0.0.1:${port}`).join(',')
    this.#root = root
  }

  /** `ports` are those of all servers; `root` must not exist. */
  static async start(ports: readonly number[], root: ZnodePath): Promise<Workload> {
    const load = new Workload(ports, root)
    await load.#start(ports)
    return load
  }

  async #start(ports: readonly number[]): Promise<void> {
    const root = this.#root
    const setUp = await this.#join('watcher')
    for (const folder of ['', '/seq', '/protected', '/ephemeral', '/owned']) await setUp.create(`${root}${folder}`, '')
    const hasty = { requestTimeout: 700 }
    const writers = [await this.#join('w0'), await this.#join('w1'), await this.#join('w2', hasty)]
    const owner = await this.#join('owner')
    await this.#own('owner', owner)
    this.#leaving = await connect(this.#connectString, { sessionTimeout })
    await this.#own('leaving', this.#leaving)
    const wire = await proxy(ports[0] as number)
    this.#vanishing = { client: await connect(wire, { sessionTimeout, onExpired: 'close' }), wire }
    await this.#own('vanishing', this.#vanishing.client)

    this.#follow('recursive', setUp, root, { recursive: true }, () => true)
    this.#follow('recursive of a writer', writers[0] as Client, root, { recursive: true }, () => true)
    this.#follow('node', setUp, `${root}/w0-count`, {}, (path) => path === `${root}/w0-count`)
    this.#follow('node that comes and goes', owner, `${root}/w1-life`, {}, (path) => path === `${root}/w1-life`)
    const inSeq = (path: string): boolean => path.startsWith(`${root}/seq/`)
    this.#follow('children', owner, `${root}/seq`, { children: true }, inSeq)
    for (const [i, client] of writers.entries()) {
      this.#loops.push(
        this.#life(client, `${root}/w${i}-life`),
        this.#count(client, `${root}/w${i}-count`),
        this.#pair(client, `${root}/w${i}-pair`),
        this.#create(client, `w${i}`, 'seq', {}),
        this.#create(client, `w${i}`, 'protected', { protected: true }),
      )
    }
    this.#loops.push(this.#create(owner, 'owner', 'ephemeral', { mode: 'ephemeral' }))
    // A fault of one server must affect a client: readers come until each server has one.
    for (let i = 0; i < 2 || ports.some((port) => this.#at(port).length === 0); i++) {
      if (i === 50) throw new Error('clients do not spread over the servers')
      // One that the last fault befell may still be finding its way back.
      if (i > 6) await sleep(500)
      this.#loops.push(this.#read(await this.#join(`r${i}`)))
    }
  }

  /** Who is connected to the server at `port`. */
  #at(port: number): string[] {
    return this.#members.flatMap(({ name, client: { state } }) =>
      state.kind === 'connected' && state.server.endsWith(`:${port}`) ? [name] : [],
    )
  }

  // -- what the tests do ------------------------------------------------------------------------------------------------

  /** Resolves when `count` more writes were acknowledged. @throws Error when they are not in time. */
  async progress(count: number): Promise<void> {
    const goal = this.#acknowledged + count
    const deadline = Date.now() + settleWithin
    while (this.#acknowledged < goal) {
      if (Date.now() > deadline) {
        const states = this.#members.map(({ name, client }) => `${name} ${client.state.kind}`)
        throw new Error(
          `writes do not go on: ${goal - this.#acknowledged} of ${count} are missing; ${states.join(', ')}`,
        )
      }
      await sleep(20)
    }
  }

  /** Resolves when every client that was connected to `port` has noticed that nothing comes from there, and moved. */
  async moved(port: number): Promise<void> {
    const deadline = Date.now() + settleWithin
    while (this.#at(port).length > 0) {
      if (Date.now() > deadline) throw new Error(`${this.#at(port).join(', ')} do not leave a server that is silent`)
      await sleep(20)
    }
  }

  /** One client closes its session, another one falls silent for ever. */
  async loseOwners(): Promise<void> {
    this.#vanishing?.wire.hang()
    await this.#leaving?.close()
  }

  /** Stops the load and says what did not hold. `keepsSessions`: no session may have been lost. */
  async finish(keepsSessions: boolean): Promise<string[]> {
    this.#isStopped = true
    await Promise.race([Promise.all(this.#loops), sleep(settleWithin)])
    const all = [...this.#rows, ...this.#named.values()].flat()
    const unsettled = checkSettled(all)
    if (unsettled.length > 0) return unsettled
    for (const { outcome, ...each } of all) {
      const told = 'code' in each && each.code !== undefined ? `${outcome} ${each.code}` : outcome
      this.told.set(told, (this.told.get(told) ?? 0) + 1)
    }
    await using judge = await connect(this.#connectString, { sessionTimeout, connectTimeout: settleWithin })
    const deadline = Date.now() + settleWithin
    for (;;) {
      // Streams catch up, sessions expire and clean-ups end in their own time; nothing else changes from here on.
      const wrong = await this.#wrong(judge, keepsSessions).catch((error: unknown) => {
        // A server that was healed may still find out that it must join again, and send its clients away.
        if (!KeeperError.is(error, 'CONNECTION_LOSS')) throw error
        return [`the tree cannot be read: ${error.message}`]
      })
      if (wrong.length === 0 || Date.now() > deadline) return wrong
      await sleep(200)
    }
  }

  async close(): Promise<void> {
    this.#isStopped = true
    this.#leaveStreams.abort()
    const clients = [...this.#members.map(({ client }) => client), this.#leaving, this.#vanishing?.client]
    await Promise.all([...clients.map((client) => client?.close()), this.#vanishing?.wire.close()])
    const ended = Promise.all([...this.#loops, ...this.#streams.map((stream) => stream.ended)])
    // What never settles was reported by `finish`; it must not hold up the tests after this one.
    await Promise.race([ended, sleep(2_000)])
  }

  async #wrong(judge: Client, keepsSessions: boolean): Promise<string[]> {
    await judge.sync(this.#root)
    const tree = await readTree(judge, this.#root)
    const living = new Set(this.#members.map(({ client }) => client.sessionId))
    const lives = (session: bigint): boolean => living.has(session)
    const sessions = this.#members.map(({ name, client, session, reasons }) => ({
      name,
      before: session,
      after: client.sessionId,
      reasons,
    }))
    return [
      ...this.#problems,
      ...this.#rows.flatMap((row) => checkWrites(row, tree)),
      ...[...this.#named].flatMap(([folder, creates]) => checkNamedCreates(creates, folder, tree, lives)),
      ...this.#streams.flatMap(({ model, covers }) => [...model.problems, ...model.differences(tree, covers)]),
      ...this.#readers.flatMap(({ problems, reads }) => (reads === 0 ? ['a reader read nothing'] : problems)),
      ...checkEphemerals(this.#owned, tree, lives),
      ...(keepsSessions ? checkSessions(sessions) : []),
    ]
  }

  // -- the load -----------------------------------------------------------------------------------------------------------

  async #join(name: string, options: ConnectOptions = {}): Promise<Client> {
    const backoff = { maxMs: 500 }
    const client = await connect(this.#connectString, { sessionTimeout, backoff, ...options })
    const reasons: string[] = []
    this.#members.push({ name, client, session: client.sessionId, reasons })
    void this.#noteLosses(client, reasons)
    return client
  }

  async #noteLosses(client: Client, reasons: string[]): Promise<void> {
    for await (const state of client.states({ signal: this.#leaveStreams.signal })) {
      if (state.kind === 'expired') reasons.push(`${new Date().toISOString().slice(11, 23)} ${state.reason}`)
    }
  }

  async #own(name: string, client: Client): Promise<void> {
    const path: ZnodePath = `${this.#root}/owned/${name}`
    await client.create(path, name, { mode: 'ephemeral' })
    this.#owned.push({ path, owner: client.sessionId })
  }

  #follow(
    name: string,
    client: Client,
    path: ZnodePath,
    options: { readonly recursive?: boolean; readonly children?: boolean },
    covers: (path: string) => boolean,
  ): void {
    const model = new StreamModel(name)
    const run = async (): Promise<void> => {
      const changes = client.watch(path, { ...options, codec: text, signal: this.#leaveStreams.signal })
      for await (const change of changes) model.take(change)
    }
    const ended = run().catch((error: unknown) => void this.#problems.push(`${name} ended: ${String(error)}`))
    this.#streams.push({ model, covers, ended })
  }

  async #loop(restAfter: number, act: (turn: number) => Promise<void>): Promise<void> {
    for (let turn = 0; !this.#isStopped; turn++) {
      await act(turn)
      await sleep(restAfter)
    }
  }

  /** Settles with the outcome noted; resolves to the reply, or to undefined if it failed. */
  async #note<T>(write: Write | NamedCreate, call: Promise<T>): Promise<T | undefined> {
    try {
      const told = await call
      write.outcome = 'ok'
      this.#acknowledged++
      return told
    } catch (error) {
      if (!KeeperError.is(error)) {
        this.#problems.push(`a write failed with ${String(error)}`)
        write.outcome = 'unknown'
        return undefined
      }
      write.outcome = error.outcome
      if ('steps' in write) write.code = error.failedOp?.code ?? error.code
      return undefined
    }
  }

  #row(): (steps: readonly Step[]) => Write {
    const row: Write[] = []
    this.#rows.push(row)
    return (steps) => {
      const write: Write = { steps, outcome: 'pending' }
      row.push(write)
      return write
    }
  }

  /** Created, changed, deleted, and again, with any result of the step before. */
  #life(client: Client, path: ZnodePath): Promise<void> {
    const begin = this.#row()
    return this.#loop(restMs, async (turn) => {
      const data = `${turn}`
      if (turn % 4 === 0) {
        const write = begin([{ kind: 'create', path, data }])
        const told = await this.#note(write, client.create(path, data))
        write.versions = [told?.stat.version]
      } else if (turn % 4 === 3) await this.#note(begin([{ kind: 'delete', path }]), client.delete(path))
      else {
        const write = begin([{ kind: 'set', path, data }])
        const told = await this.#note(write, client.set(path, data))
        write.versions = [told?.version]
      }
    })
  }

  /** Compare and set: the version of the last reply, read again if it turns out to be another. */
  #count(client: Client, path: ZnodePath): Promise<void> {
    const begin = this.#row()
    let version: number | undefined
    return this.#loop(restMs, async (turn) => {
      const data = `${turn}`
      if (version === undefined) {
        const found = await client.find(path).catch(() => undefined)
        version = found?.stat.version
      }
      if (version === undefined) {
        const write = begin([{ kind: 'create', path, data }])
        const told = await this.#note(write, client.create(path, data))
        write.versions = [told?.stat.version]
        version = told?.stat.version
        return
      }
      const write = begin([{ kind: 'set', path, data, version }])
      const told = await this.#note(write, client.set(path, data, { version }))
      write.versions = [told?.version]
      version = told?.version
    })
  }

  /** Transactions over four znodes; each third one cannot be done, since its last step fails. */
  #pair(client: Client, path: ZnodePath): Promise<void> {
    const begin = this.#row()
    const a = `${path}-a`
    const b = `${path}-b`
    const c = `${path}-c`
    const run = async (steps: readonly Step[]): Promise<void> => {
      const ops = steps.map((each) => {
        const at = each.path as ZnodePath
        if (each.kind === 'create') return op.create(at, each.data)
        return each.kind === 'set' ? op.set(at, each.data) : op.delete(at)
      })
      await this.#note(begin(steps), client.transactionOf(ops))
    }
    return this.#loop(restMs, async (turn) => {
      const data = `${turn}`
      const both: Step[] = [
        { kind: 'set', path: a, data },
        { kind: 'set', path: b, data },
      ]
      if (turn === 0 || turn % 10 === 9)
        await run([
          { kind: 'create', path: a, data },
          { kind: 'create', path: b, data },
        ])
      else if (turn % 3 === 0) await run([...both, { kind: 'create', path: c, data }])
      else if (turn % 3 === 1) await run([...both, { kind: 'delete', path: c }])
      else await run([...both, { kind: 'create', path: a, data }])
    })
  }

  #create(
    client: Client,
    who: string,
    folder: string,
    options: { readonly protected?: boolean; readonly mode?: 'ephemeral' },
  ): Promise<void> {
    const key = `${this.#root}/${folder}`
    const creates = this.#named.get(key) ?? []
    this.#named.set(key, creates)
    return this.#loop(restMs * 3, async (turn) => {
      const write: NamedCreate = { data: `${who} ${turn}`, outcome: 'pending', owner: 0n }
      creates.push(write)
      const call = client.create(`${this.#root}/${folder}/n-`, write.data, { sequential: true, ...options })
      const told = await this.#note(write, call)
      if (told === undefined) return
      write.path = told.path
      write.owner = told.stat.ephemeralOwner
    })
  }

  #read(client: Client): Promise<void> {
    const seen = new ForwardReads()
    this.#readers.push(seen)
    const names = ['w0-count', 'w1-life', 'w2-pair-a', 'w1-count']
    return this.#loop(restMs / 3, async (turn) => {
      const path: ZnodePath = `${this.#root}/${names[turn % names.length]}`
      const isChildren = turn % 8 === 7
      try {
        if (isChildren) seen.note('children', (await client.children(`${this.#root}/seq`)).stat.pzxid)
        else seen.note(path, (await client.get(path)).stat.mzxid)
      } catch (error) {
        if (!KeeperError.is(error)) seen.problems.push(`a read failed with ${String(error)}`)
      }
      seen.note('the newest zxid', client.lastZxid)
    })
  }
}

/** Everything at and below `root`. */
async function readTree(client: Client, root: ZnodePath): Promise<Tree> {
  const tree = new Map<string, Znode>()
  const decoder = new TextDecoder()
  const visit = async (path: ZnodePath): Promise<void> => {
    const found = await client.find(path)
    if (found === undefined) return
    const { stat } = found
    const { version, mzxid, ephemeralOwner: owner } = stat
    tree.set(path, { data: decoder.decode(found.data), version, mzxid, owner })
    if (stat.numChildren === 0) return
    const { children } = await client.children(path)
    await Promise.all(children.map((name) => visit(`${path}/${name}`)))
  }
  await visit(root)
  return tree
}
