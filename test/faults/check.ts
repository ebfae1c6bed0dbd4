/**
 * What must hold after a fault, decided from the replies that clients got and from the tree at the end. Pure;
 * workload.ts gathers.
 */
import type { WatchChange } from '@lightkeeper/client'

export type WriteOutcome = 'pending' | 'ok' | 'rejected' | 'unknown' | 'not-sent'

export type Step =
  | { readonly kind: 'create'; readonly path: string; readonly data: string }
  | { readonly kind: 'set'; readonly path: string; readonly data: string; readonly version?: number }
  | { readonly kind: 'delete'; readonly path: string }

/** A write of one step, or a transaction of several. */
export interface Write {
  readonly steps: readonly Step[]
  outcome: WriteOutcome
  /** Why it failed; of a transaction, why the step did that made it fail. */
  code?: string | undefined
  /** The version in the reply, for each step; undefined if the reply has none. */
  versions?: readonly (number | undefined)[]
}

/** A create whose name the server completes; its data is unique. */
export interface NamedCreate {
  readonly data: string
  outcome: WriteOutcome
  /** What the reply said. */
  path?: string
  /** Session it belongs to, 0n if to none. */
  owner: bigint
}

export interface Znode {
  readonly data: string
  readonly version: number
  readonly mzxid: bigint
  readonly owner: bigint
}
export type Tree = ReadonlyMap<string, Znode>

// -- znodes of one writer -----------------------------------------------------------------------------------------------

interface Content {
  readonly data: string
  readonly version: number
}
type State = ReadonlyMap<string, Content>
/** The state after a step, or the code it fails with. */
type Stepped = State | string

function step(state: State, each: Step): Stepped {
  const known = state.get(each.path)
  if (each.kind === 'create') {
    if (known !== undefined) return 'NODE_EXISTS'
    return new Map(state).set(each.path, { data: each.data, version: 0 })
  }
  if (known === undefined) return 'NO_NODE'
  const next = new Map(state)
  if (each.kind === 'delete') {
    next.delete(each.path)
    return next
  }
  if (each.version !== undefined && each.version !== known.version) return 'BAD_VERSION'
  return next.set(each.path, { data: each.data, version: known.version + 1 })
}

function apply(state: State, { steps }: Write): Stepped {
  let next: Stepped = state
  for (const each of steps) {
    next = step(next as State, each)
    if (typeof next === 'string') return next
  }
  return next
}

const decided = new Set(['NODE_EXISTS', 'NO_NODE', 'BAD_VERSION'])
const text = (state: State): string =>
  [...state]
    .map(([path, { data, version }]) => `${path}=${data}@${version}`)
    .sort()
    .join(' ') || 'nothing'

/**
 * Writes to znodes nobody else writes, each made after the one before had settled. Follows every state that what was told allows:
 * `ok` happened once, `rejected` and `not-sent` never, `unknown` once or never and then wholly. Returns what is wrong.
 */
export function checkWrites(writes: readonly Write[], tree: Tree): string[] {
  let states: State[] = [new Map()]
  for (const [i, write] of writes.entries()) {
    const next = new Map<string, State>()
    const keep = (state: State): void => void next.set(text(state), state)
    for (const state of states) {
      const after = apply(state, write)
      if (write.outcome === 'ok') {
        if (typeof after !== 'string' && write.steps.every(({ path }, s) => tells(write, s, after.get(path)?.version)))
          keep(after)
      } else if (write.outcome === 'rejected') {
        if (!decided.has(write.code ?? '') || after === write.code) keep(state)
      } else {
        keep(state)
        if (write.outcome !== 'not-sent' && typeof after !== 'string') keep(after)
      }
    }
    if (next.size === 0) {
      const what = write.steps.map(({ kind, path }) => `${kind} ${path}`).join(', ')
      const told = [write.outcome, write.code, write.versions?.join()].filter(Boolean).join(' ')
      return [`write ${i} (${what}) was told ${told}, which cannot be where there was ${states.map(text).join(' or ')}`]
    }
    states = [...next.values()]
  }
  const paths = new Set(writes.flatMap(({ steps }) => steps.map(({ path }) => path)))
  const found = new Map(
    [...paths].flatMap((path) => (tree.has(path) ? [[path, tree.get(path) as Znode] as const] : [])),
  )
  const end = text(found)
  if (states.some((state) => text(state) === end)) return []
  return [`at the end there is ${end}, and must be ${states.map(text).join(' or ')}`]
}

function tells({ versions }: Write, index: number, version: number | undefined): boolean {
  const told = versions?.[index]
  return told === undefined || told === version
}

/**
 * Checks creates with a counter in `folder`: one that was acknowledged exists under its name; none exists twice; a refused one
 * does not exist.
 */
export function checkNamedCreates(
  creates: readonly NamedCreate[],
  folder: string,
  tree: Tree,
  lives: (owner: bigint) => boolean,
): string[] {
  const wrong: string[] = []
  const byData = new Map<string, string[]>()
  for (const [path, { data }] of tree) {
    if (path.startsWith(`${folder}/`)) byData.set(data, [...(byData.get(data) ?? []), path])
  }
  const names = new Set<string>()
  for (const { data, outcome, path, owner } of creates) {
    const found = byData.get(data) ?? []
    byData.delete(data)
    if (found.length > 1) wrong.push(`${data} is there ${found.length} times: ${found.join(', ')}`)
    if (outcome === 'ok') {
      if (names.has(path ?? '')) wrong.push(`the name ${path} was given out twice`)
      names.add(path ?? '')
      const isKept = owner === 0n || lives(owner)
      if (isKept && found[0] !== path) wrong.push(`${data} was told to be ${path} and is ${found[0] ?? 'missing'}`)
      if (!isKept && found.length > 0) wrong.push(`${found[0]} outlives its session`)
    } else if (outcome !== 'unknown' && found.length > 0) {
      wrong.push(`${found[0]} is there, its create was told to be ${outcome}`)
    }
  }
  for (const paths of byData.values()) wrong.push(`${paths.join()} was written by nobody`)
  return wrong
}

/** Promises that have not settled in time. */
export function checkSettled(outcomes: readonly { readonly outcome: WriteOutcome }[]): string[] {
  const pending = outcomes.filter(({ outcome }) => outcome === 'pending').length
  return pending === 0 ? [] : [`${pending} writes did not settle`]
}

// -- watch streams ------------------------------------------------------------------------------------------------------

type Seen = { readonly value: string; readonly mzxid: bigint; readonly version: number }

/** What the consumer of a stream knows, built from its changes alone, which must form a chain. */
export class StreamModel {
  readonly name: string
  readonly problems: string[] = []
  readonly znodes = new Map<string, Seen>()
  readonly #told = new Map<string, bigint>()

  constructor(name: string) {
    this.name = name
  }

  take(change: WatchChange<string>): void {
    if (change.kind === 'ready' || change.kind === 'stale') return
    const { path } = change
    const known = this.znodes.get(path)
    const wrong = (what: string): void => void this.problems.push(`${this.name}: ${change.kind} ${path} ${what}`)
    if (change.kind === 'unreadable') return wrong(`: ${String(change.error)}`)
    if (change.kind === 'created' ? known !== undefined : known === undefined) {
      wrong(known === undefined ? 'of a znode that is not there' : 'of one that is there')
    }
    if (change.kind !== 'created') {
      const { previous } = change
      if (previous?.value !== known?.value || previous?.stat.mzxid !== known?.mzxid)
        wrong(`after ${previous?.value} at ${previous?.stat.mzxid}, told was ${known?.value} at ${known?.mzxid}`)
    }
    if (change.kind === 'deleted') {
      this.znodes.delete(path)
      return
    }
    const { mzxid, version } = change.stat
    const last = this.#told.get(path) ?? -1n
    if (mzxid <= last) wrong(`of mzxid ${mzxid}, told was ${last}`)
    if (change.kind === 'changed' && known !== undefined && change.missed !== version - known.version - 1) {
      wrong(`tells ${change.missed} missed from version ${known.version} to ${version}`)
    }
    this.#told.set(path, mzxid)
    this.znodes.set(path, { value: change.value, mzxid, version })
  }

  /** What differs from the tree, where `covers` says which paths the stream is about. */
  differences(tree: Tree, covers: (path: string) => boolean): string[] {
    const wrong: string[] = []
    for (const [path, { data, mzxid }] of tree) {
      if (!covers(path)) continue
      const known = this.znodes.get(path)
      if (known === undefined) wrong.push(`${this.name}: never told of ${path}`)
      else if (known.value !== data || known.mzxid !== mzxid)
        wrong.push(`${this.name}: ${path} is ${data} at ${mzxid}, told was ${known.value} at ${known.mzxid}`)
    }
    for (const path of this.znodes.keys()) if (!tree.has(path)) wrong.push(`${this.name}: ${path} is gone, untold`)
    return wrong
  }
}

// -- readers and sessions -----------------------------------------------------------------------------------------------

/** Reads of one client, one after another: none may show an older state than one before it. */
export class ForwardReads {
  readonly problems: string[] = []
  readonly #newest = new Map<string, bigint>()
  reads = 0

  note(what: string, zxid: bigint): void {
    this.reads++
    const before = this.#newest.get(what) ?? -1n
    if (zxid < before) this.problems.push(`${what} went back from ${before} to ${zxid}`)
    else this.#newest.set(what, zxid)
  }
}

export interface Owned {
  readonly path: string
  readonly owner: bigint
}

/** Ephemerals live as long as their session, and no longer. */
export function checkEphemerals(owned: readonly Owned[], tree: Tree, lives: (owner: bigint) => boolean): string[] {
  return owned.flatMap(({ path, owner }) => {
    const found = tree.get(path)
    if (lives(owner)) return found?.owner === owner ? [] : [`${path} is gone, its session lives`]
    return found === undefined ? [] : [`${path} is there, its session has ended`]
  })
}

export interface SessionSeen {
  readonly name: string
  readonly before: bigint
  readonly after: bigint
  /** Why the client says that it lost its session. */
  readonly reasons: readonly string[]
}

export function checkSessions(sessions: readonly SessionSeen[]): string[] {
  return sessions.flatMap(({ name, before, after, reasons }) => {
    if (before === after) return []
    return [`${name} lost its session ${before.toString(16)} for ${after.toString(16)}: ${reasons.join('; ')}`]
  })
}
