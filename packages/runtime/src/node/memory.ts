/** V8's heap: the part of it for long-lived objects. When that part is full, the process ends. */
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Memory } from '../memory.ts'
import { environmentVariable } from './environment.ts'

const megabyte = 1024 * 1024
/** V8 adds this for young objects: three half-spaces of 16 MiB. */
const youngBytes = 48 * megabyte

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

/** The limit from the command line, or V8's own. */
function limitOfOld(): number {
  const flags = `${environmentVariable('NODE_OPTIONS') ?? ''} ${process.execArgv.join(' ')}`
  const given = [...flags.matchAll(/--max[-_]old[-_]space[-_]size[= ](\d+)/g)].at(-1)?.[1]
  return given === undefined ? getHeapStatistics().heap_size_limit - youngBytes : Number(given) * megabyte
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
