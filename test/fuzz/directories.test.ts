/**
 * A data directory with damaged, cut, missing, misnamed and random files: a start gives right data or refuses by an error of ours
 * that names a file, and so does `inspect`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { resolveConfig } from '../../packages/server/src/config/config.ts'
import { compressor } from '../../packages/server/src/storage/compression.ts'
import { inspect } from '../../packages/server/src/storage/inspect.ts'
import { Bench, directory, dump } from '../../packages/server/src/storage/storage.harness.ts'
import { Storage } from '../../packages/server/src/storage/storage.ts'
import { fuzzParameters, untilItsEnd } from './parameters.ts'

interface Given {
  readonly files: ReadonlyMap<string, Uint8Array>
  /** The tree behind each transaction. */
  readonly states: ReadonlyMap<bigint, string>
  readonly last: bigint
}

const text = (tree: Parameters<typeof dump>[0]): string => dump(tree).join('\n')

/** Three snapshots and as many logs, with a tail behind the last snapshot. */
async function filled(): Promise<Given> {
  const bench = new Bench(1)
  const states = new Map<bigint, string>()
  const note = (): void => void states.set(bench.lastZxid, text(bench.tree))
  for (let part = 0; part < 3; part++) {
    await bench.open()
    note()
    for (let i = 0; i < 6; i++) {
      await bench.creates(1, `p${part}-`, 30)
      note()
    }
    if (part < 2) await bench.snapshot()
    await bench.close()
  }
  return { files: bench.disk.files(directory), states, last: bench.lastZxid }
}

async function packed(given: Given, compression: 'gz' | 'snappy'): Promise<Given> {
  const files = new Map<string, Uint8Array>()
  for (const [name, content] of given.files) {
    if (!name.startsWith('snapshot.')) {
      files.set(name, content)
      continue
    }
    const pieces: Uint8Array[] = []
    const out = compressor(compression, async (piece) => void pieces.push(piece.slice()))
    await out.write(content)
    await out.end()
    files.set(`${name}.${compression}`, new Uint8Array(Buffer.concat(pieces)))
  }
  return { ...given, files }
}

const plain = await filled()
const givens = new Map([
  ['none', plain],
  ['gz', await packed(plain, 'gz')],
  ['snappy', await packed(plain, 'snappy')],
])

const names = [...plain.files.keys()]
const position = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const nameFor = (name: string, compression: string): string => {
  const suffix = compression === 'none' ? '' : `.${compression}`
  return name.startsWith('snapshot.') ? `${name}${suffix}` : name
}

type Damage = { readonly name: string } & (
  | { readonly how: 'flip'; readonly at: number; readonly bit: number }
  | { readonly how: 'cut'; readonly at: number }
  | { readonly how: 'overwrite'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly how: 'append' | 'replace'; readonly bytes: Uint8Array }
  | { readonly how: 'remove' | 'swap' }
  | { readonly how: 'copy'; readonly zxid: number; readonly kind: 'log' | 'snapshot' }
)

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.nat(600).map((size) => new Uint8Array(size)),
  fc.constantFrom('ZKLG', 'ZKSN', '\x1f\x8b\x08', '\x82SNAPPY\0').map((front) => {
    const whole = new Uint8Array(80)
    whole.set(Buffer.from(front, 'latin1'))
    return whole
  }),
)
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ how: fc.constant('flip' as const), name: fc.constantFrom(...names), at: position, bit: fc.nat(7) }),
  fc.record({ how: fc.constant('cut' as const), name: fc.constantFrom(...names), at: position }),
  fc.record({ how: fc.constant('overwrite' as const), name: fc.constantFrom(...names), at: position, bytes }),
  fc.record({ how: fc.constantFrom('append' as const, 'replace' as const), name: fc.constantFrom(...names), bytes }),
  fc.record({ how: fc.constantFrom('remove' as const, 'swap' as const), name: fc.constantFrom(...names) }),
  fc.record({
    how: fc.constant('copy' as const),
    name: fc.constantFrom(...names),
    zxid: fc.nat(30),
    kind: fc.constantFrom('log' as const, 'snapshot' as const),
  }),
)

function damaged(given: Given, compression: string, damages: readonly Damage[]): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>([...given.files].map(([name, content]) => [name, content.slice()]))
  for (const each of damages) {
    const name = nameFor(each.name, compression)
    const content = files.get(name)
    if (content === undefined) continue
    const at = 'at' in each ? Math.floor(each.at * content.length) : 0
    if (each.how === 'flip' && content.length > 0) content[at] = (content[at] as number) ^ (1 << each.bit)
    if (each.how === 'cut') files.set(name, content.slice(0, at))
    if (each.how === 'overwrite') content.set(each.bytes.subarray(0, content.length - at), at)
    if (each.how === 'append') files.set(name, Uint8Array.from([...content, ...each.bytes]))
    if (each.how === 'replace') files.set(name, each.bytes)
    if (each.how === 'remove') files.delete(name)
    if (each.how === 'swap') files.set(name, content.toReversed())
    if (each.how === 'copy') files.set(nameFor(`${each.kind}.${each.zxid.toString(16)}`, compression), content.slice())
  }
  return files
}

const runtime = nodeRuntime()
const config = resolveConfig({ preAllocSize: 1, forceSync: false }, 0)
const root = mkdtempSync(join(tmpdir(), 'lightkeeper-fuzz-'))
afterAll(async () => {
  await whole()
  rmSync(root, { recursive: true, force: true })
})
let count = 0

function put(files: ReadonlyMap<string, Uint8Array>): string {
  const dataDir = join(root, `${count++}`)
  mkdirSync(join(dataDir, 'version-2'), { recursive: true })
  for (const [name, content] of files) writeFileSync(join(dataDir, 'version-2', name), content)
  return dataDir
}

const refusals = new Set(['RecoveryError', 'SessionSecretError', 'DiskReadError'])

const seen = new Set<string>()
const { run, whole } = untilItsEnd(
  async (compression: 'none' | 'gz' | 'snappy', damages: readonly Damage[]): Promise<void> => {
    const given = givens.get(compression) as Given
    const files = damaged(given, compression, damages)
    const dataDir = put(files)
    await inspect(runtime.disk, [join(dataDir, 'version-2')], () => {})
    let storage: Storage
    try {
      storage = await Storage.open(runtime, config, dataDir, { damage: 'refuse' })
    } catch (error) {
      const { name, message, stack } = error as Error
      expect(refusals, `${name}: ${message}\n${stack}`).toContain(name)
      expect(message).toContain(join(dataDir, 'version-2'))
      seen.add('refused')
      return
    } finally {
      rmSync(dataDir, { recursive: true, force: true })
    }
    const { tree, lastZxid } = storage.recovered
    await storage.close()
    seen.add('opened')
    expect(text(tree), `opened at ${lastZxid}`).toBe(given.states.get(lastZxid))
    // Only where the mark itself was damaged may an end be missing that nobody can miss then.
    if (!damages.some(({ name }) => name === 'acknowledged')) expect(lastZxid).toBe(given.last)
  },
)

test('a start gives right data or refuses by the name of a file, and inspect reads every such directory to its end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('none' as const, 'gz' as const, 'snappy' as const),
      fc.array(damage, { minLength: 1, maxLength: 4 }),
      run,
    ),
    fuzzParameters(150),
  )
  expect([...seen].sort()).toEqual(['opened', 'refused'])
})
