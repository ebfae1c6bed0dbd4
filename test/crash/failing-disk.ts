/** A disk that fails, or stands still, while a test wants it: failing-writes.c, preloaded into a server. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

/** The library for LD_PRELOAD, until the end of the file or `describe` that calls this. Undefined where it cannot be built, with the reason printed; with INTEROP=require that is an error. */
export function failingDisk(what: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-fault-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const library = join(folder, 'failing-writes.so')
  const source = fileURLToPath(new URL('failing-writes.c', import.meta.url))
  const isBuilt =
    process.platform === 'linux' && spawnSync('gcc', ['-shared', '-fPIC', '-o', library, source, '-ldl']).status === 0
  if (isBuilt) return library
  if (process.env['INTEROP'] === 'require') throw new Error('a C compiler is required')
  console.log(`${what}: skipped, because there is no gcc on this machine, or it is no Linux`)
  return undefined
}
