/** Servers of Apache with a member of ours: how the files of this folder start and compare them. */
import { mkdirSync } from 'node:fs'
import { type Client, type ConnectOptions, connect } from '@lightkeeper/client'
import type { ZnodePath } from '@lightkeeper/protocol'
import { type Log, silentLog } from '@lightkeeper/runtime'
import { type RunningServer, type ServerOptions, startServer } from '@lightkeeper/server'
import {
  type ApacheOptions,
  type ApacheServer,
  type ApacheVersion,
  apache,
  apacheAvailable,
  ask,
  type Guest,
} from '@lightkeeper/testing'
import { expect } from 'vitest'
import { dumpTree } from '../../support/tree-dump.ts'
import { until } from '../../support/wait.ts'

/** CI has time for all files with the newest one, and names 3.8 for some (`ENSEMBLE_VERSION`); `--long` has both everywhere. */
export const versions: readonly ApacheVersion[] =
  process.env['INTEROP_LONG'] !== undefined
    ? ['3.9', '3.8']
    : [process.env['ENSEMBLE_VERSION'] === '3.8' ? '3.8' : '3.9']

/** Why a version cannot be asked, printed; with INTEROP=require that is an error. */
export function missingVersion(version: ApacheVersion): string | undefined {
  const found = apacheAvailable(version)
  if (found.available) return undefined
  if (process.env['INTEROP'] === 'require') throw new Error(`Apache ${version} is required: ${found.reason}`)
  console.log(`a member among Apache ${version}: skipped, because ${found.reason}`)
  return found.reason
}

export const times = { tickTime: 500, initLimit: 20, syncLimit: 8 }

export function trio(version: ApacheVersion, options: Partial<ApacheOptions> = {}): Promise<ApacheServer> {
  return apache({ version, size: 3, guests: 1, ...options, config: { ...times, ...options.config } })
}

/** Two servers of Apache, and room for a voter of ours, which has the smallest number. */
export function pair(version: ApacheVersion, options: Partial<ApacheOptions> = {}): Promise<ApacheServer> {
  return trio(version, { size: 2, guestRole: 'participant', guestsFirst: true, ...options })
}

export interface MemberStart {
  readonly dataDir: string
  readonly options?: ServerOptions
  readonly log?: Log
}

/** Starts ours as the guest of an ensemble. Resolves when it accepts connections; it may not serve yet. */
export function member(guest: Guest, { dataDir, options = {}, log = silentLog }: MemberStart): Promise<RunningServer> {
  mkdirSync(dataDir, { recursive: true })
  return startServer(
    {
      ...times,
      members: guest.lines,
      myid: guest.sid,
      clientPort: guest.clientPort,
      dataDir,
      fourLetterWordWhitelist: '*',
      adminEnableServer: false,
      maxClientCnxns: 0,
      ...options,
    },
    { log },
  )
}

/** A member of ours that a test starts and stops, and what it has said since its last start. */
export class Ours {
  readonly port: number
  readonly dataDir: string
  lines: string[] = []
  readonly #guest: Guest
  readonly #mode: string | RegExp
  #running: RunningServer | undefined

  /** `mode` is what it is when it serves, see `serving`. */
  constructor(guest: Guest, dataDir: string, mode: string | RegExp) {
    this.port = guest.clientPort
    this.dataDir = dataDir
    this.#guest = guest
    this.#mode = mode
  }

  /** Resolves when it serves clients. */
  async start(options: ServerOptions = {}): Promise<void> {
    this.lines = []
    const log: Log = (_level, message, facts) => {
      this.lines.push(`${message} ${Object.entries(facts ?? {}).join(' ')}`)
    }
    this.#running = await member(this.#guest, { dataDir: this.dataDir, log, options })
    await serving(this.port, this.#mode)
  }

  async stop(): Promise<void> {
    await this.#running?.close()
    this.#running = undefined
  }

  said(text: string): boolean {
    return this.lines.some((line) => line.includes(text))
  }
}

/**
 * The servers at `others` have the same tree as the one at `port`, the same digests, and at those of `counted` no digest ever was another
 * one: all of them, unless it says otherwise.
 */
export async function areEqual(
  port: number,
  others: readonly number[],
  counted: readonly number[] = [port, ...others],
): Promise<void> {
  await using here = await connectTo(port)
  const tree = await sharedTree(here)
  for (const other of others) {
    await using there = await connectTo(other)
    expect(await sharedTree(there)).toEqual(tree)
    await commonDigests(port, other)
  }
  for (const each of counted) expect(await figure(each, 'digest_mismatches_count'), `port ${each}`).toBe(0)
}

export async function connectTo(port: number, options: ConnectOptions = {}): Promise<Client> {
  return connect(`127.0.0.1:${port}`, options)
}

/** What `srvr` says of the mode; undefined while nobody is served. */
export async function modeAt(port: number): Promise<string | undefined> {
  const answer = await ask(port, 'srvr').catch(() => '')
  return /^Mode: (.*)$/m.exec(answer)?.[1]
}

/** Resolves when the server at `port` serves clients. */
export async function serving(port: number, mode: string | RegExp = 'observer'): Promise<void> {
  await until(
    async () => new RegExp(mode).test((await modeAt(port)) ?? ''),
    () => `${mode} at port ${port}`,
  )
}

/** What a voter is that serves clients. */
export const voting = /^(follower|leader)$/

/** Waits until one server leads: one of Apache's, by its index, or ours at `port`, whose index is behind them. */
export async function leaderOf(others: ApacheServer, port?: number): Promise<number> {
  let leader: number | undefined
  await until(async () => {
    leader = await others.leader()
    if (port !== undefined && (await modeAt(port)) === 'leader') leader ??= others.ports.length
    return leader !== undefined
  })
  return leader as number
}

export function zxidAt(port: number): Promise<bigint> {
  return ask(port, 'srvr').then((answer) => BigInt(/^Zxid: (0x[0-9a-f]+)$/m.exec(answer)?.[1] ?? 0))
}

/** The digests that two servers keep are equal where both have one. Resolves to the number of those. */
export async function commonDigests(port: number, other: number): Promise<number> {
  const [own, theirs] = [await digestsAt(port), await digestsAt(other)]
  const common = [...own].filter(([zxid]) => theirs.has(zxid))
  expect(common).toEqual(common.map(([zxid]) => [zxid, theirs.get(zxid)]))
  return common.length
}

export async function figure(port: number, name: string): Promise<number> {
  const answer = await ask(port, 'mntr')
  const text = new RegExp(`^zk_${name}\\t(.*)$`, 'm').exec(answer)?.[1]
  if (text === undefined) throw new Error(`mntr has no ${name}`)
  return Number(text)
}

/** The digests that a server keeps, by zxid. */
export async function digestsAt(port: number): Promise<ReadonlyMap<string, string>> {
  const lines = (await ask(port, 'hash')).split('\n').filter((line) => line.includes(': '))
  return new Map(lines.map((line) => line.split(': ', 2) as [string, string]))
}

/** The data of a znode as text, seen by a client that has everything that was written before. */
export async function textAt(zk: Client, path: ZnodePath): Promise<string> {
  await zk.sync(path)
  return new TextDecoder().decode((await zk.get(path)).data)
}

/** The tree as text, without the time at which each member wrote its own lines into /zookeeper/config. */
export async function sharedTree(zk: Client): Promise<string[]> {
  await zk.sync('/')
  return (await dumpTree(zk)).map(
    (line) => (line.startsWith('/zookeeper/config ') ? line.split(' ')[0] : line) as string,
  )
}
