/**
 * One story: a whole server on a simulated network and disk, clients that say anything, and one that behaves. It ends with a
 * Violation or not at all; the same plan is the same story.
 */
import { type RunningServer, startServer } from '@lightkeeper/server'
import { World } from '@lightkeeper/testing/sim'
import { Violation } from '../../simulation/durability/ledger.ts'
import { Attacker } from './attacker.ts'
import { Control } from './control.ts'
import { type Inside, insideOf } from './inside.ts'
import { type Plan, type Step, slots } from './plan.ts'

export interface Report {
  /** Frames and words that attackers sent. */
  readonly frames: number
  /** Transactions that were applied. */
  readonly transactions: number
  readonly trace: string
}

const server = 'server'
/** Two connections share a host, so that limits of an address are reached. */
const hosts = ['host0', 'host1', 'host2']
/** No session and no connection without one outlives this, milliseconds. */
const goneMs = 20_000

export async function tell(plan: Plan): Promise<Report> {
  const story = new Story(plan)
  try {
    return await story.run()
  } catch (error) {
    const { stack, message } = error as Error
    const last = story.world.trace.slice(-12).join('\n')
    const why = error instanceof Violation ? message : (stack ?? message)
    throw new Violation(`seed ${plan.seed}: ${why}\n${last}`, { cause: error })
  }
}

class Story {
  readonly world: World
  readonly #plan: Plan
  readonly #attackers: readonly Attacker[]
  #control: Control | undefined
  #server: RunningServer | undefined
  #inside: Inside | undefined
  #snapshots = 0
  #violation: Error | undefined
  /** Lines of the trace that were looked at. */
  #read = 0

  constructor(plan: Plan) {
    this.#plan = plan
    this.world = new World(plan.seed)
    // A chunk at a time is under way: what thousands of small ones take must be less than a session lives.
    this.world.network.latencyMs = 0.05
    this.world.network.jitterMs = 0.1
    this.world.network.highWaterBytes = 4_096
    this.world.disk(server).faults.latencyMs = 0.2
    const forbidden = (): bigint => this.#control?.sessionId ?? 0n
    this.#attackers = Array.from(
      { length: slots },
      (_, i) => new Attacker(this.world, hosts[i % hosts.length] as string, forbidden, this.#fail),
    )
  }

  async run(): Promise<Report> {
    const { world } = this
    const inside = await this.#start()
    const first = inside.replica.lastZxid
    const control = (this.#control = new Control(world))
    await control.begin()
    await this.#pass(goneMs)
    const idle = world.pending
    for (const step of this.#plan.steps) {
      await this.#do(step)
      await world.advance((step.seed % 8) / 4)
      this.#check()
    }
    await this.#answered()
    for (const attacker of this.#attackers) attacker.resetAll()
    await this.#pass(goneMs)
    this.#nothingLeft(1)
    if (world.pending > idle) throw new Violation(`${world.pending} timers are left, ${idle} were there before`)
    await this.#takesAsManyAsBefore()
    await control.ask()
    const transactions = Number(inside.replica.lastZxid - first)
    await this.#again()
    return { frames: this.#attackers.reduce((sum, { sent }) => sum + sent, 0), transactions, trace: world.traceHash() }
  }

  // -- steps ----------------------------------------------------------------------------------------------------------

  async #do({ kind, slot, seed, size }: Step): Promise<void> {
    const attacker = this.#attackers[slot] as Attacker
    switch (kind) {
      case 'dial':
        attacker.dial(seed, this.#attackers)
        return
      case 'word':
        attacker.word(seed)
        return
      case 'send':
        attacker.send(seed, size, this.#attackers)
        return
      case 'half':
        attacker.half(seed)
        return
      case 'garbage':
        attacker.garbage(seed)
        return
      case 'stall':
        attacker.stall()
        return
      case 'read':
        attacker.read()
        return
      case 'reset':
        attacker.reset(seed, size)
        return
      case 'end':
        attacker.end()
        return
      case 'vanish':
        this.world.network.vanish(attacker.host)
        for (const each of this.#attackers) if (each.host === attacker.host) each.vanished()
        return
      case 'wait':
        await this.#pass(size)
        return
      case 'snapshot':
        this.#snapshot()
        return
      case 'ask':
        await this.#control?.ask()
    }
  }

  #snapshot(): void {
    this.#snapshots++
    const over = (): void => void this.#snapshots--
    this.#server?.snapshot().then(over, this.#fail)
  }

  /** Time in which the client that behaves keeps its session. */
  async #pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 2_000) {
      await this.world.advance(Math.min(left, 2_000))
      if (left >= 1_000) await this.#control?.ping()
    }
  }

  async #start(): Promise<Inside> {
    this.#server = await this.world.run(startServer(this.#plan.options, this.world.runtime(server)))
    this.#inside = insideOf(this.#server)
    this.#server.stopped.then((error) => {
      if (error !== undefined) this.#fail(new Violation(`the server stopped: ${error.stack}`))
    }, this.#fail)
    return this.#inside
  }

  // -- what must hold -------------------------------------------------------------------------------------------------

  readonly #fail = (error: Error): void => {
    this.#violation ??= error
  }

  /** Holds at any moment. */
  #check(): void {
    if (this.#violation !== undefined) throw this.#violation
    const { trace } = this.world
    for (; this.#read < trace.length; this.#read++) {
      const line = trace[this.#read] as string
      if (/^ *[\d.]+ server +error /.test(line)) throw new Violation(`the server complains: ${line}`)
    }
    const { listener, replica } = this.#inside as Inside
    const { heldReplyBytes = 0, maxReplyBytes = 0, maxWatchBytes = 0, maxCnxnWatches = 0 } = this.#plan.options
    const { total } = listener.held
    if (total < 0 || total > 2 * heldReplyBytes + maxReplyBytes + 70_000) throw new Violation(`${total} bytes are held`)
    const { bytes } = replica.watches
    if (bytes < 0 || bytes > maxWatchBytes) throw new Violation(`watches take ${bytes} bytes`)
    for (const { watchCount } of listener.connections) {
      if (watchCount < 0 || watchCount > maxCnxnWatches) throw new Violation(`a connection has ${watchCount} watches`)
    }
  }

  /**
   * Every request of a connection that lives and is read gets its reply. Clients that vanished may hold all that may be held for clients
   * that do not read; each of them is cut after two seconds, and the others wait meanwhile.
   */
  async #answered(): Promise<void> {
    for (const attacker of this.#attackers) attacker.readAll()
    let missing: string | undefined
    for (let waited = 0; waited < 8_000; waited += 100) {
      await this.#pass(100)
      this.#check()
      missing = this.#attackers.map((attacker) => attacker.missing()).find((each) => each !== undefined)
      if (missing === undefined) return
      if (waited % 1_000 === 0) await this.#control?.ask()
    }
    throw new Violation(`never answered: ${missing}`)
  }

  /** All connections but those of the client that behaves are gone, and all sessions but its own. */
  #nothingLeft(sessions: number): void {
    this.#check()
    const { listener, replica } = this.#inside as Inside
    const { tree, watches, desk, applier } = replica
    const left = {
      connections: listener.connections.size,
      held: listener.held.total,
      watches: watches.data.size + watches.children.size,
      watchPaths: watches.data.pathCount + watches.children.pathCount,
      watchers: watches.data.watcherCount + watches.children.watcherCount,
      watchBytes: watches.bytes,
      outstanding: desk.outstanding,
      work: applier.work,
      sessions: tree.sessions.size,
      expiries: replica.sessions.expiries().reduce((sum, [, each]) => sum + each.size, 0),
      owners: tree.ephemerals().size,
      snapshots: this.#snapshots,
    }
    const none = {
      held: 0,
      watches: 0,
      watchPaths: 0,
      watchers: 0,
      watchBytes: 0,
      outstanding: 0,
      work: 0,
      snapshots: 0,
    }
    const wanted = { ...none, connections: sessions, sessions, expiries: sessions, owners: sessions }
    for (const [name, value] of Object.entries(wanted)) {
      const found = left[name as keyof typeof left]
      if (found !== value) throw new Violation(`${found} ${name} are left where ${value} should be`)
    }
    const { digest } = tree
    if (digest.value !== tree.computeDigest()) throw new Violation('the digest is not that of the tree')
  }

  /** Nobody who is gone is counted: an address gets as many connections as it may have. */
  async #takesAsManyAsBefore(): Promise<void> {
    const { maxClientCnxns = 60, maxCnxns = 0 } = this.#plan.options
    const count = Math.min(maxClientCnxns, maxCnxns === 0 ? 60 : maxCnxns - 1, 10)
    const { listener } = this.#inside as Inside
    let open = 0
    const events = { data() {}, opened: () => void open++, closed: () => void open-- }
    const links = Array.from({ length: count }, () => this.world.network.host('host0').connect('server:2181', events))
    await this.#pass(200)
    if (open !== count) throw new Violation(`an address that has none may have ${open} connections and not ${count}`)
    for (const link of links) link.destroy()
    await this.#pass(200)
    if (listener.connections.size !== 1) throw new Violation('connections are left')
  }

  /** Ends the server in one of three ways; the next one must come to the same tree, and its sessions end in their time. */
  async #again(): Promise<void> {
    const { world } = this
    const { replica } = this.#inside as Inside
    while (replica.desk.outstanding > 0) await world.advance(1)
    const before = dump(replica)
    const way = this.#plan.seed % 3
    if (way === 0) await world.run((this.#server as RunningServer).close())
    else world.crash(server, way === 1 ? 'kill' : 'power')
    await world.advance(10)
    this.#control = undefined
    const inside = await this.#start()
    const after = dump(inside.replica)
    const at = after.findIndex((line, i) => line !== before[i])
    if (at >= 0 || after.length !== before.length) {
      throw new Violation(`the log has another tree: ${after[at]} in the place of ${before[at]}`)
    }
    await world.advance(goneMs)
    this.#nothingLeft(0)
    await world.run((this.#server as RunningServer).close())
    await world.advance(10)
    if (world.pending > 0) throw new Violation(`${world.pending} timers are left by a server that was closed`)
  }
}

/** The tree and the sessions as lines. */
function dump({ tree }: Inside['replica']): string[] {
  const lines: string[] = []
  tree.nodes.forEach((node, path) => {
    // Usage is counted anew at each start, and what a client wrote there does not count.
    const data = path.endsWith('/zookeeper_stats') || node.data === null ? null : Buffer.from(node.data).toString('hex')
    lines.push(`${path} ${Buffer.from(node.persistedStat).toString('hex')} ${data} ${JSON.stringify(node.acl)}`)
  })
  for (const [id, timeout] of tree.sessions) lines.push(`session ${id} ${timeout}`)
  return lines.sort()
}
