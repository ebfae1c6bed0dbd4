/** How commands write values. */

/** The exit code that shells give for a program that SIGPIPE has ended. */
export const unreadCode = 141

/** Whether nothing went wrong but that the reader of the output has gone, which is no news for people. */
export function isUnread(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EPIPE'
}

/**
 * The reader of standard output or error may go away (`… | head`), or the disk may be full. An error of a stream
 * without a listener would end the process. A command that only prints ends with its reader; a command that does more
 * listens itself.
 */
export function outliveReaders(goesOn: boolean): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', () => {
    if (!goesOn && process.stdout.listenerCount('error') === 1) process.exit(unreadCode)
  })
}

/** Writes a line, even if its reader may have gone. */
export function say(line: string): void {
  try {
    process.stdout.write(line)
  } catch {
    // Files throw here; pipes fail later.
  }
}

/** Session ids and zxids as servers print them: `0x1a`, unsigned. */
export function hexOf(id: bigint): string {
  return `0x${BigInt.asUintN(64, id).toString(16)}`
}

/** Names and data of znodes may contain anything; a terminal must not act on it. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

/** Undefined if it is not UTF-8. */
export function textOf(data: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data)
  } catch {
    return undefined
  }
}

/** One line of JSON; ids in hexadecimal, bytes as base64. */
export function jsonLine(value: unknown): string {
  const text = JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === 'bigint') return hexOf(each)
    return each instanceof Uint8Array ? Buffer.from(each).toString('base64') : each
  })
  return `${text}\n`
}
