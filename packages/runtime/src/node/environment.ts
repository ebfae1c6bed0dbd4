/** Environment variables. A host may refuse to show them, as Deno does without `--allow-env`; then there are none. */

export function environmentVariable(name: string): string | undefined {
  try {
    return process.env[name]
  } catch {
    return undefined
  }
}
