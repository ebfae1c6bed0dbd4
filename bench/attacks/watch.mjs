// @ts-check
/** What is watched during an attack: how long a normal client waits, and how much memory a server takes. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { doorInUse } from '../support/door.mjs'
import { talking } from '../support/process.mjs'

/** Starts a normal client, in a process of its own. @param {number} port */
export async function bystander(port) {
  const { line, say, child } = talking(process.execPath, [
    fileURLToPath(new URL('bystander.mjs', import.meta.url)),
    String(port),
    JSON.stringify(doorInUse()),
  ])
  await line()
  return {
    async begin() {
      say('begin')
      await line()
    },
    /** @returns {Promise<{ p50: number, p99: number, longest: number, isLost: boolean }>} */
    async end() {
      say('end')
      return JSON.parse(await line())
    },
    stop: () => child.kill(),
  }
}

/** Watches the resident memory of a process from now on. @param {number} pid */
export function memoryOf(pid) {
  const idle = resident(pid) ?? 0
  let peak = idle
  const sampling = setInterval(() => {
    peak = Math.max(peak, resident(pid) ?? 0)
  }, 20)
  return {
    /** Ends it. Returns by how much it has grown at the most, MiB. */
    grownMiB() {
      clearInterval(sampling)
      return (peak - idle) / 2 ** 20
    },
  }
}

/** Bytes; undefined where the process is gone. @param {number} pid */
function resident(pid) {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
  } catch {
    return undefined
  }
}
