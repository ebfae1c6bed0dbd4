/** Semaphores: Curator's InterProcessSemaphoreV2, which ours also use, and kazoo's. */
import type { ZnodePath } from '@lightkeeper/client'
import { joinPath } from '@lightkeeper/protocol'
import { type Child, type Directories, isEphemeral, partyOf, plainText } from './directory.ts'
import { type InLine, standings } from './line.ts'
import { lineOf } from './locks.ts'
import type { Layout, Party, Structure, Waiter } from './structure.ts'

interface FoundSemaphore {
  readonly structure: Structure
  readonly parts: readonly string[]
}

export function semaphoreAt(directories: Directories, path: ZnodePath): FoundSemaphore | undefined {
  return curatorAt(directories, path) ?? kazooAt(directories, path)
}

const lease = /^(?:_c_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-)?lease-(-?\d{9,10})$/

function curatorAt(directories: Directories, path: ZnodePath): FoundSemaphore | undefined {
  const parts = [joinPath(path, 'locks'), joinPath(path, 'leases')] as const
  const leases = sequenced(directories.children(parts[1]), lease)
  const line = lineOf(directories, parts[0])
  const isHere = directories.children(path).some(({ name }) => name === 'leases')
  if (!isHere || leases.length + line.length === 0) return undefined
  return { structure: semaphoreOf(path, 'curator', leases, line, undefined), parts }
}

const bareUuid = /^[0-9a-f]{32}$/

/** In kazoo's semaphores the data is the number of leases, and the line is a sibling. */
function kazooAt(directories: Directories, path: ZnodePath): FoundSemaphore | undefined {
  const stored = plainText(directories.tree.get(path)?.data ?? new Uint8Array(0))
  const leases = directories.children(path).filter((child) => bareUuid.test(child.name) && isEphemeral(child))
  if (leases.length === 0 || stored === undefined || !/^\d{1,9}$/.test(stored)) return undefined
  const sibling = `${path}-__lock__`
  const inOrderOfMaking = [...leases].sort((a, b) => Number(a.stat.czxid - b.stat.czxid))
  const line = lineOf(directories, sibling)
  return { structure: semaphoreOf(path, 'kazoo', inOrderOfMaking, line, Number(stored)), parts: [sibling] }
}

/** `leases` and `line` are in order. */
function semaphoreOf(
  path: ZnodePath,
  layout: Layout,
  leases: readonly Child[],
  line: readonly InLine[],
  capacity: number | undefined,
): Structure {
  const asking = line[0]?.child
  const newest = leases.at(-1)
  const isOver = capacity === undefined || leases.length > capacity
  // The first in line creates its lease, and then waits until it is among the leases that are granted.
  const mayWait = isOver && asking !== undefined && newest?.stat.ephemeralOwner === asking.stat.ephemeralOwner
  const holders = (mayWait ? leases.slice(0, -1) : leases).map(partyOf)
  const notes = mayWait ? [`${newest?.path} is counted as asked for: its owner still stands in line`] : []
  const common = {
    kind: 'semaphore',
    path,
    layouts: [layout],
    holders,
    waiters: waitersOf(line, holders),
    notes,
  } as const
  return capacity === undefined ? common : { ...common, capacity }
}

/** The first in line waits for any of the leases, each other one for the one before it. */
function waitersOf(line: readonly InLine[], holders: readonly Party[]): Waiter[] {
  const { holders: first, waiters } = standings(line)
  const behind = holders.map(({ path }) => path)
  return [...first.map((each): Waiter => ({ ...each, behind, needs: 'any' })), ...waiters]
}

function sequenced(children: readonly Child[], pattern: RegExp): Child[] {
  const sequenceOf = ({ name }: Child): number => Number(pattern.exec(name)?.[1])
  return children.filter(({ name }) => pattern.test(name)).sort((a, b) => (sequenceOf(a) - sequenceOf(b)) | 0)
}
