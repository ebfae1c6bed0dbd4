/** `lightkeeper demo`: a small system at work while its processes are killed. */
import { randomInt } from 'node:crypto'
import { parseAll } from '../arguments.ts'
import { type Command, UsageError } from '../command.ts'
import type { Announce } from '../demo/demo.ts'
import { untilInterrupted } from '../signals.ts'

const usage = `usage: lightkeeper demo [options]

Runs a server and workers, each as a process of its own, and kills, stops and pauses them at random. The workers elect a
scheduler, register, work off orders under locks and follow one configuration. No order may be lost or done twice.

  --minutes M       how long (default 1)
  --workers N       how many (default 4)
  --seed S          what goes wrong, and in which order (default: any)
  --calm            nothing goes wrong
  -s, --server H    servers to use, which are not harmed (default: a server of the demo's own, which is killed as well)
  --json            one JSON object per line

Exit code: 0 when every order was done once and nothing was left behind, 1 when not.
`

export const demoCommand: Command = {
  name: 'demo',
  summary: 'run a small system while its processes are killed and stopped',
  usage,
  async run(args) {
    const { values, positionals } = parseAll('demo', args, optionTypes)
    if (positionals.length > 0) throw new UsageError(`takes no arguments, got ${positionals.join(' ')}`)
    const minutes = numberOf('--minutes', values.minutes ?? '1', 0.05, 24 * 60)
    const workers = numberOf('--workers', values.workers ?? '4', 1, 100)
    const seed = numberOf('--seed', values.seed ?? String(randomInt(1_000_000)), 0, 2 ** 31 - 1)
    if (!Number.isInteger(workers) || !Number.isInteger(seed)) {
      throw new UsageError('--workers and --seed want whole numbers')
    }
    const { demo } = await import('../demo/demo.ts')
    const announce = values.json ? printJson : printSentences(Date.now())
    const problems = await demo(
      {
        servers: values.server,
        workers,
        durationMs: minutes * 60_000,
        seed,
        isCalm: values.calm ?? false,
        signal: untilInterrupted(),
      },
      announce,
    )
    announce('end', { problems })
    return problems.length === 0 ? 0 : 1
  },
}

const printJson: Announce = (event, facts = {}) => {
  process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)
}

/** With the seconds since `start`. */
function printSentences(start: number): Announce {
  return (event, facts = {}) => {
    const words = Object.entries(facts).map(([name, fact]) => [
      name,
      Array.isArray(fact) ? fact.join(', ') : String(fact),
    ])
    const sentence = sentences[event]?.(Object.fromEntries(words) as Words)
    if (sentence === undefined) return
    const seconds = ((Date.now() - start) / 1_000).toFixed(1).padStart(6)
    process.stdout.write(`${seconds} s  ${sentence}\n`)
  }
}

/** The facts of events as text for people. */
type Words = Readonly<
  Record<
    | 'backlog'
    | 'done'
    | 'epoch'
    | 'forMs'
    | 'id'
    | 'orders'
    | 'problems'
    | 'seed'
    | 'servers'
    | 'terms'
    | 'text'
    | 'waiting'
    | 'workMs'
    | 'workers',
    string
  >
>

/** A sentence for each event; events that are missing here are for programs only. */
const sentences: Readonly<Record<string, (words: Words) => string>> = {
  begin: ({ servers, workers, seed }) => `${workers} workers on ${servers}; --seed ${seed} repeats this run`,
  started: ({ id }) => `${id} is at work`,
  stopped: ({ id }) => `${id} has left`,
  scheduler: ({ id, epoch }) => `${id} is the scheduler, epoch ${epoch}`,
  kill: ({ id }) => `${id} is killed`,
  dismiss: ({ id }) => `${id} is asked to leave`,
  pause: ({ id, forMs }) => `${id} is stopped for ${forMs} ms`,
  resume: ({ id }) => `${id} goes on`,
  killServer: () => 'the server is killed and started again',
  configure: ({ workMs, backlog }) => `new configuration: ${workMs} ms an order, ${backlog} orders waiting`,
  misconfigure: () => 'an invalid configuration is written',
  account: ({ done, waiting, terms, workers }) =>
    `${done} orders done, ${waiting} waiting; ${terms} terms; at work: ${workers}`,
  closing: ({ orders }) => `time is over; ${orders} orders were written, and the remaining ones are being done`,
  problem: ({ text }) => `PROBLEM: ${text}`,
  end: ({ problems }) =>
    problems === '' ? 'every order was done once and nothing is left behind' : `WRONG: ${problems}`,
}

const optionTypes = {
  minutes: { type: 'string' },
  workers: { type: 'string' },
  seed: { type: 'string' },
  calm: { type: 'boolean' },
  server: { type: 'string', short: 's' },
  json: { type: 'boolean' },
} as const

function numberOf(option: string, given: string, least: number, most: number): number {
  const number = Number(given)
  if (given.trim() === '' || !(number >= least && number <= most)) {
    throw new UsageError(`${option} wants a number from ${least} to ${most}, got "${given}"`)
  }
  return number
}
