/** The interface of a command. */

export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** The text of `--help`. */
  readonly usage: string
  /** Resolves to the exit code: 0 done, 1 failed, 2 wrong usage. */
  run(args: readonly string[]): Promise<number>
}

/** Wrong usage: the program exits with 2 and one line that says what is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
