/** The faults in the demo, and their times; the seed decides. */
import type { Random } from '@lightkeeper/client'

export type Mishap =
  /** SIGKILL: the process ends at once; its session lives until the server ends it. */
  | { readonly kind: 'kill'; readonly worker: number }
  /** SIGTERM: the process is asked to leave. */
  | { readonly kind: 'dismiss'; readonly worker: number }
  /** SIGSTOP: the process is stopped, and continues later. */
  | { readonly kind: 'pause'; readonly worker: number; readonly forMs: number }
  | { readonly kind: 'killServer' }
  /** A new configuration is written. */
  | { readonly kind: 'configure'; readonly workMs: number; readonly backlog: number }
  /** An invalid configuration is written. */
  | { readonly kind: 'misconfigure' }

export interface Circumstances {
  readonly workers: number
  /** Milliseconds; pauses are from a fifth of it to more than twice as long. */
  readonly sessionTimeoutMs: number
  /** Whether there is a server of the demo's own to kill. */
  readonly hasServer: boolean
}

const weights = { kill: 5, dismiss: 2, pause: 4, killServer: 1, configure: 2, misconfigure: 1 } as const

export function nextMishap(random: Random, { workers, sessionTimeoutMs, hasServer }: Circumstances): Mishap {
  const kinds = (Object.keys(weights) as Mishap['kind'][]).filter((kind) => hasServer || kind !== 'killServer')
  let drawn = random.below(kinds.reduce((sum, kind) => sum + weights[kind], 0))
  const kind = kinds.find((each) => (drawn -= weights[each]) < 0) ?? 'kill'
  const worker = random.below(workers)
  switch (kind) {
    case 'kill':
    case 'dismiss':
      return { kind, worker }
    case 'pause': {
      const shortest = sessionTimeoutMs / 5
      return { kind, worker, forMs: Math.round(shortest + random.below(sessionTimeoutMs * 2)) }
    }
    case 'configure':
      return { kind, workMs: 10 + random.below(40), backlog: 5 + random.below(30) }
    case 'killServer':
    case 'misconfigure':
      return { kind }
  }
}

/** Milliseconds until the next one. */
export function untilNext(random: Random): number {
  return 300 + random.below(1_500)
}
