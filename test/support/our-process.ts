/** Our server as a process of its own, which can be killed like one. */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../../packages/testing/src/apache/ports.ts'
import { Child } from './process.ts'

/** The program `lightkeeper`, a script for Node. */
export const bin = fileURLToPath(new URL('../../packages/cli/bin/lightkeeper.js', import.meta.url))

export interface OurProcess extends AsyncDisposable {
  readonly port: number
  readonly connectString: string
  readonly child: ChildProcess
  /** Everything it said on standard error so far. */
  readonly errors: () => string
  /** Ends it and resolves to its exit code. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>
  /** Resolves to the exit code when it ended by itself. */
  readonly ended: Promise<number | null>
}

/**
 * Runs `lightkeeper server`. @throws Error with what it printed where it ends before it serves.
 * `args` are its arguments; `env` is added to the environment; `wrap` is a command that runs what stands behind it in its own
 * process, after a limit was set for example.
 */
export async function ourProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  wrap: readonly string[] = [],
): Promise<OurProcess> {
  const [file = process.execPath, ...words] = [...wrap, process.execPath, bin, 'server', ...args]
  const running = new Child([file, ...words], { env })
  const port = Number(/^lightkeeper listening on .*:(\d+)$/.exec(await running.firstLine())?.[1] ?? 0)
  const ended = running.closed.then(({ code }) => code)
  if (port === 0) {
    running.kill('SIGKILL')
    await ended
    throw new Error(running.errors.trim() || 'the server ended before it said anything')
  }
  const end = (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    running.kill(signal)
    return ended
  }
  return {
    port,
    connectString: `127.0.0.1:${port}`,
    child: running.child,
    errors: () => running.errors,
    end,
    ended,
    [Symbol.asyncDispose]: async () => void (await end('SIGKILL')),
  }
}

/** A port that is free, and that no outgoing connection takes before a server listens on it. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  return port as number
}
