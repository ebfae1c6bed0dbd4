/** The data that a verb writes: from its argument, as base64 or text, or from a file or standard input. */
import { readFile } from 'node:fs/promises'
import { UsageError } from '../../command.ts'

interface Given {
  readonly data: string | undefined
  readonly base64: boolean
  readonly file: string | undefined
}

/** Undefined where none is given. @throws UsageError for two sources, and for what is no base64. */
export async function dataOf({ data, base64, file }: Given): Promise<Uint8Array | undefined> {
  if (file !== undefined) {
    if (data !== undefined || base64) throw new UsageError('--file gives the data: without DATA and --base64')
    return file === '-' ? standardInput() : readFile(file)
  }
  if (data === undefined) return undefined
  if (!base64) return new TextEncoder().encode(data)
  // Buffer leaves out what is no base64.
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(data)) {
    throw new UsageError(`DATA must be base64, not "${data}"`)
  }
  return Buffer.from(data, 'base64')
}

async function standardInput(): Promise<Uint8Array> {
  if (process.stdin.isTTY) throw new UsageError('--file - needs standard input from a pipe or a file')
  const pieces: Uint8Array[] = []
  for await (const piece of process.stdin) pieces.push(piece as Uint8Array)
  return Buffer.concat(pieces)
}
