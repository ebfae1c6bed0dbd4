/**
 * ZooKeeper's own shell, with every command that it has: what it prints on ours is what it prints on Apache 3.9, zxids included.
 * Only times, session ids, the port and the order of what a server keeps in sets may differ.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Child } from '../../support/process.ts'
import { missingTarget, startTarget, type TargetName } from '../../support/target.ts'
import { skipReason } from '../lane.ts'

const options = '/usr/share/java/commons-cli.jar'
const classPath = `${fileURLToPath(new URL('../../../.cache/apache-3.9', import.meta.url))}/*:${options}`

const missing = skipReason(
  'zkCli',
  missingTarget('apache-3.9') ?? (existsSync(options) ? undefined : `${options} is not installed`),
)

/** One shell's commands. `HOSTS` stands for the server. */
const commands = [
  'version',
  'ls /',
  'ls -R /',
  'create /cli first',
  'create /cli again',
  'create /no/parent x',
  'create bad x',
  'create -e -s /cli/e- x',
  'create -s /cli/s- "with spaces"',
  'create -c /cli/box',
  'create -t 100000 /cli/ttl late',
  'create -t 100000 -e /cli/both x',
  'create /cli/empty',
  'create /cli/closed secret world:anyone:r',
  'create /cli/odd x world:anyone:zz',
  'get /cli',
  'get -s /cli',
  'get -b /cli',
  'get -x /cli',
  'get /cli/empty',
  'get /nothing',
  'get -s -w /cli/s-0000000001',
  'stat /cli',
  'stat -w /cli/box',
  'stat /nothing',
  'ls /cli',
  'ls -s /cli',
  'ls -w /cli/box',
  'ls /nothing',
  'getAllChildrenNumber /cli',
  'getAllChildrenNumber /nothing',
  'getEphemerals /cli',
  'getEphemerals',
  'set /cli second',
  'set -s /cli third',
  'set -v 0 /cli old',
  'set -v 2 /cli fits',
  'set -b /cli aGVsbG8=',
  'set /nothing x',
  'set /cli/s-0000000001 changed',
  'create /cli/box/in x',
  'getAcl /cli',
  'getAcl -s /cli/closed',
  'getAcl /nothing',
  'set /cli/closed x',
  'addauth digest joe:secret',
  'addauth nonsense x',
  'whoami',
  'create /acl x',
  'create /acl/below x',
  'setAcl /acl auth:joe:cdrwa',
  'getAcl /acl',
  'setAcl -R /acl digest:joe:U1BzMCXgXRPQQHfVpOZBGyIkFvw=:r,world:anyone:cdrwa',
  'getAcl /acl/below',
  'setAcl -s -v 9 /acl world:anyone:r',
  'setAcl -s -v 2 /acl world:anyone:cdrwa,ip:127.0.0.1:r',
  'setAcl /acl bad:acl',
  'setAcl /nothing world:anyone:r',
  'addWatch -m PERSISTENT /w',
  'addWatch /wr',
  'addWatch -m NONSENSE /w',
  'create /w x',
  'create /w/child x',
  'set /w y',
  'create /wr x',
  'create /wr/a x',
  'set /wr/a y',
  'delete /wr/a',
  'removewatches /w -p',
  'removewatches /wr -r',
  'removewatches /w -a',
  'removewatches /nothing -d',
  'set /w unseen',
  'get -w /w',
  'removewatches /w -d',
  'stat -w /w',
  'removewatches /w -a -l',
  'printwatches',
  'printwatches off',
  'get -w /w',
  'set /w silent',
  'printwatches on',
  'printwatches',
  'setquota -n 3 /cli',
  'setquota -b 100 /cli',
  'setquota -N 50 /cli',
  'setquota -B 5000 /cli',
  'setquota -n 3 /cli/box',
  'setquota -n 3 /nothing',
  'listquota /cli',
  'listquota /w',
  'listquota /nothing',
  'delquota -n /cli',
  'delquota -B /cli',
  'listquota /cli',
  'delquota /cli',
  'delquota /cli',
  'listquota /cli',
  'sync /cli',
  'sync /nothing',
  'config',
  'config -s',
  'config -c',
  'reconfig -remove 1',
  'reconfig -add server.2=127.0.0.1:1:2;3',
  'delete /cli',
  'delete -v 9 /cli/empty',
  'delete -v 0 /cli/empty',
  'delete /nothing',
  'delete /',
  'deleteall -b 2 /cli',
  'deleteall /nothing',
  'ls /cli',
  'history',
  'redo 2',
  'redo 9999',
  'nonsense',
  'get',
  'get -q /w',
  'close',
  'ls /',
  'connect HOSTS',
  'ls /',
  'getEphemerals /',
  'connect',
  'whoami',
  'delete /w/child',
  'ls -R /w',
  'quit',
]
/** Ends the shell as `quit` does. */
const sameAs = new Map([['exit', 'quit']])
/** They print what a server keeps in a set. */
const unordered = /^(getEphemerals|whoami)/

interface Said {
  readonly command: string
  readonly lines: readonly string[]
}

interface Transcript {
  readonly said: readonly Said[]
  /** Watch events of all commands, in order of the path and then of their coming. */
  readonly events: readonly string[]
}

function settled(line: string, port: number): string {
  return line
    .replaceAll(`:${port}`, ':PORT')
    .replace(/^([cm]time|dataLength) = (.*)$/, (all, name: string) => (name === 'dataLength' ? all : `${name} = TIME`))
    .replace(/^ephemeralOwner = 0x(?!0$)[0-9a-f]+$/, 'ephemeralOwner = SESSION')
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
    } else if (line.startsWith('WatchedEvent')) events.push(line)
    else if (line !== '' && line !== 'WATCHER::' && !line.startsWith('SLF4J') && !(isUsage && line.startsWith('\t'))) {
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
