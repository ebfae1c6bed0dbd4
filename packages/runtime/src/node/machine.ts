/** What Node and the system say about themselves. */
import { readdir, readFile } from 'node:fs/promises'
import { arch, homedir, hostname, release, type as systemType, tmpdir, userInfo } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { Machine } from '../machine.ts'

/** What Java prints for an unknown value. */
const unknown = '<NA>'
/** Java's names, where Node has other names. */
const archNames = new Map([
  ['x64', 'amd64'],
  ['arm64', 'aarch64'],
])

export function nodeMachine(): Machine {
  return {
    facts() {
      const { total_available_size: available, heap_size_limit: max, total_heap_size: total } = getHeapStatistics()
      const megabytes = (bytes: number): string => `${Math.floor(bytes / 1024 / 1024)}MB`
      return new Map([
        ['host.name', hostname()],
        ...['java.version', 'java.vendor', 'java.home', 'java.class.path', 'java.library.path'].map(
          (name) => [name, unknown] as const,
        ),
        ['java.io.tmpdir', tmpdir()],
        ['java.compiler', unknown],
        ['node.version', process.version],
        ['os.name', systemType()],
        ['os.arch', archNames.get(arch()) ?? arch()],
        ['os.version', release()],
        ['user.name', userName()],
        ['user.home', homedir()],
        ['user.dir', process.cwd()],
        ['os.memory.free', megabytes(available)],
        ['os.memory.max', megabytes(max)],
        ['os.memory.total', megabytes(total)],
      ])
    },
    async descriptors() {
      try {
        const [open, limits] = await Promise.all([readdir('/proc/self/fd'), readFile('/proc/self/limits', 'utf8')])
        const max = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
        return max === undefined ? undefined : { open: open.length, max: Number(max) }
      } catch {
        return undefined
      }
    },
  }
}

/** The user of a container may have no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return unknown
  }
}
