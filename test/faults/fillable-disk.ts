/**
 * A file system of its own for one server, which can be full. It has plenty of room until then: servers write a snapshot at every
 * election, and one that runs out of room ends, in whatever test that happens.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Memory is taken only as it is used. */
const roomBytes = 1 << 30
const marginBytes = 1 << 20

export interface FillableDisk {
  /** No byte more can be written, until it is freed. */
  fill(): void
  free(): void
}

/** Undefined where a file system can be mounted here, else why not. */
export function missingFillableDisk(): string | undefined {
  if (process.platform !== 'linux') return 'this is no Linux'
  const probe = mkdtempSync(join(tmpdir(), 'lightkeeper-probe-'))
  const why = mount(probe, roomBytes)
  if (why === undefined) spawnSync('umount', [probe])
  rmSync(probe, { recursive: true, force: true })
  return why && `none can be mounted: ${why}`
}

/** At the folder `path`, which must exist; `umount` ends it. @throws Error where it cannot be mounted. */
export function fillableDisk(path: string): FillableDisk {
  const ballast = join(path, 'ballast')
  const sized = (size: number, option?: string): void => {
    const why = mount(path, size, option)
    if (why !== undefined) throw new Error(`${path} cannot be given ${size} bytes: ${why}`)
  }
  sized(roomBytes)
  return {
    fill() {
      const { blocks, bfree, bsize } = statfsSync(path)
      // What is written meanwhile fits into the margin, and the rest of that is filled.
      sized((blocks - bfree) * bsize + marginBytes, 'remount,')
      spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4k'])
    },
    free() {
      rmSync(ballast, { force: true })
      sized(roomBytes, 'remount,')
    },
  }
}

/** Why it failed. */
function mount(path: string, size: number, option = ''): string | undefined {
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `${option}size=${size}`, 'tmpfs', path])
  return status === 0 ? undefined : stderr.toString().trim()
}
