/** Time travel: what was written to a znode or by a session, the tree as it was, two moments compared, a transaction taken back. */
import { formatHex, keeperCodeOf } from '@lightkeeper/protocol'
import {
  actsOf,
  applySteps,
  type Change,
  differencesBetween,
  type HistoryEntry,
  history,
  kindOf,
  type PastDirectory,
  type PastZnode,
  treeAt,
  type Undo,
  undoOf,
  type ValueDiff,
  valueDiff,
  type WriteStep,
} from '@lightkeeper/tools'
import type { History, PastChange, PastDiff, PastDifference, PastTree, SessionPast, Value } from '../api.ts'
import { audited } from '../audit.ts'
import { idFrom, pathFrom, valueOf, WrongRequest } from '../forms.ts'
import type { House } from './house.ts'
import { bodyOf, type Routes } from './routes.ts'
import { ServerPaths } from './server-paths.ts'

/** Changes of a history, and znodes of a past tree, that one answer has. */
const changesMax = 500
const nodesMax = 2_000
/** Lines of a difference between two values. */
const diffLinesMax = 200

export function pastRoutes(app: Routes, house: House): void {
  const paths = new ServerPaths(house.chroot)
  app.get('/api/past/history', async (c) => {
    const path = pathFrom(c.req.query('path'))
    const recursive = c.req.query('below') === '1'
    const found: HistoryEntry[] = []
    let leftOut = 0
    await history(
      await opened(house),
      paths.toServer(path),
      (entry) => {
        found.push(entry)
        if (found.length < 2 * changesMax) return
        leftOut += found.splice(0, changesMax).length
      },
      { recursive },
    )
    leftOut += found.splice(0, Math.max(0, found.length - changesMax)).length
    const answer: History = { changes: found.map((entry) => entryOf(entry, paths)), leftOut }
    return c.json(answer)
  })
  app.get('/api/past/tree', async (c) => {
    const path = pathFrom(c.req.query('path') ?? '/')
    const directory = await opened(house)
    const at = await momentOf(directory, 'at', c.req.query('at'))
    const { zxid, nodes } = await treeAt(directory, paths.toServer(path), at)
    const shown = [...nodes].slice(0, nodesMax).map(([each, node]) => {
      const value = pastValueOf(node)
      return { path: paths.toUser(each), kind: kindOf(node.ephemeralOwner), ...(value !== undefined && { value }) }
    })
    const answer: PastTree = { zxid: formatHex(zxid), nodes: shown, leftOut: Math.max(0, nodes.size - nodesMax) }
    return c.json(answer)
  })
  app.get('/api/past/diff', async (c) => {
    const path = pathFrom(c.req.query('path') ?? '/')
    const directory = await opened(house)
    const from = await momentOf(directory, 'from', c.req.query('from'))
    if (from === undefined) throw new WrongRequest('a difference needs two moments: the earlier one is missing')
    const to = (await momentOf(directory, 'to', c.req.query('to'))) ?? (await directory.lastZxid())
    if (to < from) throw new WrongRequest('the second moment must not be before the first one')
    const found = await differencesBetween(directory, paths.toServer(path), from, to)
    const answer: PastDiff = {
      from: formatHex(from),
      to: formatHex(to),
      differences: found.slice(0, changesMax).map((each): PastDifference => {
        const { kind, path: at, before, after } = each
        const diff = kind === 'changed' ? linesOf(valueDiff(before?.data, after?.data)) : undefined
        return { kind, path: paths.toUser(at), ...valuesOf(before, after), ...(diff !== undefined && { diff }) }
      }),
      leftOut: Math.max(0, found.length - changesMax),
    }
    return c.json(answer)
  })
  app.get('/api/past/session', async (c) => {
    const session = idFrom('session', c.req.query('session'))
    const all = (await actsOf(await opened(house), session)).toReversed()
    const answer: SessionPast = {
      acts: all.slice(0, changesMax).map(({ zxid, time, operation, error, changes }) => ({
        zxid: formatHex(zxid),
        time,
        operation,
        ...(error !== undefined && { error: keeperCodeOf(error) ?? `error ${error}` }),
        // A session may have worked elsewhere too.
        changes: changes.filter((each) => paths.find(each.path) !== undefined).map((each) => changeOf(each, paths)),
      })),
      leftOut: Math.max(0, all.length - changesMax),
    }
    return c.json(answer)
  })
  app.get('/api/past/undo', async (c) =>
    c.json(undoView(await undoAt(house, idFrom('zxid', c.req.query('zxid'))), paths)),
  )
}

export function pastWrites(app: Routes, house: House): void {
  app.post('/api/past/undo', async (c) => {
    const paths = new ServerPaths(house.chroot)
    const zxid = idFrom('zxid', (await bodyOf(c))['zxid'])
    const { steps, obstacles } = await undoAt(house, zxid)
    if (obstacles.length > 0) throw new WrongRequest(`${formatHex(zxid)} cannot be undone: ${obstacles.join('; ')}`)
    const own = steps.map((step): WriteStep => ({ ...step, path: paths.toUser(step.path) }))
    await audited(house.log, c.get('asker'), { operation: 'undo', path: own[0]?.path ?? '/', facts: { zxid } }, () =>
      applySteps(house.zk, own, { atOnce: true }),
    )
    return c.json({})
  })
}

async function opened({ openPast }: House): Promise<PastDirectory> {
  if (openPast === undefined) {
    const how = '--data-dir, the data directory of a server, or --admin, the admin port of a server of ours'
    throw new WrongRequest(`the past is not known: start the console with ${how}`)
  }
  return openPast()
}

async function undoAt(house: House, zxid: bigint): Promise<Undo> {
  return undoOf(await opened(house), zxid)
}

/** A zxid (`0x1a`), or a time in milliseconds; undefined for the last transaction. */
async function momentOf(
  directory: PastDirectory,
  name: string,
  given: string | undefined,
): Promise<bigint | undefined> {
  if (given === undefined || given === '') return undefined
  if (!/^\d{1,15}$/.test(given)) return idFrom(name, given)
  const zxid = await directory.zxidAt(Number(given))
  if (zxid === 0n) throw new WrongRequest('there is no transaction before this time in the logs')
  return zxid
}

function entryOf(entry: HistoryEntry, paths: ServerPaths): PastChange {
  if (entry.kind === 'gap') {
    return { kind: 'gap', path: '', zxid: formatHex(entry.next), time: 0, session: '0x0' }
  }
  return changeOf(entry, paths)
}

function changeOf(change: Change, paths: ServerPaths): PastChange {
  const { kind, path, zxid, time, session } = change
  const diff = kind === 'changed' ? linesOf(valueDiff(change.before?.data, change.after?.data)) : undefined
  return {
    kind,
    path: paths.toUser(path),
    zxid: formatHex(zxid),
    time,
    session: formatHex(session),
    ...valuesOf(change.before, change.after),
    ...(diff !== undefined && { diff }),
  }
}

function valuesOf(
  before: PastZnode | undefined,
  after: PastZnode | undefined,
): { readonly before?: Value; readonly after?: Value } {
  const values = { before: pastValueOf(before), after: pastValueOf(after) }
  return {
    ...(values.before !== undefined && { before: values.before }),
    ...(values.after !== undefined && { after: values.after }),
  }
}

function pastValueOf(node: PastZnode | undefined): Value | undefined {
  return node?.data === undefined ? undefined : valueOf(node.data, node.version)
}

type Line = NonNullable<PastChange['diff']>[number]

function linesOf(diff: ValueDiff): Line[] | undefined {
  switch (diff.kind) {
    case 'same':
    case 'unknown':
    case 'bytes':
      return undefined
    case 'text':
      return diff.lines.slice(0, diffLinesMax).map(({ sign, text }) => ({ sign, text }))
    case 'json':
      return diff.members.slice(0, diffLinesMax).flatMap(({ pointer, before, after }): Line[] => {
        const line = (sign: '-' | '+', value: unknown): Line[] =>
          value === undefined ? [] : [{ sign, text: `${pointer}: ${JSON.stringify(value)}` }]
        return [...line('-', before), ...line('+', after)]
      })
  }
}

function undoView(undo: Undo, paths: ServerPaths): object {
  const steps = undo.steps.map((step) => {
    const value = 'data' in step ? valueOf(step.data, 0) : undefined
    return { kind: step.kind, path: paths.toUser(step.path), ...(value !== undefined && { value }) }
  })
  return {
    zxid: formatHex(undo.zxid),
    time: undo.time,
    session: formatHex(undo.session),
    changes: undo.changes.map((change) => changeOf(change, paths)),
    steps,
    obstacles: undo.obstacles,
  }
}
