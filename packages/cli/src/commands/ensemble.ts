/** `lightkeeper ensemble`: several servers on this machine that are one ensemble, for development. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DirectoryLock } from '@lightkeeper/runtime'
import { type Run, UsageError } from '../command.ts'
import { checkFolder, type MemberPorts, settingsOf, writeMembers } from '../ensemble/folder.ts'
import { MemberProcess } from '../ensemble/member-process.ts'
import { logSink } from '../log-sink.ts'
import { printable, say } from '../output.ts'
import { untilInterrupted } from '../signals.ts'
import type { ensemble as row } from '../table/serving.ts'

/** How long all members may take until they serve for the first time, milliseconds. */
const startMs = 60_000
const lookMs = 50

export const run: Run<typeof row> = async ({ values }) => {
  const { size, port, 'data-dir': dataDir, 'no-restart': staysAway } = values
  if (port + size - 1 > 65_535) {
    throw new UsageError(`--port must be ${65_536 - size} or less, so that each of ${size} members has one`)
  }
  const settings = settingsOf(values.set)
  if (dataDir !== undefined) checkFolder(dataDir, size)
  const stop = untilInterrupted()
  const log = await logSink('text')
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), 'lightkeeper-ensemble-'))
  // Another command that uses the folder starts its members again with the files that stand there.
  const lock = await lockFolder(folder)
  const files = writeMembers(folder, await portsOf(size, port), settings)
  const over = new AbortController()
  let hasServed = false
  let failure: Error | undefined
  const members = files.map((each) => {
    const name = `server.${each.id}`
    let last = ''
    const member: MemberProcess = new MemberProcess(each, !staysAway, {
      line(text) {
        last = text
        process.stderr.write(`${name} | ${printable(text)}\n`)
      },
      began: (pid) => log('info', `${name} is started`, { pid, address: each.address }),
      ended(how, waitMs) {
        if (!hasServed) {
          failure ??= new Error(`${name} ended before the ensemble served, ${how}: ${last}`)
          over.abort()
        } else if (waitMs !== undefined) {
          log('warn', `${name} ended without having been asked to, and is started again`, { how, afterMs: waitMs })
        } else {
          log('warn', `${name} ended, and stays away because of --no-restart`, { how })
          if (members.every(({ isThere }) => !isThere)) {
            failure ??= new Error('all members have ended')
            over.abort()
          }
        }
      },
    })
    return member
  })
  try {
    for (const member of members) member.start()
    const end = AbortSignal.any([stop, over.signal])
    const addresses = files.map(({ address }) => address)
    await served(addresses, end)
    if (!end.aborted) {
      hasServed = true
      say(`lightkeeper ensemble listening on ${addresses.join(',')}\n`)
      if (dataDir === undefined) log('warn', 'THE DATA GOES WITH THIS COMMAND; --data-dir keeps it', { folder })
      await new Promise<void>((resolve) => {
        if (end.aborted) resolve()
        else end.addEventListener('abort', () => resolve())
      })
    }
  } finally {
    await Promise.all(members.map((member) => member.stop()))
    await lock.release()
    if (dataDir === undefined) rmSync(folder, { recursive: true, force: true })
  }
  if (failure !== undefined && !stop.aborted) throw failure
  return 0
}

/** Makes the folder, and keeps it for this process. @throws Error where another one has it, or where nothing can be written there. */
async function lockFolder(folder: string): Promise<DirectoryLock> {
  const { nodeRuntime } = await import('@lightkeeper/runtime/node')
  mkdirSync(folder, { recursive: true })
  return nodeRuntime().disk.lock(folder)
}

/** Ports of each member: those for clients from `first` on, or free ones for 0. */
async function portsOf(size: number, first: number): Promise<MemberPorts[]> {
  const { freePorts } = await import('@lightkeeper/testing')
  const free = await freePorts(3 * size)
  return Array.from({ length: size }, (_, i) => {
    const [client, quorum, election] = free.slice(3 * i) as [number, number, number]
    return { client: first === 0 ? client : first + i, quorum, election }
  })
}

/** Resolves when all members serve, or at the end. @throws Error that names those that do not serve in time. */
async function served(addresses: readonly string[], end: AbortSignal): Promise<void> {
  const { askWord } = await import('@lightkeeper/tools')
  const { nodeRuntime } = await import('@lightkeeper/runtime/node')
  const host = nodeRuntime()
  const isServing = async (address: string): Promise<boolean> =>
    /^Mode: /m.test(await askWord(host, address, 'srvr', { timeoutMs: 2_000 }).catch(() => ''))
  const deadline = performance.now() + startMs
  let waiting = addresses
  while (waiting.length > 0 && !end.aborted) {
    if (performance.now() > deadline)
      throw new Error(`the ensemble did not serve within ${startMs / 1000} s: nothing from ${waiting.join(', ')}`)
    const answers = await Promise.all(waiting.map(isServing))
    waiting = waiting.filter((_, i) => answers[i] !== true)
    if (waiting.length > 0) await sleep(lookMs, undefined, { signal: end }).catch(() => {})
  }
}
