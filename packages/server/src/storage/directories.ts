/** The directories that a user names, and the directories below them that hold the files, as in Apache. */
import type { Disk } from '@lightkeeper/runtime'
import { logsAmong, snapshotsAmong } from './file-names.ts'
import { RecoveryError } from './recovery.ts'

/** Below the directories in the settings. */
export const versionDirectory = 'version-2'

/**
 * Logs and snapshots in the named directory itself would be ignored, and clients would see an empty tree.
 * @throws RecoveryError that names the right directory.
 */
export async function refuseMisplaced(disk: Disk, directory: string): Promise<void> {
  // The next step creates a directory that cannot be listed, or fails.
  const names = await disk.list(directory).catch(() => [])
  const [found] = [...logsAmong(names), ...snapshotsAmong(names)]
  if (found === undefined) return
  const plain = directory.replace(/\/+$/, '')
  const isVersion = plain.endsWith(`/${versionDirectory}`) || plain === versionDirectory
  const meant = isVersion
    ? `name the directory above it, ${plain.slice(0, -versionDirectory.length).replace(/(.)\/$/, '$1') || '.'}`
    : `move them to ${plain}/${versionDirectory}, where Apache has them too`
  throw new RecoveryError(`${directory} holds logs or snapshots itself (${found.name}): ${meant}`)
}

/** @throws Error that names the directory, with the system's code. */
export async function makeDirectory(disk: Disk, directory: string): Promise<void> {
  try {
    await disk.makeDirectory(directory)
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: string }
    throw Object.assign(new Error(`cannot make the directory ${directory}: ${message}`, { cause: error }), { code })
  }
}

/** @throws RecoveryError where the directory is not there: an empty one would be served as if all data were gone. */
export async function requireDirectory(disk: Disk, directory: string): Promise<void> {
  try {
    await disk.list(directory)
  } catch (error) {
    const { message } = error as Error
    const advice = 'is its disk mounted? datadir.autocreate is false, so it is not made'
    throw new RecoveryError(`the directory ${directory} cannot be read: ${message}; ${advice}`)
  }
}
