/**
 * Programs with kazoo, Curator and our client that write without pause, each with one session, an ephemeral `held` and a lock `lock` that
 * it keeps. They count up `key`, and make sequential znodes in `names`; each remembers what was acknowledged.
 */
import { fileURLToPath } from 'node:url'
import { type Client, connect, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { lock } from '@lightkeeper/recipes'
import { compileJava, javaClassPath, javaMissing } from '@lightkeeper/testing'
import { sleep } from '../../../support/wait.ts'
import { skipReason } from '../../lane.ts'
import { Peer } from '../../peer.ts'
import { missingKazoo, python } from '../../python.ts'

export type Library = 'ours' | 'kazoo' | 'curator'

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const classPath = javaClassPath(file('../../../../.cache/interop/kills'))

/** Asked of the server, milliseconds: above what an election takes on a busy machine. */
export const sessionTimeout = 20_000

/** What it was like at the end. */
export interface Outcome {
  /** The id, in hexadecimal digits. */
  readonly session: string
  /** The number in `key` that was acknowledged last, and the last one sent. */
  readonly acknowledged: number
  readonly sent: number
  /** What the library said about a lost session; `none` if it said nothing. */
  readonly lost: string
  /** The last ten digits of the names, in the order of the replies. */
  readonly names: readonly string[]
}

/** Undefined where the programs can be built and run, else the reason, printed. */
export function missingLibraries(): string | undefined {
  const reason =
    missingKazoo ??
    javaMissing(['zookeeper', 'curator-recipes']) ??
    compileJava(classPath, [file('Load.java'), file('../../Commands.java')])
  return skipReason('kills under load', reason)
}

/** What executes the verbs: `begin`, `writes` (their number), `gap` (the longest since the last question), `names`, `end`. */
interface Program {
  call(verb: string): Promise<string>
  close(): Promise<void>
}

function foreign(command: readonly [string, ...string[]]): Program {
  const peer = new Peer(command)
  return { call: (verb) => peer.call(verb), close: async () => void (await peer.end('SIGKILL')) }
}

/** The same with our client, in this process. */
class OurProgram implements Program {
  readonly #hosts: string
  readonly #root: ZnodePath
  readonly #names: string[] = []
  #zk: Client | undefined
  #acknowledged = 0
  #sent = 0
  #writes = 0
  #last = 0
  #longest = 0
  #isOver = false
  #writing = Promise.resolve()

  constructor(hosts: string, root: ZnodePath) {
    this.#hosts = hosts
    this.#root = root
  }

  async call(verb: string): Promise<string> {
    if (verb === 'begin') return this.#begin()
    if (verb === 'writes') return `${this.#writes}`
    if (verb === 'names') return this.#names.join(',')
    if (verb === 'gap') {
      const found = Math.max(this.#longest, performance.now() - this.#last)
      this.#longest = 0
      return `${Math.round(found)}`
    }
    this.#isOver = true
    await this.#writing
    return `${this.#session()} ${this.#acknowledged} ${this.#sent} none`
  }

  async close(): Promise<void> {
    this.#isOver = true
    await this.#zk?.close()
  }

  async #begin(): Promise<string> {
    const zk = await connect(this.#hosts, { sessionTimeout, onExpired: 'close' })
    this.#zk = zk
    await zk.create(`${this.#root}/held`, '', { mode: 'ephemeral' })
    await lock(zk, `${this.#root}/lock`).acquire()
    this.#last = performance.now()
    this.#writing = this.#write(zk)
    return this.#session()
  }

  async #write(zk: Client): Promise<void> {
    while (!this.#isOver) {
      try {
        const n = ++this.#sent
        await zk.set(`${this.#root}/key`, `${n}`)
        this.#acknowledged = n
        this.#count()
        this.#names.push((await zk.create(`${this.#root}/names/n-`, '', { sequential: true })).path.slice(-10))
        this.#count()
      } catch (error) {
        if (!KeeperError.is(error)) throw error
        await sleep(5)
      }
      await sleep(2)
    }
  }

  #count(): void {
    const now = performance.now()
    this.#longest = Math.max(this.#longest, now - this.#last)
    this.#last = now
    this.#writes++
  }

  #session(): string {
    return this.#zk?.sessionId?.toString(16) ?? 'none'
  }
}

export class Load {
  readonly library: Library
  readonly root: ZnodePath
  /** The session at the beginning, in hexadecimal digits. */
  session = ''
  readonly #program: Program

  private constructor(library: Library, root: ZnodePath, program: Program) {
    this.library = library
    this.root = root
    this.#program = program
  }

  /** `zk` makes what it writes to. Resolves when it writes, and holds its lock. */
  static async start(library: Library, hosts: string, zk: Client): Promise<Load> {
    const root: ZnodePath = `/${library}`
    await zk.create(root)
    await zk.create(`${root}/key`, '0')
    await zk.create(`${root}/names`)
    const args = [hosts, root, `${sessionTimeout}`]
    const program =
      library === 'ours'
        ? new OurProgram(hosts, root)
        : library === 'kazoo'
          ? foreign([python ?? 'python3', file('load.py'), ...args])
          : foreign(['java', '-XX:TieredStopAtLevel=1', '-Xmx128m', '-cp', classPath, 'Load', ...args])
    const load = new Load(library, root, program)
    load.session = await program.call('begin')
    return load
  }

  /** The number of its acknowledged writes. */
  async writes(): Promise<number> {
    return Number(await this.#program.call('writes'))
  }

  /** The longest time between two replies since the last call, milliseconds. */
  async gap(): Promise<number> {
    return Number(await this.#program.call('gap'))
  }

  /** Ends its writes; it keeps its session, the ephemeral and the lock. */
  async end(): Promise<Outcome> {
    const [session = '', acknowledged, sent, lost = ''] = (await this.#program.call('end')).split(' ')
    const names = (await this.#program.call('names')).split(',').filter((name) => name !== '')
    return { session, acknowledged: Number(acknowledged), sent: Number(sent), lost, names }
  }

  close(): Promise<void> {
    return this.#program.close()
  }
}
