/** What the lock file must have so that `npm ci` passes on every platform, wherever it was written. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly integrity?: string
  readonly link?: boolean
  readonly resolved?: string
}

const lock: { readonly packages: Readonly<Record<string, LockedPackage>> } = JSON.parse(
  readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
)

/** Where Node would find `dependency` of the package at `from`: in its own node_modules or in one further up. */
function resolve(from: string, dependency: string): string | undefined {
  for (let folder = from; ; ) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${dependency}`
    if (path in lock.packages) return path
    if (folder === '') return undefined
    const up = folder.lastIndexOf('/node_modules/')
    folder = up < 0 ? '' : folder.slice(0, up)
  }
}

test('has an entry for every package of every platform', () => {
  // `npm install` beside a node_modules folder leaves out those of other platforms, and then `npm ci` refuses the file.
  const optional = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).map((name) => ({ path, name })),
  )
  expect(optional.length).toBeGreaterThan(0)
  const missing = optional.filter(({ path, name }) => resolve(path, name) === undefined)
  expect(missing, 'run `npm install --package-lock-only` in a checkout without node_modules').toEqual([])
})

test('names no registry, and has a checksum for every package that comes from one', () => {
  for (const [path, { link, integrity, resolved }] of Object.entries(lock.packages)) {
    if (!path.includes('node_modules/') || link === true) continue
    expect(resolved, path).toBeUndefined()
    expect(integrity, path).toMatch(/^sha512-/)
  }
})
