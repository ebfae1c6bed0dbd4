/** Files that a verb reads, and the data that it writes: from its argument, as text, base64 or hexadecimal, or from a file or standard input. */
import { readFile } from 'node:fs/promises'
import { UsageError } from '../../command.ts'

interface Given {
  readonly data: string | undefined
  readonly base64: boolean
  readonly hex: boolean
  readonly file: string | undefined
}

/** Undefined where none is given. @throws UsageError for two sources or forms, and for what does not have the form. */
export async function dataOf({ data, base64, hex, file }: Given): Promise<Uint8Array | undefined> {
  if (file !== undefined) {
    if (data !== undefined || base64 || hex) {
      throw new UsageError('--file gives the data: without DATA, --base64 and --hex')
    }
    return file === '-' ? standardInput() : contentOf(file)
  }
  if (base64 && hex) throw new UsageError('--base64 and --hex exclude each other')
  if (data === undefined) return undefined
  if (hex) return fromHex(data)
  if (!base64) return new TextEncoder().encode(data)
  // Buffer leaves out what is no base64.
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(data)) {
    throw new UsageError(`DATA must be base64, not "${data}"`)
  }
  return Buffer.from(data, 'base64')
}

/** The content of the file that `--file` names. @throws UsageError that names it, where it cannot be read. */
export async function contentOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new UsageError(`--file must be a file that can be read, not "${file}": ${(error as Error).message}`)
  }
}

/** Two digits a byte; spaces may stand between bytes. */
function fromHex(data: string): Uint8Array {
  const digits = data.replaceAll(' ', '')
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits)) {
    throw new UsageError(`DATA must be hexadecimal, two digits a byte, not "${data}"`)
  }
  return Buffer.from(digits, 'hex')
}

async function standardInput(): Promise<Uint8Array> {
  if (process.stdin.isTTY) throw new UsageError('--file - needs standard input from a pipe or a file')
  const pieces: Uint8Array[] = []
  for await (const piece of process.stdin) pieces.push(piece as Uint8Array)
  return Buffer.concat(pieces)
}
