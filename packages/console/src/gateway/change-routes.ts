/** Streams of events: every change below a path, and what concerns the view that is open. */
import { type Client, KeeperError, type WatchChange, type ZnodePath } from '@lightkeeper/client'
import { formatHex } from '@lightkeeper/protocol'
import type { Clock } from '@lightkeeper/runtime'
import type { ChangeItem, StreamEvent } from '../api.ts'
import { connectionOf, pathFrom, valueOf, WrongRequest } from '../forms.ts'
import { listState } from './child-lists.ts'
import { type House, wholeMax } from './house.ts'
import type { Routes } from './routes.ts'
import { Sample } from './sample.ts'
import { eventStream } from './streams.ts'

/** Changes are collected for so long, milliseconds, and sent together. */
const collectMs = 40
/** Changes in one event: a person reads far fewer. */
const batchMax = 100
/** Time between two looks whether the children of open znodes have changed, milliseconds; longer where there are many lists. */
const lookEveryMs = 100
const lookEveryMsOfList = 10
/** Streams at once: each holds a watch and, for a subtree, a copy of it. */
const streamsMax = 64
/** Lists of children that one view may have open. */
const listsMax = 200

type Send = (event: StreamEvent) => Promise<void>

export function changeRoutes(app: Routes, house: House): void {
  const { clock } = house.runtime
  let open = 0
  const bounded = (produce: (send: Send, signal: AbortSignal) => Promise<void>): Response =>
    eventStream(clock, async (send, signal) => {
      if (open >= streamsMax) throw new WrongRequest(`${streamsMax} streams are open; close a page of the console`)
      open++
      try {
        await produce(send, signal)
      } finally {
        open--
      }
    })
  app.get('/api/changes', (c) => {
    const path = pathFrom(c.req.query('path') ?? '/')
    return bounded(async (send, signal) => {
      await mustFit(house.zk, path)
      await sendChanges(house, path, true, send, signal)
    })
  })
  app.get('/api/follow', (c) => {
    const given = c.req.query('path')
    const path = given === undefined || given === '' ? undefined : pathFrom(given)
    const lists = (c.req.queries('list') ?? []).map(pathFrom)
    if (lists.length > listsMax) throw new WrongRequest(`a view may follow ${listsMax} lists of children`)
    return bounded(async (send, signal) => {
      const parts = [sendStates(house.zk, send, signal), followChildren(house.zk, clock, lists, send, signal)]
      if (path !== undefined) parts.push(sendChanges(house, path, false, send, signal))
      await Promise.all(parts)
    })
  })
}

/** A live stream knows every znode below its path, with its value. @throws WrongRequest where these are too many. */
async function mustFit(zk: Client, path: ZnodePath): Promise<void> {
  let count = 0
  try {
    count = await zk.countDescendants(path)
  } catch (error) {
    // Servers before 3.6 do not count.
    if (!KeeperError.is(error, 'UNIMPLEMENTED')) throw error
  }
  if (count <= wholeMax) return
  const message = `there are ${count} znodes below ${path}, and a stream can follow ${wholeMax}; choose a path further down`
  throw new WrongRequest(message)
}

async function sendChanges(
  { zk, runtime: { clock } }: House,
  path: ZnodePath,
  recursive: boolean,
  send: Send,
  signal: AbortSignal,
): Promise<void> {
  const sample = new Sample(batchMax)
  let znodes = 0
  let sending: Promise<void> | undefined
  // At most one event is under way; what comes meanwhile is collected, and thinned out where the browser is slow.
  const flush = (): Promise<void> => {
    sending ??= (async () => {
      await new Promise<void>((resolve) => clock.after(collectMs, resolve))
      const { items, leftOut } = sample.take()
      await send({ kind: 'changes', items, leftOut })
      sending = undefined
      if (!sample.isEmpty && !signal.aborted) void flush()
    })()
    return sending
  }
  for await (const change of zk.watch(path, { recursive, signal })) {
    if (change.kind === 'ready') {
      while (sending !== undefined) await sending
      await send({ kind: 'ready', zxid: formatHex(change.zxid), znodes })
    } else if (change.kind === 'stale') {
      while (sending !== undefined) await sending
      await send({ kind: 'stale' })
    } else {
      if (change.kind === 'created') znodes++
      if (change.kind === 'deleted') znodes--
      if (change.via === 'snapshot') continue
      sample.add(itemOf(change))
      void flush()
    }
  }
}

type ZnodeChange = Exclude<WatchChange, { kind: 'ready' | 'stale' }>

function itemOf(change: ZnodeChange): ChangeItem {
  const { kind, path, previous } = { previous: undefined, ...change }
  const before = previous && { previous: valueOf(previous.value, previous.stat.version) }
  if (change.kind === 'unreadable') return { kind, path, ...before }
  const zxid = change.zxid === undefined ? undefined : { zxid: formatHex(change.zxid) }
  const missed = change.missed === undefined || change.missed === 0 ? undefined : { missed: change.missed }
  if (change.kind === 'deleted') return { kind, path, ...zxid, ...before, ...missed }
  const value = valueOf(change.value, change.stat.version)
  return { kind, path, ...zxid, time: change.stat.modified.getTime(), value, ...before, ...missed }
}

async function sendStates(zk: Client, send: Send, signal: AbortSignal): Promise<void> {
  for await (const state of zk.states({ signal })) await send({ kind: 'state', state: connectionOf(state) })
}

/** Asks for Stats now and then: a watch would make the server send a whole list again after each change of it. */
async function followChildren(
  zk: Client,
  clock: Clock,
  paths: readonly ZnodePath[],
  send: Send,
  signal: AbortSignal,
): Promise<void> {
  const last = new Map<ZnodePath, string>()
  const look = async (path: ZnodePath): Promise<void> => {
    try {
      // Not by `signal`: hundreds of requests would listen to one signal, and each ends soon.
      const state = listState(await zk.exists(path))
      if (signal.aborted || last.get(path) === state) return
      last.set(path, state)
      await send({ kind: 'children', path, state })
    } catch (error) {
      // Without a connection there is nothing to see; the state of the connection is in the stream.
      if (signal.aborted) return
      if (!KeeperError.is(error)) throw error
      if (KeeperError.is(error, 'CLOSED') || KeeperError.is(error, 'AUTH_FAILED')) throw error
    }
  }
  while (!signal.aborted) {
    await Promise.all(paths.map(look))
    await sleep(clock, Math.max(lookEveryMs, lookEveryMsOfList * paths.length), signal)
  }
}

/** Ends early when `signal` aborts. */
function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.after(ms, done)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
