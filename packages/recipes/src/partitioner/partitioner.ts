/**
 * The members of a group divide a set of items: at most one member works on an item at a time, and in the end each item has a
 * member. assignment.ts writes the assignment, workers.ts does the work.
 */
import type { Client, ZnodePath } from '@lightkeeper/client'
import {
  callable,
  list,
  signal as signalCheck,
  timeout as timeoutCheck,
  wrongType,
} from '@lightkeeper/client/arguments'
import { callOptions, optionsOf } from '../arguments/options.ts'
import { checkPlace } from '../arguments/places.ts'
import { text } from '../arguments/values.ts'
import { Backoff } from '../common/backoff.ts'
import { isOver } from '../common/errors.ts'
import { type LeaveOptions, type LeftBehind, leaving, mayBeThere } from '../common/leaving.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { nameOf } from '../common/paths.ts'
import { uniqueName } from '../common/unique-name.ts'
import { type PersistentNode, persistentNode } from '../persistent-node/persistent-node.ts'
import { AssignmentWriter, assignmentCodec, type GroupView, retry } from './assignment.ts'
import { Workers, type WorkOptions } from './workers.ts'

/** `signal` and `timeout` end the wait until this member is in the group; then nothing of it is left. */
export interface PartitionerOptions extends WaitOptions, WorkOptions {
  /** The items to divide: the same for all members. */
  readonly items: readonly string[]
  /** Name of this member, for people; a unique one is added. Default empty. */
  readonly identifier?: string
}

/** A member of a group that shares items out: each item is worked on by one member. */
export interface Partitioner extends AsyncDisposable {
  /** The znode of the group. */
  readonly path: ZnodePath
  /** Unique name of this member. */
  readonly member: string
  /** Items that this member has locked now. */
  readonly held: ReadonlySet<string>
  /**
   * Ends all work, waits for it, and leaves the group. Resolves to undefined when that is done, or after `timeout` (default 5000
   * ms) to a KeeperError that says what remains: items whose work has not ended, the znode of the member. Never rejects.
   */
  close(options?: LeaveOptions): Promise<LeftBehind | undefined>
}

/**
 * Joins the group. Resolves when this member is in it.
 * @throws KeeperError as `create`, NO_NODE where the chroot does not exist; TIMEOUT; the reason of the signal.
 */
export async function partitioner(zk: Client, path: ZnodePath, options: PartitionerOptions): Promise<Partitioner> {
  checkPlace(zk, path, 'partitioner')
  const own = partitionerOptions(options, 'partitioner')
  if (own.items === undefined) throw wrongType('partitioner', 'options.items', 'a list of strings', own.items)
  if (own.work === undefined) throw wrongType('partitioner', 'options.work', 'a function', own.work)
  own.signal?.throwIfAborted()
  using limit = new Limit(zk, 'partitioner', path, own)
  const { identifier = '' } = own
  const member = `${identifier === '' ? '' : `${encodeURIComponent(identifier)}-`}${uniqueName(zk.random)}`
  const node = await persistentNode(zk, `${path}/members/${member}`, '', { signal: limit.signal })
  return new Membership(zk, path, node, own)
}

const partitionerOptions = optionsOf<PartitionerOptions>({
  items: list(text, 'a list of strings'),
  work: callable,
  identifier: text,
  onError: callable,
  signal: signalCheck,
  timeout: timeoutCheck,
})

class Membership implements Partitioner {
  readonly path: ZnodePath
  readonly #zk: Client
  readonly #node: PersistentNode
  readonly #stop = new AbortController()
  readonly #view: GroupView = { members: undefined, current: undefined }
  readonly #writer: AssignmentWriter
  readonly #workers: Workers
  readonly #followed: Promise<unknown>
  #gone: Promise<LeftBehind | undefined> | undefined

  /** `node` is the member's znode, and it exists. */
  constructor(zk: Client, path: ZnodePath, node: PersistentNode, options: PartitionerOptions) {
    this.#zk = zk
    this.path = path
    this.#node = node
    const { signal } = this.#stop
    this.#writer = new AssignmentWriter(zk, this.#assignmentPath, this.member, options.items, this.#view, signal)
    this.#workers = new Workers(zk, path, this.member, options)
    this.#followed = Promise.all([this.#followMembers(signal), this.#followAssignment(signal)])
  }

  get member(): string {
    return nameOf(this.#node.path)
  }

  get held(): ReadonlySet<string> {
    return this.#workers.held
  }

  get #assignmentPath(): ZnodePath {
    return `${this.path}/assignment`
  }

  async close(options?: LeaveOptions): Promise<LeftBehind | undefined> {
    const own = callOptions(options, 'partitioner.close')
    this.#gone ??= this.#leave()
    const { path } = this.#node
    const left = await leaving(this.#zk, 'close', path, this.#gone, own)
    if (left === undefined || this.held.size === 0) return left
    const message = `work has not ended on ${[...this.held].join(', ')}; the member is in the group until it has, or the session ends`
    return mayBeThere('close', path, message, left)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #leave(): Promise<LeftBehind | undefined> {
    this.#stop.abort()
    await Promise.all([this.#workers.end(), this.#followed])
    return this.#node.close({ timeout: Number.POSITIVE_INFINITY })
  }

  async #followMembers(signal: AbortSignal): Promise<void> {
    const path: ZnodePath = `${this.path}/members`
    await this.#forever(signal, async () => {
      const members = new Map<string, bigint>()
      this.#view.members = undefined
      for await (const change of this.#zk.watch(path, { children: true, signal })) {
        if (change.kind === 'stale') this.#view.members = undefined
        else if (change.kind === 'ready') this.#view.members = members
        else if (change.kind === 'deleted') members.delete(nameOf(change.path))
        else if (change.kind === 'created') members.set(nameOf(change.path), change.stat.czxid)
        this.#writer.lead()
      }
    })
  }

  async #followAssignment(signal: AbortSignal): Promise<void> {
    const view = this.#view
    await this.#forever(signal, async () => {
      for await (const change of this.#zk.watch(this.#assignmentPath, { codec: assignmentCodec, signal })) {
        if (change.kind === 'created' || change.kind === 'changed') {
          view.current = { value: change.value, version: change.stat.version }
        } else if (change.kind === 'unreadable' && change.stat !== undefined) {
          view.current = { value: undefined, version: change.stat.version }
        } else if (change.kind === 'deleted' || (change.kind === 'ready' && view.current === undefined)) {
          view.current = { value: undefined, version: -1 }
        } else continue
        this.#workers.assign(view.current.value?.assigned[this.member] ?? [])
        this.#writer.lead()
      }
    })
  }

  /** Runs `task` again after every failure, until this member leaves. */
  async #forever(signal: AbortSignal, task: () => Promise<void>): Promise<void> {
    const backoff = new Backoff(this.#zk, retry)
    while (!signal.aborted && !isOver(this.#zk)) {
      try {
        await task()
      } catch {
        await backoff.pause(signal)
      }
    }
  }
}
