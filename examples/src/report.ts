/** How the programs speak: one JSON line an event, on standard output, so that people and tests can both follow. */
export function report(event: string, facts: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)
}

/** Runs a program. Its signal aborts when the process is asked to stop; a stop before everything is there is an orderly end too. */
export async function run(program: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  const { signal } = stop
  await program(signal).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
