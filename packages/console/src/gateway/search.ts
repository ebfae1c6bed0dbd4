/** Walks a subtree and reports znodes whose name, or data, contains a text. It stops at bounds, and says so. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { joinPath, nodeName } from '@lightkeeper/protocol'
import type { Clock } from '@lightkeeper/runtime'
import type { SearchLine } from '../api.ts'
import { WrongRequest } from '../forms.ts'

export interface Search {
  readonly path: ZnodePath
  readonly text: string
  /** Looks into data too. */
  readonly inData: boolean
}

const foundMax = 500
const timeMaxMs = 60_000
const readsAtOnce = 64
/** Znodes between two lines of progress. */
const progressEvery = 5_000

type Reads = Pick<Client, 'children' | 'find'>

export async function search(
  zk: Reads,
  clock: Pick<Clock, 'now'>,
  { path, text, inData }: Search,
  send: (line: SearchLine) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (text === '') throw new WrongRequest('the text to search for is missing')
  const wanted = text.toLowerCase()
  const until = clock.now() + timeMaxMs
  const lines: SearchLine[] = []
  let looked = 0
  let found = 0
  let unreadable = 0
  const report = (at: ZnodePath, where: 'name' | 'data'): void => {
    found++
    lines.push({ kind: 'found', path: at, where })
  }
  // Reads do not listen to `signal`: there are many at once, and each ends soon.
  const visit = async (at: ZnodePath): Promise<ZnodePath[]> => {
    looked++
    try {
      if (inData) {
        const value = await zk.find(at)
        if (value === undefined) return []
        const isThere = new TextDecoder().decode(value.data).toLowerCase().includes(wanted)
        if (isThere) report(at, 'data')
        if (value.stat.numChildren === 0) return []
      }
      const { children } = await zk.children(at)
      const below = children.map((name) => joinPath(at, name))
      for (const each of below) if (nodeName(each).toLowerCase().includes(wanted)) report(each, 'name')
      return below
    } catch (error) {
      if (KeeperError.is(error, 'NO_AUTH')) unreadable++
      else if (!KeeperError.is(error, 'NO_NODE')) throw error
      return []
    }
  }
  const queue: ZnodePath[] = [path]
  let nextProgress = progressEvery
  while (queue.length > 0) {
    const batch = queue.splice(-readsAtOnce)
    const below = await Promise.all(batch.map(visit))
    if (signal.aborted) return
    for (const each of below) for (const next of each) queue.push(next)
    for (const line of lines.splice(0)) await send(line)
    const why =
      found >= foundMax
        ? `more than ${foundMax} were found; search for a longer text or below another path`
        : clock.now() > until
          ? `${timeMaxMs / 1000} seconds have passed; search below another path`
          : undefined
    if (why !== undefined) return send({ kind: 'end', looked, isWhole: false, why })
    if (looked >= nextProgress) {
      await send({ kind: 'progress', looked })
      nextProgress = looked + progressEvery
    }
  }
  const why = unreadable > 0 ? `${unreadable} znodes may not be read by the console` : undefined
  await send({ kind: 'end', looked, isWhole: unreadable === 0, ...(why !== undefined && { why }) })
}
