/** What the routes of the gateway work with. */
import type { Client } from '@lightkeeper/client'
import type { Log, Runtime } from '@lightkeeper/runtime'
import type { PastDirectory } from '@lightkeeper/tools'
import type { KeptFigures } from '../servers/kept.ts'
import type { Sampler } from '../servers/sampler.ts'
import type { ChildLists } from './child-lists.ts'

export interface House {
  readonly zk: Client
  readonly runtime: Runtime
  readonly log: Log
  /** The connect string, for people. */
  readonly servers: string
  /** The part of the tree that the client sees as its root; empty for all of it. */
  readonly chroot: string
  readonly allowsWrites: boolean
  readonly lists: ChildLists
  /** Figures that the console measures. */
  readonly sampler: Sampler
  /** Servers that keep figures themselves. */
  readonly kept: readonly KeptFigures[]
  /** Addresses of all servers, `host:port`. */
  addresses(): Promise<readonly string[]>
  /** The answer of one server to a four-letter word. @throws Error with a sentence for people. */
  ask(address: string, word: string): Promise<string>
  /** Ends a session on its server, false where there is no such session; undefined where the console cannot. */
  readonly endSession: ((session: bigint) => boolean) | undefined
  /** Undefined where neither a data directory nor an admin port is given. */
  readonly openPast: (() => Promise<PastDirectory>) | undefined
}

/** A whole subtree is read for a live stream, recipes and the like: up to so many znodes. */
export const wholeMax = 200_000
