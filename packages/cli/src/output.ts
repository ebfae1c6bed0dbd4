/** How commands write values. */

/**
 * Whoever reads standard output or error may go away (`… | head`), or be a disk that is full: an error of a stream would end the
 * process where nobody listens. What a command prints for a reader alone ends with its reader; a command that has more to do
 * listens itself.
 */
export function outliveReaders(goesOn: boolean): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', () => {
    // As shells tell of a program that SIGPIPE has ended.
    if (!goesOn && process.stdout.listenerCount('error') === 1) process.exit(141)
  })
}

/** A line for a reader that may be gone. */
export function say(line: string): void {
  try {
    process.stdout.write(line)
  } catch {
    // Files throw where pipes tell later.
  }
}

/** Session ids and zxids as servers print them: `0x1a`, unsigned. */
export function hexOf(id: bigint): string {
  return `0x${BigInt.asUintN(64, id).toString(16)}`
}

/** Names and data of znodes may hold anything; a terminal must not act on it. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

/** Undefined where it is not UTF-8. */
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
