/** Files of the corpus that Apache can be asked about: what starts on one starts on the other, and what is refused is refused. */
import { type ChildProcess, spawn } from 'node:child_process'
import { startServer } from '@lightkeeper/server'
import { apacheAvailable, ask, freePorts } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { serverSettings } from '../../packages/cli/src/server-settings.ts'
import { configurations, layOut } from '../support/configurations.ts'
import { missingTarget, targetName } from '../support/target.ts'

/** What became of a server with that file: its mode where it serves on `port`, or that it is gone. */
type Outcome = string

async function ours(file: string, port: number): Promise<Outcome> {
  try {
    const { options } = await serverSettings(file, {})
    await using _server = await startServer({ ...options, fourLetterWordWhitelist: 'srvr' })
    return await serves(port)
  } catch {
    return 'refuses'
  }
}

async function apaches(file: string, port: number, line: '3.8' | '3.9'): Promise<Outcome> {
  const found = apacheAvailable(line)
  if (!found.available) throw new Error(found.reason)
  const jvm = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Dzookeeper.admin.enableServer=false']
  const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
  const child: ChildProcess = spawn('java', [...jvm, '-cp', found.classPath, main, file], { stdio: 'ignore' })
  const ended = new Promise<Outcome>((resolve) => void child.once('close', () => resolve('refuses')))
  try {
    return await Promise.race([ended, serves(port)])
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

async function serves(port: number): Promise<Outcome> {
  for (;;) {
    const mode = /^Mode: (.*)$/m.exec(await ask(port, 'srvr').catch(() => ''))?.[1]
    if (mode !== undefined) return mode
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const missing = missingTarget()
if (missing !== undefined) console.log(`configurations on ${targetName}: skipped, because ${missing}`)

describe.skipIf(missing !== undefined || targetName === 'apache-3.5')(`a zoo.cfg on ${targetName}`, () => {
  for (const configuration of configurations()) {
    const { name, refusedFor, apache, mode } = configuration
    if (apache.startsWith('not asked')) {
      if (targetName !== 'ours') console.log(`${name} is ${apache}`)
      continue
    }
    test(`${name} ${refusedFor === undefined ? 'starts' : 'is refused'}`, async () => {
      const ports = await freePorts(3)
      const [port = 0] = ports
      using laid = layOut(configuration, ports)
      const outcome =
        targetName === 'ours'
          ? await ours(laid.file, port)
          : await apaches(laid.file, port, targetName === 'apache-3.8' ? '3.8' : '3.9')
      expect(outcome).toBe(refusedFor === undefined ? mode : 'refuses')
    })
  }
})
