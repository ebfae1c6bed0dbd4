/** V8's heap: the part of it for long-lived objects. When that part is full, the process ends. */
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Memory } from '../memory.ts'
import { environmentVariable } from './environment.ts'

const megabyte = 1024 * 1024
/** V8 adds three half-spaces of this size for young objects, in megabytes. */
const semiSpaceDefault = 16

export function nodeMemory(): Memory {
  let limit: number | undefined
  let collect: (() => void) | undefined
  return {
    heap() {
      limit ??= limitOfOld()
      let used = 0
      for (const { space_name: name, space_used_size: size } of getHeapSpaceStatistics()) {
        if (!name.startsWith('new_')) used += size
      }
      return { used, limit }
    },
    collect() {
      collect ??= collector()
      collect()
    },
  }
}

function limitOfOld(): number {
  const flags = `${environmentVariable('NODE_OPTIONS') ?? ''} ${process.execArgv.join(' ')}`
  return oldLimit(flags, getHeapStatistics().heap_size_limit)
}

/** Bytes of the part for long-lived objects: what `flags` of the host say, or the whole without the part for young ones. */
export function oldLimit(flags: string, heapSizeLimit: number): number {
  const given = megabytesOf(flags, 'old')
  if (given !== undefined) return given * megabyte
  return heapSizeLimit - 3 * (megabytesOf(flags, 'semi') ?? semiSpaceDefault) * megabyte
}

/** The last flag counts. */
function megabytesOf(flags: string, space: 'old' | 'semi'): number | undefined {
  const found = [...flags.matchAll(/--max[-_](old|semi)[-_]space[-_]size[= ](\d+)/g)].filter(([, of]) => of === space)
  const text = found.at(-1)?.[2]
  return text === undefined ? undefined : Number(text)
}

/** V8 shows its collector to contexts that are made while this flag is set; other hosts may not. */
function collector(): () => void {
  try {
    setFlagsFromString('--expose-gc')
    const found: unknown = runInNewContext('gc')
    setFlagsFromString('--no-expose-gc')
    return typeof found === 'function' ? (found as () => void) : () => {}
  } catch {
    return () => {}
  }
}
