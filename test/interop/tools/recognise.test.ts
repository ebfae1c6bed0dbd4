/**
 * What Curator and kazoo make on a real Apache 3.8 is recognised: as in the trees that the unit tests of the tools keep, which were
 * recorded here. RECORD=1 records them again.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { connect, type ZnodePath } from '@lightkeeper/client'
import { apache, apacheAvailable, compileJava, javaClassPath, javaMissing } from '@lightkeeper/testing'
import { readSeen, recognise, type SeenTree, type Structure } from '@lightkeeper/tools'
import { describe, expect, test } from 'vitest'
import { treeOf } from '../../../packages/tools/src/structures/recorded/tree-of.ts'
import { Child } from '../../support/process.ts'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const classPath = javaClassPath(here('../../../.cache/interop/tools'))
const python = ['/usr/bin/python3', 'python3'].find((each) => spawnSync(each, ['-c', 'import kazoo']).status === 0)

const peers = {
  curator: {
    missing: () =>
      javaMissing(['curator-recipes', 'curator-x-discovery']) ?? compileJava(classPath, [here('Trees.java')]),
    command: ['java', '-XX:TieredStopAtLevel=1', '-Xmx128m', '-cp', classPath, 'Trees'],
  },
  kazoo: {
    missing: () => (python === undefined ? 'no python3 here can import kazoo (python3-kazoo)' : undefined),
    command: [python ?? 'python3', here('trees.py')],
  },
} as const

function reasonAgainst(peer: keyof typeof peers): string | undefined {
  const found = apacheAvailable('3.8')
  const reason = found.available ? peers[peer].missing() : found.reason
  if (reason === undefined) return undefined
  if (process.env['INTEROP'] === 'require')
    throw new Error(`recognising ${peer} is required, and cannot run: ${reason}`)
  console.log(`recognising ${peer}: skipped, because ${reason}`)
  return reason
}

/** Kinds, numbers and sides: all that does not differ from run to run. */
function shapeOf({ kind, path, layouts, holders, waiters, capacity, items }: Structure): unknown {
  const sides = [...holders, ...waiters].map(({ side, session }) => [side, session === 0n])
  const behind = waiters.map((each) => [each.behind.length, each.needs])
  return { kind, path, layouts, capacity, items, holders: holders.length, behind, sides }
}

const byPath = (tree: SeenTree): unknown[] => recognise(tree).map(shapeOf)

describe.each(['curator', 'kazoo'] as const)('what %s makes', (peer) => {
  test.skipIf(reasonAgainst(peer) !== undefined)('is recognised', async () => {
    await using server = await apache({ version: '3.8' })
    const [command, ...args] = peers[peer].command
    await using program = new Child([command, ...args, server.connectString], { input: 'pipe' })
    expect(await program.firstLine(), program.errors).toBe('ready')
    await using zk = await connect(server.connectString)
    const { tree } = await readSeen(zk, `/${peer}`)
    const file = here(`../../../packages/tools/src/structures/recorded/${peer}.json`)
    if (process.env['RECORD'] !== undefined) writeFileSync(file, textOf(tree))
    expect(byPath(tree)).toEqual(byPath(treeOf(JSON.parse(readFileSync(file, 'utf8')))))
  })
})

/** A line a znode, to be read by `treeOf`. */
function textOf(tree: ReadonlyMap<ZnodePath, { readonly data: Uint8Array; readonly stat: object }>): string {
  const lines = [...tree].map(([path, { data, stat }]) =>
    JSON.stringify({ path, data: Buffer.from(data).toString('base64'), stat }),
  )
  return `[\n${lines.join(',\n')}\n]\n`
}
