/** What the ports between members must stand, whatever is switched on for them: leaders of either kind, and one step after the other. */
import type { Socket } from 'node:net'
import { expect } from 'vitest'
import { type Kind, Load, type Voter, Voters, type VotersOptions } from './voters.ts'

/** CI has no time for nine restarts. */
export const rolledKinds: readonly (readonly [Kind, Kind, Kind])[] =
  process.env['INTEROP_LONG'] === undefined
    ? []
    : [
        ['ours', 'ours', 'ours'],
        ['ours', 'apache', 'ours'],
      ]

/**
 * One of Apache and two of ours have a leader of either kind, under load and without a loss. `whileOursLeads` gets them and the one of ours
 * that leads at the end; `atTheEnd` gets them when they are equal.
 */
export async function eachKindLeads(
  options: VotersOptions,
  whileOursLeads: (ours: Voter) => Promise<void>,
  atTheEnd: (voters: Voters) => Promise<void> = async () => {},
): Promise<void> {
  await using voters = await Voters.start('3.9', ['apache', 'ours', 'ours'], options)
  await using load = await Load.start(voters)
  const [theirs, ours] = voters.all as [Voter, Voter, Voter]
  for (const next of [theirs, ours]) {
    await voters.lead(next, load.goesOn)
    await load.goesOn()
  }
  await whileOursLeads(ours)
  await load.goesOn()
  await finish(voters, load)
  await atTheEnd(voters)
}

/** Each of `steps` is taken by one server after the other, under load and without a loss. `options` are those of the start. */
export async function switchedOn(
  kinds: readonly [Kind, Kind, Kind],
  steps: readonly VoterConfig[],
  options: VotersOptions = {},
): Promise<void> {
  await using voters = await Voters.start('3.9', kinds, options)
  await using load = await Load.start(voters)
  for (const step of steps) {
    for (const voter of voters.all) {
      await voter.end('SIGTERM')
      voter.config = step
      await voter.start()
      await load.goesOn()
    }
  }
  await finish(voters, load)
  expect(voters.all.every(({ isRunning }) => isRunning)).toBe(true)
}

type VoterConfig = Voter['config']

async function finish(voters: Voters, load: Load): Promise<void> {
  await load.stop()
  await load.check()
  await voters.areEqual()
}

/** Says this to a server, and resolves when it closes the connection. Rejects for a byte of an answer. */
export function closes(socket: Socket, hex: string): Promise<void> {
  socket.write(Buffer.from(hex, 'hex'))
  return new Promise((resolve, reject) => {
    socket.on('error', () => {})
    socket.once('data', () => reject(new Error('the server answered')))
    socket.once('close', () => resolve())
  })
}
