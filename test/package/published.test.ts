/** Every tarball: what it says about itself, what is in it, how large it is, and what checkers of packages say to it. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { folderOf, missingTool } from '../../scripts/runtimes.mjs'
import { packed, root, runToEnd } from './installed.ts'

const missing = missingTool('checkers')
if (missing !== undefined) {
  if (process.env['INTEROP'] === 'require')
    throw new Error(`the checkers of packages are required and are not there: ${missing}`)
  console.log(`what publint and attw say: skipped, because ${missing}`)
}
const checkers = join(folderOf('checkers'), 'node_modules')

interface Manifest {
  readonly name: string
  readonly version: string
  readonly keywords: readonly string[]
  readonly repository: { readonly url: string; readonly directory: string }
  readonly license: string
  readonly engines: { readonly node: string }
  readonly publishConfig: { readonly access: string; readonly provenance: boolean }
  readonly exports: Readonly<Record<string, unknown>>
  readonly files: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly [more: string]: unknown
}

/** What is used of the package `publint`. */
interface Publint {
  publint(options: { pkgDir: string; strict: boolean }): Promise<{ messages: readonly unknown[] }>
}

const workspace: { readonly version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const all = packed()
const names = all.map(({ name }) => name)

/** The largest tarball that each package may have, KiB. A package that grows needs a reason. */
const budget: Readonly<Record<string, number>> = {
  lightkeeper: 200,
  '@lightkeeper/client': 340,
  '@lightkeeper/console': 300,
  '@lightkeeper/fastify': 20,
  '@lightkeeper/gssapi': 20,
  '@lightkeeper/nestjs': 20,
  '@lightkeeper/opentelemetry': 30,
  '@lightkeeper/protocol': 120,
  '@lightkeeper/recipes': 250,
  '@lightkeeper/runtime': 150,
  '@lightkeeper/server': 680,
  '@lightkeeper/testing': 200,
  '@lightkeeper/tools': 250,
}

test('every package has a budget, and none is forgotten', () => {
  expect([...names].sort()).toEqual(Object.keys(budget).sort())
  expect(readdirSync(join(root, 'packages')).length).toBe(names.length)
})

test('none needs the examples, or a package of ours that is not published', () => {
  for (const { folder } of all) {
    const { dependencies = {}, peerDependencies = {} } = read(folder)
    const ours = Object.keys({ ...dependencies, ...(peerDependencies as object) }).filter((name) =>
      /^(lightkeeper|@lightkeeper\/)/.test(name),
    )
    expect(
      ours.filter((name) => !names.includes(name)),
      folder,
    ).toEqual([])
  }
})

const stage = (folder: string): string => join(root, '.cache/pack', folder)
const read = (folder: string): Manifest => JSON.parse(readFileSync(join(stage(folder), 'package.json'), 'utf8'))

describe.each(all)('$name', ({ name, folder, tarball }) => {
  const manifest = read(folder)
  const page = readFileSync(join(stage(folder), 'README.md'), 'utf8')

  test('says what it is, where it comes from and where it runs', () => {
    expect(manifest).toMatchObject({
      name,
      version: workspace.version,
      license: 'Apache-2.0',
      engines: { node: '>=20.19' },
      publishConfig: { access: 'public', provenance: true },
    })
    expect(manifest.keywords).toContain('zookeeper')
    expect(manifest.repository.directory).toBe(`packages/${folder}`)
    expect(manifest.repository.url).toMatch(/^git\+https:\/\/.*\.git$/)
    // A script would run on the machine of the user.
    expect(Object.keys(manifest)).not.toContain('scripts')
    expect(Object.keys(manifest)).not.toContain('devDependencies')
    for (const version of Object.values(manifest.dependencies ?? {})) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  })

  test('has its licence, and a page whose links lead somewhere from anywhere', () => {
    for (const file of ['LICENSE', 'NOTICE'])
      expect(readFileSync(join(stage(folder), file), 'utf8')).toBe(readFileSync(join(root, file), 'utf8'))
    for (const [, target = ''] of page.matchAll(/\]\(([^)\s]+)\)/g)) expect(target).toMatch(/^(https:\/\/|#)/)
    expect(page).toContain(name)
  })

  test('has every file that its manifest names, and nothing of one machine', () => {
    const targets = JSON.stringify([manifest.exports, manifest['main'], manifest['types'], manifest['bin'] ?? {}])
    const files = [...targets.matchAll(/"(\.\/[^"]+)"/g)].map(([, file = '']) => file).filter((f) => !names.includes(f))
    const there = readdirSync(stage(folder), { recursive: true, encoding: 'utf8' })
    // The keys of `exports` look like files too.
    const keys = Object.keys(manifest.exports)
    for (const file of files) if (!keys.includes(file)) expect(there, file).toContain(file.slice(2))
    for (const file of there.filter((each) => /\.(c?js|d\.c?ts|json)$/.test(each)))
      expect(readFileSync(join(stage(folder), file), 'utf8').includes(root), file).toBe(false)
    expect(there.filter((file) => /\.test\.|tsbuildinfo|\.map$/.test(file) && !file.endsWith('.cjs.map'))).toEqual([])
  })

  test('stays within its size', () => {
    const kib = Math.round((statSync(tarball).size / 1024) * 10) / 10
    console.log(`${name}: ${kib} KiB of ${budget[name]}`)
    expect(kib).toBeLessThanOrEqual(budget[name] ?? 0)
  })

  test.skipIf(missing !== undefined)('is what publint wants', async () => {
    const { publint } = (await import(pathToFileURL(join(checkers, 'publint/src/index-node.js')).href)) as Publint
    const { messages } = await publint({ pkgDir: stage(folder), strict: true })
    expect(messages).toEqual([])
  })
})

// Some at a time: each is a process that loads a compiler.
test.skipIf(missing !== undefined).concurrent.for(all)(
  '$name has types that fit its modules, imported and required',
  { timeout: 180_000 },
  async ({ folder, tarball }, { expect }) => {
    // docs/decisions/0005-commonjs.md says what these profiles leave out, and why.
    const profile = folder === 'console' ? 'esm-only' : 'node16'
    const attw = join(checkers, '@arethetypeswrong/cli/dist/index.js')
    const command = [process.execPath, attw, tarball, '--profile', profile, '--format', 'ascii'] as const
    const { code, output, errors } = await runToEnd(command, root, undefined, 160_000)
    expect(code, output + errors).toBe(0)
  },
)
