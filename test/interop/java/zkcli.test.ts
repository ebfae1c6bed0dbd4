/**
 * ZooKeeper's own shell, with every command that it has: what it prints on ours is what it prints on Apache 3.9, zxids included.
 * Only times, session ids, the port and the order of what a server keeps in sets may differ.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Child } from '../../support/process.ts'
import { missingTarget, startTarget, type TargetName } from '../../support/target.ts'
import { zkCliCommands as commands, type Said, settled, unordered } from '../../support/zkcli.ts'
import { skipReason } from '../lane.ts'

const options = '/usr/share/java/commons-cli.jar'
const classPath = `${fileURLToPath(new URL('../../../.cache/apache-3.9', import.meta.url))}/*:${options}`

const recording = fileURLToPath(new URL('../../cli/shell/recorded/zkcli-3.9.json', import.meta.url))

const missing = skipReason(
  'zkCli',
  missingTarget('apache-3.9') ?? (existsSync(options) ? undefined : `${options} is not installed`),
)

/** Ends the shell as `quit` does. */
const sameAs = new Map([['exit', 'quit']])

/**
 * Events come on a thread of their own, beside the commands. So the event of the change behind `printwatches off` may come when
 * watches are printed again, and one of two equal ones in front of it may come too late.
 */
const raced = 'WatchedEvent state:SyncConnected type:NodeDataChanged path:/w zxid: 37'

interface Transcript {
  readonly said: readonly Said[]
  /** Watch events of all commands, in order of the path and then of their coming; equal ones once. */
  readonly events: readonly string[]
}

/** Runs the shell on a fresh server. Behind each command stands one whose error marks where the answer ends. */
async function transcript(target: TargetName): Promise<Transcript> {
  await using server = await startTarget({ extendedTypesEnabled: true }, target)
  const shell = `exec java -XX:TieredStopAtLevel=1 -cp '${classPath}' org.apache.zookeeper.ZooKeeperMain -server ${server.connectString} 2>&1`
  await using child = new Child(['sh', '-c', shell], { input: 'pipe', timeoutMs: 120_000 })
  const input = commands.flatMap((command, index) => [
    command.replace('HOSTS', server.connectString),
    ...(command === 'quit' ? [] : [`unknown-${index}`]),
  ])
  child.child.stdin?.end([...input, ''].join('\n'))
  await child.closed
  const said: Said[] = []
  const events: string[] = []
  let lines: string[] = []
  let isUsage = false
  for (const raw of child.output.split('\n')) {
    const line = settled(raw.trimEnd(), server.port)
    const mark = /^Command not found: Command not found unknown-(\d+)$/.exec(line)
    // A command that is not known prints the usage, to standard error, before it says so.
    if (line.startsWith('ZooKeeper -server')) isUsage = true
    else if (mark !== null) {
      said.push({ command: commands[Number(mark[1])] as string, lines })
      lines = []
      isUsage = false
    } else if (line.startsWith('WatchedEvent')) {
      if (line !== raced && !events.includes(line)) events.push(line)
    } else if (
      line !== '' &&
      line !== 'WATCHER::' &&
      !line.startsWith('SLF4J') &&
      !(isUsage && line.startsWith('\t'))
    ) {
      lines.push(line)
    }
  }
  said.push({ command: 'quit', lines })
  const path = (event: string): string => /path:(\S+)/.exec(event)?.[1] ?? ''
  return {
    said: said.map(({ command, lines }) => ({ command, lines: unordered.test(command) ? [...lines].sort() : lines })),
    events: events
      .map((event, index) => ({ event, index, path: path(event) }))
      .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.index - b.index))
      .map(({ event }) => event),
  }
}

describe.skipIf(missing !== undefined)('zkCli', () => {
  test('prints on ours what it prints on Apache, whatever it is asked', async () => {
    const theirs = await transcript('apache-3.9')
    const ours = await transcript('ours')
    expect(theirs.said.map(({ command }) => command)).toEqual(commands)
    expect(ours.said).toEqual(theirs.said)
    expect(ours.events).toEqual(theirs.events)
    expect(ours.events.length).toBeGreaterThan(5)
    // Our own shell is compared with this recording, where no Java is needed.
    if (process.env['RECORD'] === '1') writeFileSync(recording, `${JSON.stringify(theirs, null, 1)}\n`)
    expect(theirs).toEqual(JSON.parse(readFileSync(recording, 'utf8')))
  })

  test('has no command that is not tried here', async () => {
    const shell = `java -cp '${classPath}' org.apache.zookeeper.ZooKeeperMain -server 127.0.0.1:1 nonsense 2>&1`
    await using child = new Child(['sh', '-c', shell], { timeoutMs: 60_000 })
    await child.closed
    const known = [...child.output.matchAll(/^\t(\w+)/gm)].map((match) => match[1] as string)
    expect(known.length).toBeGreaterThan(25)
    const tried = new Set(commands.map((command) => command.split(' ')[0]))
    expect(known.filter((name) => !tried.has(sameAs.get(name) ?? name))).toEqual([])
  })
})
