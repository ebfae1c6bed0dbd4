/**
 * The tree as rows: which znodes are open, and the pages of their children that were read. A list of a hundred thousand children is a
 * run of rows; only the pages that are seen are read.
 */
import type { Child, Children } from '../../src/api.ts'

export const pageSize = 200

export interface Row {
  readonly path: string
  readonly name: string
  readonly depth: number
  /** Undefined while its page is on the way. */
  readonly child: Child | undefined
  readonly isOpen: boolean
  /** Position among its siblings, from 1, and their number. */
  readonly position: number
  readonly siblings: number
}

/** An open znode. */
interface Opened {
  total: number
  /** The state of its list that the rows show. */
  state: string
  readonly pages: Map<number, readonly Child[]>
  /** Where the open ones among its children stand. */
  places: Map<string, number>
  isLoading: boolean
  /** The newest state of its list that was heard of. */
  heard: string
  /** Its list is being read because of that. */
  isFollowing: boolean
}

/** A run of rows: children `from` to `to` of one znode. */
interface Run {
  readonly parent: string
  readonly depth: number
  readonly from: number
  readonly count: number
  /** The first row. */
  readonly start: number
}

function closedList(): Opened {
  return {
    total: 0,
    state: '',
    pages: new Map(),
    places: new Map(),
    isLoading: false,
    heard: '',
    isFollowing: false,
  }
}

/** After a read that took longer than this, milliseconds, the list rests. */
const restFromMs = 50

type Read = (path: string, offset: number, limit: number, find: readonly string[]) => Promise<Children>

export function childPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}

export function parentOf(path: string): string {
  const at = path.lastIndexOf('/')
  return at <= 0 ? '/' : path.slice(0, at)
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The paths above `path`, the root first, and `path` itself. */
export function lineTo(path: string): string[] {
  if (path === '/') return ['/']
  const names = path.slice(1).split('/')
  return ['/', ...names.map((_, i) => `/${names.slice(0, i + 1).join('/')}`)]
}

export class TreeModel {
  readonly #read: Read
  readonly #changed: () => void
  readonly #failed: (error: unknown) => void
  readonly #open = new Map<string, Opened>()
  #runs: Run[] = []
  #count = 1

  constructor(read: Read, changed: () => void, failed: (error: unknown) => void) {
    this.#read = read
    this.#changed = changed
    this.#failed = failed
  }

  /** Rows, with the root. */
  get count(): number {
    return this.#count
  }

  get openPaths(): string[] {
    return [...this.#open.keys()]
  }

  isOpen(path: string): boolean {
    return this.#open.has(path)
  }

  /** Opens `path` and everything above it. */
  async open(path: string): Promise<void> {
    for (const each of lineTo(path)) {
      if (this.#open.has(each)) continue
      this.#open.set(each, closedList())
      await this.reload(each)
      const parent = this.#open.get(parentOf(each))
      if (each !== '/' && parent !== undefined && !parent.places.has(nameOf(each))) await this.reload(parentOf(each))
    }
  }

  close(path: string): void {
    for (const each of [...this.#open.keys()]) {
      if (each === path || each.startsWith(path === '/' ? '/' : `${path}/`)) this.#open.delete(each)
    }
    this.#layOut()
  }

  /** Reads the list of an open znode again; the pages that were read before are replaced when they are seen next. */
  async reload(path: string): Promise<void> {
    const opened = this.#open.get(path)
    if (opened === undefined) return
    const names = [...this.#open.keys()].filter((each) => each !== '/' && parentOf(each) === path).map(nameOf)
    const offset = Math.min(...opened.pages.keys(), Number.MAX_SAFE_INTEGER)
    const page = offset === Number.MAX_SAFE_INTEGER ? 0 : offset
    try {
      const { total, state, children, places } = await this.#read(path, page * pageSize, pageSize, names)
      opened.total = total
      opened.state = state
      opened.pages.clear()
      opened.pages.set(page, children)
      opened.places = new Map(names.map((name, i) => [name, places[i] ?? -1]))
      // One that is gone takes what is below it with it.
      for (const [name, place] of opened.places) if (place < 0) this.close(childPath(path, name))
    } catch (error) {
      this.#open.delete(path)
      this.#failed(error)
    }
    this.#layOut()
  }

  /** The list of `path` is in this state now. One that changes all the time is read again and again, with rests between. */
  async hear(path: string, state: string): Promise<void> {
    const opened = this.#open.get(path)
    if (opened === undefined) return
    opened.heard = state
    if (opened.isFollowing) return
    opened.isFollowing = true
    // What was read may be newer than what was heard: then the next state that is heard decides.
    for (let read = ''; opened.heard !== opened.state && opened.heard !== read && this.#open.get(path) === opened; ) {
      read = opened.heard
      const begun = performance.now()
      await this.reload(path)
      const took = performance.now() - begun
      if (took > restFromMs) await new Promise((resolve) => setTimeout(resolve, 2 * took))
    }
    opened.isFollowing = false
  }

  row(index: number): Row {
    if (index === 0) {
      return { path: '/', name: '/', depth: 0, child: undefined, isOpen: this.isOpen('/'), position: 1, siblings: 1 }
    }
    const run = this.#runAt(index)
    const place = run.from + index - run.start
    const opened = this.#open.get(run.parent)
    const child = opened?.pages.get(Math.floor(place / pageSize))?.[place % pageSize]
    const name = child?.name ?? ''
    const path = child === undefined ? '' : childPath(run.parent, name)
    if (child === undefined) this.#want(run.parent, Math.floor(place / pageSize))
    return {
      path,
      name,
      depth: run.depth,
      child,
      isOpen: this.isOpen(path),
      position: place + 1,
      siblings: opened?.total ?? 0,
    }
  }

  /** The row of a znode; undefined where it is not known. */
  indexOf(path: string): number | undefined {
    if (path === '/') return 0
    const opened = this.#open.get(parentOf(path))
    const place = opened?.places.get(nameOf(path)) ?? this.#placeInPages(opened, nameOf(path))
    if (place === undefined || place < 0) return undefined
    const run = this.#runs.find(
      ({ parent, from, count }) => parent === parentOf(path) && place >= from && place < from + count,
    )
    return run && run.start + place - run.from
  }

  #placeInPages(opened: Opened | undefined, name: string): number | undefined {
    for (const [page, children] of opened?.pages ?? []) {
      const at = children.findIndex((each) => each.name === name)
      if (at >= 0) return page * pageSize + at
    }
    return undefined
  }

  #runAt(index: number): Run {
    let [low, high] = [0, this.#runs.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#runs[middle]?.start ?? 0) <= index) low = middle
      else high = middle - 1
    }
    return this.#runs[low] ?? { parent: '/', depth: 1, from: 0, count: 0, start: 1 }
  }

  #want(parent: string, page: number): void {
    const opened = this.#open.get(parent)
    // A page that was read and lacks a row is not read again by itself: the list is shorter than it was.
    if (opened === undefined || opened.isLoading || opened.pages.has(page)) return
    opened.isLoading = true
    this.#read(parent, page * pageSize, pageSize, []).then(
      ({ children, state }) => {
        opened.isLoading = false
        opened.pages.set(page, children)
        if (state === opened.state) this.#changed()
        else void this.reload(parent)
      },
      (error: unknown) => {
        opened.isLoading = false
        this.#failed(error)
      },
    )
  }

  /** Cuts the list of each open znode where an open child stands, because the rows of that child follow it. */
  #layOut(): void {
    const runs: Run[] = []
    let start = 1
    const visit = (parent: string, depth: number): void => {
      const opened = this.#open.get(parent)
      if (opened === undefined) return
      const cuts = [...opened.places].filter(([, place]) => place >= 0).sort(([, a], [, b]) => a - b)
      let from = 0
      const add = (to: number): void => {
        if (to > from) runs.push({ parent, depth, from, count: to - from, start })
        start += Math.max(0, to - from)
        from = Math.max(from, to)
      }
      for (const [name, place] of cuts) {
        if (!this.#open.has(childPath(parent, name))) continue
        add(place + 1)
        visit(childPath(parent, name), depth + 1)
      }
      add(opened.total)
    }
    visit('/', 1)
    this.#runs = runs
    this.#count = start
    this.#changed()
  }
}
