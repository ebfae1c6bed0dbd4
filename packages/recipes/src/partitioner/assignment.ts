/**
 * The oldest member computes the next assignment from the last one and writes it. The version of the assignment znode keeps apart
 * two members that both believe to be the oldest.
 */
import { type Client, type Codec, json, type ZnodePath } from '@lightkeeper/client'
import { Backoff } from '../common/backoff.ts'
import { createBelow } from '../common/container.ts'
import { isRace } from '../common/errors.ts'
import { type Assignment, assign } from './assign.ts'

/** What the assignment znode holds. */
export interface Written {
  /** Members in no particular order. */
  readonly members: readonly string[]
  /** Items by member. */
  readonly assigned: Readonly<Record<string, readonly string[]>>
}

const plain = json()

/** The codec of the assignment znode. What anything else than a member wrote is unreadable, and the oldest member writes over it. */
export const assignmentCodec = {
  encode: (value: Written) => plain.encode(value),
  decode(data: Uint8Array): Written {
    const value = plain.decode(data)
    if (!isWritten(value)) throw new TypeError('the data is not an assignment')
    return value
  },
} as const satisfies Codec<Written>

function isWritten(value: unknown): value is Written {
  if (typeof value !== 'object' || value === null) return false
  const { members, assigned } = value as { readonly members?: unknown; readonly assigned?: unknown }
  const isObject = typeof assigned === 'object' && assigned !== null && !Array.isArray(assigned)
  return areTexts(members) && isObject && Object.values(assigned).every(areTexts)
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

/** Waits after failures, milliseconds: an ACL or a quota may change, and work may succeed later. */
export const retry = { baseMs: 1_000, maxMs: 60_000 }

/** The assignment znode as last seen: no value where it is missing or cannot be read, version -1 where it is missing. */
export interface Current {
  readonly value: Written | undefined
  readonly version: number
}

/** What to write after `value`; undefined where `value` is right already. */
export function nextAssignment(
  items: readonly string[],
  members: readonly string[],
  value: Written | undefined,
): Written | undefined {
  const before = assignmentOf(value)
  const all = [...new Set(items)]
  const isSame =
    value !== undefined &&
    value.members.length === members.length &&
    members.every((member) => value.members.includes(member)) &&
    before.size === all.length &&
    all.every((item) => members.includes(before.get(item) ?? ''))
  if (isSame) return undefined
  const order = [...members].sort()
  const assigned: Record<string, string[]> = {}
  for (const [item, member] of assign(all, order, before)) (assigned[member] ??= []).push(item)
  return { members: order, assigned }
}

function assignmentOf(value: Written | undefined): Assignment {
  const owners = new Map<string, string>()
  for (const [member, items] of Object.entries(value?.assigned ?? {}))
    for (const item of items) owners.set(item, member)
  return owners
}

/** What a member knows of its group from its watches. */
export interface GroupView {
  /** The czxid of each member's znode, by name; undefined while they are not known. */
  members: ReadonlyMap<string, bigint> | undefined
  /** Undefined while it is not known. */
  current: Current | undefined
}

export class AssignmentWriter {
  readonly #zk: Client
  readonly #path: ZnodePath
  readonly #member: string
  readonly #items: readonly string[]
  readonly #view: Readonly<GroupView>
  readonly #signal: AbortSignal
  readonly #backoff: Backoff
  #isWriting = false
  #isAskedAgain = false

  /** `path` is the assignment znode, `member` this member. Nothing is written after `signal` has aborted. */
  constructor(
    zk: Client,
    path: ZnodePath,
    member: string,
    items: readonly string[],
    view: Readonly<GroupView>,
    signal: AbortSignal,
  ) {
    this.#zk = zk
    this.#path = path
    this.#member = member
    this.#items = items
    this.#view = view
    this.#signal = signal
    this.#backoff = new Backoff(zk, retry)
  }

  /** Call this whenever the view has changed. Writes in the background if this member is the oldest and a new assignment is due. */
  lead(): void {
    if (this.#isWriting) {
      this.#isAskedAgain = true
      return
    }
    const next = this.#next()
    if (next === undefined) return
    this.#isWriting = true
    void this.#write(next).then((isDone) => {
      this.#isWriting = false
      const again = this.#isAskedAgain || !isDone
      this.#isAskedAgain = false
      if (again) this.lead()
    })
  }

  #next(): { readonly value: Written; readonly version: number } | undefined {
    const { members, current } = this.#view
    if (this.#signal.aborted || members === undefined || current === undefined) return undefined
    const mine = members.get(this.#member)
    if (mine === undefined || [...members.values()].some((czxid) => czxid < mine)) return undefined
    const value = nextAssignment(this.#items, [...members.keys()], current.value)
    return value && { value, version: current.version }
  }

  /** Resolves to false where another try is needed. The watch reports what other members write meanwhile. */
  async #write({ value, version }: { readonly value: Written; readonly version: number }): Promise<boolean> {
    const signal = this.#signal
    const data = assignmentCodec.encode(value)
    try {
      if (version === -1) await createBelow(this.#zk, this.#path, data, { signal })
      else await this.#zk.set(this.#path, data, { version, idempotent: true, signal })
      this.#backoff.reset()
      return true
    } catch (error) {
      if (isRace(error) || signal.aborted) return true
      await this.#backoff.pause(signal)
      return false
    }
  }
}
