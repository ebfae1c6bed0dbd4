/** The habits of this repository, as tests. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { knownDifferences } from '../conformance/known-differences.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packages = readdirSync(join(root, 'packages'))

function sources(name: string): string[] {
  const folder = join(root, 'packages', name, 'src')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.(test|harness)\.ts$/.test(file))
    .map((file) => join(folder, file))
}

/** The table of ARCHITECTURE.md. */
const layers: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  runtime: [],
  client: ['protocol', 'runtime'],
  gssapi: ['client'],
  opentelemetry: ['client'],
  recipes: ['client'],
  server: ['protocol', 'runtime'],
  testing: ['protocol', 'runtime', 'client', 'server'],
  cli: ['protocol', 'runtime', 'client', 'recipes', 'server', 'testing'],
}
/** Files that may use the host; pure functions of Node are allowed by name. */
const hosts = /packages\/(runtime\/src\/node|cli\/src|opentelemetry\/src|testing\/src\/(apache|java|proxy)\.ts)/
const pureNode = new Set(['packages/server/src/auth/digest.ts node:crypto', 'packages/server/src/auth/ip.ts node:net'])

/** What packages take from others; each has a line in ARCHITECTURE.md. The client takes nothing. */
const libraries: Readonly<Record<string, readonly string[]>> = {
  server: ['snappyjs'],
  opentelemetry: ['@opentelemetry/api'],
}

describe.each(packages)('%s', (name) => {
  test('imports only what its layer may', () => {
    for (const file of sources(name)) {
      const short = file.slice(root.length)
      for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
        if (specifier.startsWith('.')) continue
        if (specifier.startsWith('node:')) {
          expect(hosts.test(short) || pureNode.has(`${short} ${specifier}`), `${short} imports ${specifier}`).toBe(true)
          continue
        }
        if (libraries[name]?.includes(specifier)) continue
        const target = /^@lightkeeper\/([a-z]+)/.exec(specifier)?.[1]
        expect(layers[name], `${short} imports ${specifier}`).toContain(target)
      }
    }
  })

  test('takes time and chance from its host only', () => {
    for (const file of sources(name)) {
      const short = file.slice(root.length)
      if (hosts.test(short) || short.endsWith('sim/world.ts')) continue
      const found =
        /\b(Date\.now|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|AbortSignal\.timeout)\b/.exec(
          readFileSync(file, 'utf8'),
        )
      expect(found?.[0], short).toBeUndefined()
    }
  })

  test('opens every file with what it is for', () => {
    for (const file of sources(name)) {
      if (file.endsWith('.gen.ts')) continue
      const text = readFileSync(file, 'utf8')
      const opensWell = /^(import[\s\S]*?\n\n)?\/\*\*/.test(text) || /\n\/\*\*[\s\S]*\nexport/.test(text)
      expect(opensWell, file.slice(root.length)).toBe(true)
    }
  })

  test('has a licence, a page, and the version of all the others', () => {
    const read = (file: string): { version: string; license: string; dependencies?: Record<string, string> } =>
      JSON.parse(readFileSync(join(root, file), 'utf8'))
    const own = read(`packages/${name}/package.json`)
    expect([own.version, own.license]).toEqual([read('package.json').version, 'Apache-2.0'])
    expect(existsSync(join(root, 'packages', name, 'README.md'))).toBe(true)
    for (const [dependency, version] of Object.entries(own.dependencies ?? {})) {
      if (libraries[name]?.includes(dependency)) expect(version, dependency).toMatch(/^\d+\.\d+\.\d+$/)
      else expect([dependency.startsWith('@lightkeeper/'), version], dependency).toEqual([true, own.version])
    }
  })
})

const tracked = spawnSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
  .stdout.split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)))

test('generated code is what the tables generate', () => {
  const result = spawnSync(process.execPath, [join(root, 'packages/protocol/generate.mjs'), '--check'], {
    encoding: 'utf8',
  })
  expect(result.stderr).toBe('')
})

test('nothing is left unfinished, skipped for good, or tied to one machine', () => {
  const words = [
    ['TO', 'DO'],
    ['FIX', 'ME'],
    ['XX', 'X'],
    ['not impl', 'emented yet'],
    ['.on', 'ly('],
    ['/wo', 'rk/'],
  ].map((parts) => parts.join(''))
  for (const file of tracked) {
    if (!/\.(ts|mjs|json|md|py|go|c|java)$/.test(file) || file === 'package-lock.json') continue
    const text = readFileSync(join(root, file), 'utf8')
    for (const word of words) expect(text.includes(word), `${file} contains ${word}`).toBe(false)
  }
})

test('links in the documentation lead somewhere', () => {
  for (const file of tracked.filter((each) => each.endsWith('.md'))) {
    for (const [, target = ''] of readFileSync(join(root, file), 'utf8').matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      expect(existsSync(join(root, dirname(file), target)), `${file} links to ${target}`).toBe(true)
    }
  }
})

test('every known difference belongs to a case that exists', () => {
  const cases = tracked
    .filter((file) => /^test\/conformance\/.*\.test\.ts$/.test(file))
    .map((file) => readFileSync(join(root, file), 'utf8'))
  for (const { fact } of knownDifferences)
    expect(
      cases.some((text) => text.includes(fact)),
      fact,
    ).toBe(true)
})
