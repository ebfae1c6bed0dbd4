/** What an admin page is, and what it is made from. */
import type { Runtime } from '@lightkeeper/runtime'
import type { Replica } from '../replica.ts'
import type { Storage } from '../storage/storage.ts'
import type { PageData } from './answers.ts'
import type { ServerView } from './view.ts'

/** What a page is made from. */
export interface PageSources {
  readonly server: ServerView
  readonly replica: Replica
  /** Undefined where data is in memory only. */
  readonly storage: Storage | undefined
  readonly runtime: Runtime
  /** The first value of each parameter of the query. */
  readonly query: ReadonlyMap<string, string>
}

export interface Page {
  /** The primary name first. */
  readonly names: readonly [primary: string, ...aliases: string[]]
  make(sources: PageSources): PageData | Promise<PageData>
}
