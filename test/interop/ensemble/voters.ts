/**
 * Three voters, each a process of ours or of Apache's on a directory of its own; the same file starts either of them. How tests kill
 * them, choose who leads, and compare what they have.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, connect } from '@lightkeeper/client'
import {
  type ApacheOptions,
  type ApacheServer,
  type ApacheVersion,
  apache,
  type Guest,
  type GuestProcess,
} from '@lightkeeper/testing'
import { expect } from 'vitest'
import { SteadyWriters } from '../../crash/steady-writers.ts'
import { type OurProcess, ourProcess } from '../../support/our-process.ts'
import { until } from '../../support/wait.ts'
import { areEqual, commonDigests, connectTo, figure, modeAt, times, voting } from './trio.ts'

export type Kind = 'ours' | 'apache'

/** Long, since a busy machine takes its time to start a server of Apache. */
export const sessionTimeout = 40_000

/** One of the three. It has the same port and directory whichever kind of server it is. */
export class Voter {
  kind: Kind
  readonly port: number
  readonly quorumPort: number
  readonly electionPort: number
  readonly dataDir: string
  /** More lines of its file, from the next start on. */
  config: ApacheOptions['config']
  readonly #version: ApacheVersion
  readonly #guest: Guest
  #hadImage = false
  #ours: OurProcess | undefined
  #theirs: GuestProcess | undefined

  constructor(kind: Kind, version: ApacheVersion, guest: Guest, dataDir: string, config: ApacheOptions['config']) {
    this.kind = kind
    this.#version = version
    this.port = guest.clientPort
    this.dataDir = dataDir
    this.#guest = guest
    this.config = config
    const [, quorum, election] = (guest.lines[`server.${guest.sid}`] ?? '').split(':')
    this.quorumPort = Number(quorum)
    this.electionPort = Number(election)
  }

  get isRunning(): boolean {
    return (this.#ours ?? this.#theirs) !== undefined
  }

  /**
   * Whether a digest that differed is a fault of this server. Apache's count, among themselves too, where an image under load holds later
   * transactions, which come again behind it; 3.8 also after ZOOKEEPER-4394, since it logged what it had twice, and reads that.
   */
  get isCounted(): boolean {
    return this.kind === 'ours' || (this.#version !== '3.8' && !this.#hadImage)
  }

  /** While it does not run: it starts with nothing, and gets an image. */
  empty(): void {
    rmSync(join(this.dataDir, 'version-2'), { recursive: true })
    this.#hadImage = true
  }

  /** Resolves when it serves, so there must be a majority, or one must be about to come. */
  async start(): Promise<void> {
    if (this.kind === 'apache') this.#theirs = await this.#guest.start(this.dataDir, this.config)
    else this.#ours = await ourProcess([this.#guest.configure(this.dataDir, this.config)])
    await until(
      async () => voting.test((await this.mode()) ?? ''),
      () => `a voter of ${this.kind} that serves: ${this.#ours?.errors()}`,
    )
  }

  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const [ours, theirs] = [this.#ours, this.#theirs]
    this.#ours = undefined
    this.#theirs = undefined
    if (ours !== undefined) {
      await ours.end(signal)
      // What is wrong in itself, and not because a neighbour is away.
      expect(ours.errors()).not.toMatch(/ ERROR |DIFFERS/)
    }
    await (signal === 'SIGKILL' ? theirs?.kill() : theirs?.stop())
  }

  mode(): Promise<string | undefined> {
    return modeAt(this.port)
  }
}

export interface VotersOptions {
  /** More lines of the file of one of them, which counts from 0. */
  readonly settingsOf?: (index: number) => ApacheOptions['config']
  readonly jars?: string
  /** Options of the JVM of those of Apache. */
  readonly jvm?: readonly string[]
  /** The hosts at which each of them is looked for. */
  readonly hosts?: readonly string[]
}

export class Voters implements AsyncDisposable {
  readonly all: readonly Voter[]
  readonly #folder: string
  readonly #ground: ApacheServer

  private constructor(all: readonly Voter[], folder: string, ground: ApacheServer) {
    this.all = all
    this.#folder = folder
    this.#ground = ground
  }

  /** Starts the three; `kinds` says what each is, by its number. */
  static async start(
    version: ApacheVersion,
    kinds: readonly [Kind, Kind, Kind],
    { settingsOf = () => ({}), jars, jvm = [], hosts = ['127.0.0.1'] }: VotersOptions = {},
  ): Promise<Voters> {
    const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-voters-'))
    const config = { ...times, maxSessionTimeout: sessionTimeout }
    const guests = { size: 0, guests: kinds.length, guestRole: 'participant' } as const
    const ground = await apache({ version, config, jvm, hosts, ...guests, ...(jars === undefined ? {} : { jars }) })
    const all = ground.guests.map(
      (guest, i) => new Voter(kinds[i] as Kind, version, guest, join(folder, `${guest.sid}`), settingsOf(i)),
    )
    const voters = new Voters(all, folder, ground)
    try {
      await Promise.all(all.map((voter) => voter.start()))
    } catch (error) {
      await voters[Symbol.asyncDispose]()
      throw error
    }
    return voters
  }

  get connectString(): string {
    return this.all.map(({ port }) => `127.0.0.1:${port}`).join(',')
  }

  /**
   * Has `next` elected while `writes` go on: of the last two that run, it is the one that has more. Each of the other two is killed, and
   * comes back.
   */
  async lead(next: Voter, writes: () => Promise<void>): Promise<void> {
    const [first, second] = this.all.filter((voter) => voter !== next) as [Voter, Voter]
    await first.end()
    // Only the other two have these.
    await writes()
    await second.end()
    await first.start()
    expect(await next.mode()).toBe('leader')
    await second.start()
  }

  /** Nobody writes meanwhile. */
  areEqual(): Promise<void> {
    const [first, ...others] = this.all.map(({ port }) => port) as [number, ...number[]]
    return areEqual(first, others, this.#counted)
  }

  get #counted(): number[] {
    return this.all.filter(({ isCounted }) => isCounted).map(({ port }) => port)
  }

  /** The digests of each transaction are equal where two of them keep one, and none ever differed from that of the leader. */
  async agree(): Promise<void> {
    const [first, ...others] = this.all as [Voter, ...Voter[]]
    for (const { port } of others) await commonDigests(first.port, port)
    for (const port of this.#counted) expect(await figure(port, 'digest_mismatches_count'), `port ${port}`).toBe(0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.all.map((voter) => voter.end()))
    await this.#ground.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Clients that write all the time to whichever server serves, and one that holds an ephemeral. */
export class Load implements AsyncDisposable {
  readonly #voters: Voters
  readonly #writers: SteadyWriters
  readonly #holder: Client
  readonly #owner: bigint | undefined

  private constructor(voters: Voters, writers: SteadyWriters, holder: Client) {
    this.#voters = voters
    this.#writers = writers
    this.#holder = holder
    this.#owner = holder.sessionId
  }

  static async start(voters: Voters): Promise<Load> {
    const holder = await connect(voters.connectString, { sessionTimeout })
    await holder.create('/held', '', { mode: 'ephemeral' })
    return new Load(voters, await SteadyWriters.start(voters.connectString, 2, 2), holder)
  }

  /** Resolves when some writes more were acknowledged. */
  readonly goesOn = async (): Promise<void> => {
    const before = this.#writers.acknowledged
    await until(() => this.#writers.acknowledged > before + 5)
  }

  /** Every server that runs has every acknowledged write, and the ephemeral of the same session. */
  async check(): Promise<void> {
    expect(this.#holder.sessionId).toBe(this.#owner)
    for (const { port, isRunning } of this.#voters.all) {
      if (!isRunning) continue
      expect(await this.#writers.check(`127.0.0.1:${port}`)).toEqual([])
      await using zk = await connectTo(port)
      await zk.sync('/held')
      expect((await zk.exists('/held'))?.ephemeralOwner).toBe(this.#owner)
    }
  }

  stop(): Promise<void> {
    return this.#writers.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writers.close()
    await this.#holder.close()
  }
}
