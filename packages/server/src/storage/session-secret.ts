/**
 * The secret from which session ids and passwords are made: a file in the data directory. It is durable before the first session
 * opens, so that clients keep their sessions across restarts.
 */
import { crc32 } from '@lightkeeper/protocol'
import type { Disk, Runtime } from '@lightkeeper/runtime'
import { SessionKeys, secretBytes } from '../session/session-keys.ts'
import { temporaryPrefix } from './file-names.ts'

export const secretFileName = 'session-secret'
/**
 * A line: its purpose, the bytes, and a CRC-32 of the line before it, both in hexadecimal. Without the checksum a flipped bit would
 * make another secret, and every open session would end without notice.
 */
const front = 'lightkeeper session secret '
const pattern = new RegExp(`^(${front}([0-9a-f]{${secretBytes * 2}})) ([0-9a-f]{8})\n$`)
const drawsMax = 32
const advice =
  'Restore the file from a backup, or remove it: a new one is made then, and clients lose the sessions that this server gave them'
const sharedAdvice = `Copy the file ${secretFileName} from the data directory of the server whose sessions go on`

/** The file exists and holds no secret. */
export class SessionSecretError extends Error {
  override readonly name = 'SessionSecretError'
  readonly code = 'BAD_SESSION_SECRET'
}

/** The keys of the secret in a file that servers share. @throws SessionSecretError where it is missing or cannot be used. */
export async function sharedSessionKeys({ disk }: Runtime, path: string): Promise<SessionKeys> {
  const secret = await readSecret(disk, path, sharedAdvice)
  if (secret === undefined)
    throw new SessionSecretError(`${path}, the file of sessionSecretFile, does not exist. ${sharedAdvice}`)
  return new SessionKeys(secret)
}

/**
 * The keys of a directory; creates the secret where there is none yet. `sessions` are the sessions that are open then: they come
 * from another server, and keep its passwords.
 * @throws SessionSecretError where the file exists and cannot be used.
 */
export async function openSessionKeys(
  { disk, random }: Runtime,
  directory: string,
  sessions: Iterable<bigint>,
): Promise<SessionKeys> {
  const known = await readSessionSecret(disk, directory)
  if (known !== undefined) return new SessionKeys(known)
  const open = [...sessions]
  let secret = random.bytes(secretBytes)
  // None of the open sessions may look like one of ours, otherwise its client could not return.
  for (let draws = 1; draws < drawsMax && open.some((id) => new SessionKeys(secret).isOurs(id)); draws++) {
    secret = random.bytes(secretBytes)
  }
  await writeSessionSecret(disk, directory, secret)
  return new SessionKeys(secret)
}

/** Undefined where the directory has none. @throws SessionSecretError where the file cannot be used. */
export async function readSessionSecret(disk: Disk, directory: string): Promise<Uint8Array | undefined> {
  return readSecret(disk, `${directory}/${secretFileName}`, advice)
}

async function readSecret(disk: Disk, path: string, advice: string): Promise<Uint8Array | undefined> {
  let content: Uint8Array
  try {
    const file = await disk.open(path, { readOnly: true })
    try {
      content = new Uint8Array(Math.min(await file.size(), 4096))
      content = content.subarray(0, await file.read(0, content))
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw new SessionSecretError(`cannot read the secret of session passwords: ${(error as Error).message}`, {
      cause: error,
    })
  }
  const [, line, digits, checksum] = pattern.exec(new TextDecoder('latin1').decode(content)) ?? []
  if (line === undefined || digits === undefined) {
    throw new SessionSecretError(
      `${path} holds no secret of session passwords: ${content.length} bytes that are not "${front}", ` +
        `${secretBytes * 2} hexadecimal digits and a checksum. ${advice}`,
    )
  }
  if (checksum !== checksumOf(line)) {
    throw new SessionSecretError(`${path} is damaged: its checksum does not fit what it holds. ${advice}`)
  }
  return Uint8Array.from({ length: secretBytes }, (_, i) => Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16))
}

/** Resolves when the file is durable. It must not exist before. */
export async function writeSessionSecret(disk: Disk, directory: string, secret: Uint8Array): Promise<void> {
  const path = `${directory}/${secretFileName}`
  const temporary = `${directory}/${temporaryPrefix}${secretFileName}`
  const line = front + Array.from(secret, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const file = await disk.open(temporary, { create: true })
  try {
    await file.truncate(0)
    await file.write(0, new TextEncoder().encode(`${line} ${checksumOf(line)}\n`))
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(temporary, path)
  await disk.syncDirectory(directory)
}

function checksumOf(line: string): string {
  return crc32(new TextEncoder().encode(line)).toString(16).padStart(8, '0')
}
