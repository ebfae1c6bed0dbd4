/** What happens in one story: settings of the server and steps, all made from a seed. Each step is made of numbers alone. */
import type { ServerOptions } from '@lightkeeper/server'
import { SeededRandom } from '@lightkeeper/testing/sim'

/** What a step does; `size` means what stands behind the name. */
export type StepKind =
  /** Opens a connection with a handshake of one kind. */
  | 'dial'
  /** Opens a connection with a four-letter word. */
  | 'word'
  /** Sends requests, `size` of them, cut into segments. */
  | 'send'
  /** Sends the first bytes of a request, and the rest with the next step of this connection that sends. */
  | 'half'
  /** Sends bytes that are no frames. */
  | 'garbage'
  /** The client stops reading; `read` goes on. */
  | 'stall'
  | 'read'
  /** The connection is reset, after `size` bytes of a request. */
  | 'reset'
  /** The client ends its side and waits. */
  | 'end'
  /** The client's host is gone without a word: the server holds a half-open connection. */
  | 'vanish'
  /** Time passes, `size` milliseconds. */
  | 'wait'
  | 'snapshot'
  /** The client that behaves asks for something and gets its answer. */
  | 'ask'

export interface Step {
  readonly kind: StepKind
  /** Which connection. */
  readonly slot: number
  /** Where the content of the step comes from. */
  readonly seed: number
  readonly size: number
}

export interface Plan {
  readonly seed: number
  readonly options: ServerOptions
  readonly steps: readonly Step[]
}

export const slots = 6
export const dataDir = '/data'
/** A superuser whose password no client knows. */
const superDigest = 'super:AAAAAAAAAAAAAAAAAAAAAAAAAAA='

const mix: readonly (readonly [kind: StepKind, weight: number])[] = [
  ['send', 50],
  ['dial', 14],
  ['ask', 8],
  ['half', 5],
  ['stall', 5],
  ['read', 3],
  ['reset', 4],
  ['wait', 5],
  ['word', 3],
  ['garbage', 1],
  ['end', 1],
  ['vanish', 1],
  ['snapshot', 1],
]
const kinds = mix.flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind))

/** A story of about `frames` frames. */
export function planOf(seed: number, frames: number): Plan {
  const random = new SeededRandom(seed ^ 0x0f02_2e5d)
  const steps: Step[] = []
  for (let slot = 0; slot < slots; slot++) steps.push({ kind: 'dial', slot, seed: random.next(), size: 0 })
  for (let sent = 0; sent < frames; ) {
    const kind = random.pick(kinds)
    const size = sizeOf(kind, random)
    if (kind === 'send') sent += size
    else if (kind === 'dial' || kind === 'half' || kind === 'ask') sent++
    steps.push({ kind, slot: random.below(slots), seed: random.next(), size })
  }
  return { seed, options: optionsOf(random), steps }
}

function sizeOf(kind: StepKind, random: SeededRandom): number {
  if (kind === 'send') return random.oneIn(10) ? 1 + random.below(300) : 1 + random.below(24)
  if (kind === 'wait') return random.oneIn(12) ? random.below(6_000) : random.below(60)
  if (kind === 'reset') return random.below(40)
  return 0
}

/** Limits small enough to be reached, now and then. */
function optionsOf(random: SeededRandom): ServerOptions {
  return {
    host: 'server',
    clientPort: 2181,
    dataDir,
    superDigest,
    tickTime: 500,
    minSessionTimeout: 1_000,
    maxSessionTimeout: 8_000,
    sessionlessCnxnTimeout: 2_000,
    fourLetterWordWhitelist: '*',
    extendedTypesEnabled: random.oneIn(2),
    enforceQuota: random.oneIn(2),
    digestEnabled: true,
    snapCount: random.pick([20, 200, 5_000]),
    preAllocSize: random.pick([0, 1, 64]),
    snapshotSliceZnodes: random.pick([1, 5, 512]),
    snapshotCompression: random.pick(['none', 'none', 'snappy']),
    znodeContainerCheckIntervalMs: random.pick([500, 5_000]),
    juteMaxbuffer: random.pick([3_000, 200_000, 200_000, 1_048_575]),
    connectionOutstandingLimit: random.pick([1, 5, 1_000]),
    globalOutstandingLimit: random.pick([1, 20, 1_000]),
    maxClientCnxns: random.pick([3, 60]),
    maxCnxns: random.pick([0, 0, 7]),
    maxMultiOperations: random.pick([3, 100, 3_000]),
    maxIdentities: random.pick([2, 64]),
    maxCnxnWatches: random.pick([5, 1_000]),
    maxCnxnWatchBytes: random.pick([2_000, 1_000_000]),
    maxWatchBytes: random.pick([5_000, 2_000_000]),
    maxReplyBytes: random.pick([2_000, 100_000, 100_000, 1_000_000]),
    slowReaderPauseBytes: random.pick([2_000, 100_000]),
    slowReaderCutBytes: random.pick([20_000, 400_000]),
    heldReplyBytes: random.pick([70_000, 500_000]),
  }
}
