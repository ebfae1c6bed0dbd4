/** The operations of a benchmark: what each prepares, and what one step of it does. */
import { type Client, op, openAcl, type ZnodePath } from '@lightkeeper/client'

export const benchOperations = ['create', 'get', 'set', 'mixed', 'watch', 'delete'] as const
export type BenchOperation = (typeof benchOperations)[number]

/** What a client must be able to do for a run. */
export type BenchClient = Pick<Client, 'clock' | 'random' | 'create' | 'delete' | 'get' | 'set' | 'transactionOf'>

export interface BenchPlan {
  /** What to measure, one after the other. */
  readonly operations: readonly BenchOperation[]
  /** Requests under way on each connection. */
  readonly window: number
  /** The time for each operation, milliseconds, without its preparation. */
  readonly timeMs: number
  /** Bytes of data of a znode. */
  readonly bytes: number
  /** How many znodes are read and written. */
  readonly znodes: number
  /** The most znodes that `create` makes and `delete` deletes. */
  readonly createdMax: number
  /** The share of writes of `mixed`, 0 to 1. */
  readonly writes: number
  /** Everything is below it. It exists. */
  readonly root: ZnodePath
}

/** What the operations of one run share. */
export interface LoadState {
  readonly plan: BenchPlan
  readonly clients: readonly BenchClient[]
  readonly data: Uint8Array
  /** Znodes that `create` has made, for `delete`. */
  readonly created: ZnodePath[]
  /** The znodes that are read and written exist. */
  hasZnodes: boolean
}

/** `done`: its own time counts. Numbers: these times count, milliseconds. `exhausted`: there is nothing left to do. */
export type Step = 'done' | 'exhausted' | readonly number[]

export interface Load {
  /** One for each connection; called again and again, `window` times at once. */
  readonly lanes: readonly (() => Promise<Step>)[]
}

const preparedAtOnce = 500
/** Longer than any event takes that will still come, milliseconds. */
const eventPatienceMs = 10_000

export const operations: Readonly<
  Record<BenchOperation, (state: LoadState, signal: AbortSignal | undefined) => Promise<Load>>
> = {
  async create(state, signal) {
    const { clients, plan, data, created } = state
    await makeFolders(state, 'made', plan.createdMax, signal)
    let next = 0
    const lane = (zk: BenchClient) => async (): Promise<Step> => {
      if (next >= plan.createdMax) return 'exhausted'
      const path = placeOf(state, 'made', next++)
      await zk.create(path, data)
      created.push(path)
      return 'done'
    }
    return { lanes: clients.map(lane) }
  },

  async get(state, signal) {
    await prepare(state, signal)
    return { lanes: state.clients.map((zk) => reader(state, zk)) }
  },

  async set(state, signal) {
    await prepare(state, signal)
    return { lanes: state.clients.map((zk) => writer(state, zk)) }
  },

  async mixed(state, signal) {
    await prepare(state, signal)
    const lane = (zk: BenchClient) => {
      const [read, write] = [reader(state, zk), writer(state, zk)]
      return (): Promise<Step> => (zk.random.below(1000) < state.plan.writes * 1000 ? write() : read())
    }
    return { lanes: state.clients.map(lane) }
  },

  /**
   * One connection sets a znode that all others watch (with one connection: itself). The times are those from the set to each event;
   * leaving the watches is not timed.
   */
  async watch({ clients, plan, data }, signal) {
    const [setting] = clients as readonly [BenchClient]
    const audience = clients.length > 1 ? clients.slice(1) : clients
    const paths = Array.from({ length: plan.window }, (_, i) => `${plan.root}/watched-${i}` as ZnodePath)
    await createAll(setting, paths, data, signal)
    const free = [...paths]
    const round = async (path: ZnodePath): Promise<Step> => {
      const watched = await Promise.all(audience.map((zk) => zk.get(path, { watch: true })))
      const sentAt = setting.clock.now()
      const times = watched.map(async ({ changed }) => {
        const event = await changed
        if (event?.type !== 'dataChanged') throw new Error(`an event of ${path} did not come: the session ended`)
        return setting.clock.now() - sentAt
      })
      const heard = Promise.all(times)
      heard.catch(() => {})
      await setting.set(path, data)
      return within(setting, heard, path)
    }
    // As many run at once as there are znodes.
    const lane = async (): Promise<Step> => {
      const path = free.pop() as ZnodePath
      try {
        return await round(path)
      } finally {
        free.push(path)
      }
    }
    return { lanes: [lane] }
  },

  async delete(state, signal) {
    const { clients, plan, data, created } = state
    const wanted = Math.min(plan.createdMax, Math.max(plan.znodes, created.length))
    const missing = Array.from({ length: wanted - created.length }, (_, i) => placeOf(state, 'extra', i))
    await makeFolders(state, 'extra', missing.length, signal)
    await createAll(clients[0] as BenchClient, missing, data, signal)
    const left = [...created, ...missing]
    created.length = 0
    const lane = (zk: BenchClient) => async (): Promise<Step> => {
      const path = left.pop()
      if (path === undefined) return 'exhausted'
      await zk.delete(path)
      return 'done'
    }
    return { lanes: clients.map(lane) }
  },
}

/** The most znodes in one folder: a list of more would not fit into a reply. */
const folderMax = 10_000

function placeOf({ plan }: LoadState, kind: 'made' | 'extra' | 'read', i: number): ZnodePath {
  return `${plan.root}/${kind}-${Math.floor(i / folderMax)}/${i}`
}

async function makeFolders(
  { clients, plan }: LoadState,
  kind: 'made' | 'extra' | 'read',
  count: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const folders = Array.from(
    { length: Math.ceil(count / folderMax) },
    (_, i) => `${plan.root}/${kind}-${i}` as ZnodePath,
  )
  await createAll(clients[0] as BenchClient, folders, new Uint8Array(0), signal)
}

/** Each lane begins at another znode. */
function reader(state: LoadState, zk: BenchClient): () => Promise<Step> {
  let next = zk.random.below(state.plan.znodes)
  return async () => {
    await zk.get(placeOf(state, 'read', next++ % state.plan.znodes))
    return 'done'
  }
}

function writer(state: LoadState, zk: BenchClient): () => Promise<Step> {
  let next = zk.random.below(state.plan.znodes)
  return async () => {
    await zk.set(placeOf(state, 'read', next++ % state.plan.znodes), state.data)
    return 'done'
  }
}

/** Makes the znodes that are read and written, once. */
async function prepare(state: LoadState, signal: AbortSignal | undefined): Promise<void> {
  if (state.hasZnodes) return
  const { znodes } = state.plan
  await makeFolders(state, 'read', znodes, signal)
  const paths = Array.from({ length: znodes }, (_, i) => placeOf(state, 'read', i))
  await createAll(state.clients[0] as BenchClient, paths, state.data, signal)
  state.hasZnodes = true
}

/** In transactions of half a megabyte at most. */
async function createAll(
  zk: BenchClient,
  paths: readonly ZnodePath[],
  data: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const atOnce = Math.max(1, Math.min(preparedAtOnce, Math.floor((512 * 1024) / (data.length + 200))))
  for (let at = 0; at < paths.length; at += atOnce) {
    signal?.throwIfAborted()
    await zk.transactionOf(paths.slice(at, at + atOnce).map((path) => op.create(path, data, { acl: openAcl })))
  }
}

/** @throws Error where the events do not come. */
async function within<T>({ clock }: BenchClient, events: Promise<T>, path: ZnodePath): Promise<T> {
  let giveUp: (error: Error) => void = () => {}
  const patience = new Promise<never>((_, reject) => (giveUp = reject))
  const timer = clock.after(eventPatienceMs, () => giveUp(new Error(`no event of ${path} came within ten seconds`)))
  try {
    return await Promise.race([events, patience])
  } finally {
    timer.cancel()
  }
}
