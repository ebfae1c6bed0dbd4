/**
 * The shell beside Apache's own one: each of its commands, with what zkCli 3.9 printed on an Apache server (recorded; the interop lane
 * compares the recording with the real one). A line that differs has its reason in `differences.ts`.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Child } from '../../support/process.ts'
import { startTarget } from '../../support/target.ts'
import { type Said, settled, unordered, zkCliCommands } from '../../support/zkcli.ts'
import { differences, inOurWords, withoutSentence } from './differences.ts'

const bin = fileURLToPath(new URL('../../../packages/cli/bin/lightkeeper.js', import.meta.url))
const recording = fileURLToPath(new URL('recorded/zkcli-3.9.json', import.meta.url))
const theirs = JSON.parse(readFileSync(recording, 'utf8')) as { readonly said: readonly Said[] }

/** What ours must do besides, so that later commands meet the same tree: zkCli refuses the first, and takes the second. */
const besides: Readonly<Record<string, string>> = {
  'create bad x': 'delete /bad',
  'create /cli/odd x world:anyone:zz': 'create /cli/odd x ip:192.0.2.1:r',
}

/** Ours refuses some commands before it sends them, so it has fewer zxids; and its history has the commands besides. */
function comparable(line: string): string {
  const words = withoutSentence(line).replace(/^([cmp]Zxid = )0x[0-9a-f]+$/, '$1ZXID')
  return words.replace(/^\d+ - (unknown-\d+|delete.*|ls.*|history)$/, 'NUMBER - $1')
}

/** What the shell prints behind each command, up to a verb that does not exist. */
async function transcript(): Promise<Said[]> {
  await using server = await startTarget({ extendedTypesEnabled: true }, 'ours')
  const shell = `exec '${process.execPath}' '${bin}' shell --keep-going -s ${server.connectString} 2>&1`
  await using child = new Child(['sh', '-c', shell], { input: 'pipe', timeoutMs: 60_000 })
  const input = zkCliCommands.flatMap((command, i) => [
    command.replace('HOSTS', server.connectString),
    ...(command === 'quit' ? [] : [`unknown-${i}`]),
    ...(besides[command] === undefined ? [] : [besides[command], 'silent-']),
  ])
  child.child.stdin?.end([...input, ''].join('\n'))
  await child.closed
  const said: Said[] = []
  let lines: string[] = []
  for (const raw of child.output.split('\n')) {
    const line = settled(raw.trimEnd(), server.port).replace(/^lightkeeper shell: /, '')
    if (line.startsWith('silent-')) {
      lines = []
      continue
    }
    const mark = /^unknown-(\d+): no such verb/.exec(line)
    if (mark !== null) {
      said.push({ command: zkCliCommands[Number(mark[1])] as string, lines })
      lines = []
    } else if (line !== '' && !line.startsWith('watch: ')) lines.push(line)
  }
  said.push({ command: 'quit', lines })
  return said.map(({ command, lines: own }) => ({ command, lines: unordered.test(command) ? [...own].sort() : own }))
}

test('prints what zkCli prints, or differs for a reason that is written down', async () => {
  const ours = await transcript()
  expect(ours.map(({ command }) => command)).toEqual(zkCliCommands)
  const unexplained: object[] = []
  const used = new Set<number>()
  for (const [i, { command, lines }] of ours.entries()) {
    const said = inOurWords(command, theirs.said[i]?.lines ?? [])
      .map(comparable)
      .join('\n')
    const own = lines.map(comparable).join('\n')
    if (said === own) continue
    const at = differences.findIndex(
      (each) => each.commands.test(command) && each.theirs.test(said) && each.ours.test(own),
    )
    if (at === -1) unexplained.push({ command, theirs: said, ours: own })
    else used.add(at)
  }
  expect(unexplained).toEqual([])
  // A reason that explains nothing any more is taken out.
  expect(differences.filter((_, i) => !used.has(i)).map(({ reason }) => reason)).toEqual([])
})
