/** `lightkeeper demo`: a small system at work while its processes are killed. */
import { randomInt } from 'node:crypto'
import type { Run } from '../command.ts'
import { type Announce, demo } from '../demo/demo.ts'
import { untilInterrupted } from '../signals.ts'
import type { demo as row } from '../table/serving.ts'

export const run: Run<typeof row> = async ({ values }) => {
  const { minutes, workers, calm, server, json, seed = randomInt(1_000_000) } = values
  const announce = json ? printJson : printSentences(Date.now())
  const problems = await demo(
    { servers: server, workers, durationMs: minutes * 60_000, seed, isCalm: calm, signal: untilInterrupted() },
    announce,
  )
  announce('end', { problems })
  return problems.length === 0 ? 0 : 1
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
