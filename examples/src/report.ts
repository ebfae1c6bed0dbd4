/** How the programs speak: one JSON line an event, on standard output, so that people and tests can both follow. */
export function report(event: string, facts: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)
}

/** Aborts when the process is asked to stop, so that the program can leave cleanly. */
export function untilInterrupted(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  return stop.signal
}
