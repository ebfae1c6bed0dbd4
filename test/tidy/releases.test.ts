/** What a release would stumble over: versions that differ, changesets that name nothing, two places for one repository. */
import { expect, test } from 'vitest'
import { packages, read, tracked } from './tree.ts'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly homepage: string
  readonly bugs: string
  readonly repository: { readonly url: string; readonly directory: string }
}

const manifests = packages.map((name) => [name, JSON.parse(read(`packages/${name}/package.json`)) as Manifest] as const)
const { version } = JSON.parse(read('package.json')) as { version: string }

test('all packages come from one place, and say where in it they are', () => {
  const [, first] = manifests[0] ?? []
  for (const [name, { homepage, bugs, repository }] of manifests) {
    const place = repository.url.replace(/^git\+/, '').replace(/\.git$/, '')
    expect(repository, name).toEqual({ type: 'git', url: first?.repository.url, directory: `packages/${name}` })
    expect([homepage, bugs], name).toEqual([`${place}/tree/main/packages/${name}#readme`, `${place}/issues`])
  }
})

test('files that name a version name the one of the packages', () => {
  for (const file of ['deploy/compose.yaml', 'deploy/kubernetes.yaml'])
    expect(read(file), file).toContain(`image: lightkeeper:${version}\n`)
  expect(read('packages/cli/CHANGELOG.md')).toMatch(new RegExp(`^## ${version.replaceAll('.', '\\.')}$`, 'm'))
})

const changesets = tracked.filter((file) => /^\.changeset\/.*\.md$/.test(file) && !file.endsWith('README.md'))

/** The names that the head of a changeset has, with the kind of each change; undefined where it cannot be read. */
function headOf(text: string): [name: string, kind: string][] | undefined {
  const [, head, body = ''] = /^---\n([^]*?)---\n([^]*)$/.exec(text) ?? []
  const lines = head?.split('\n').filter((line) => line !== '') ?? []
  const read = lines.map((line) => /^["']?(@?[\w/-]+)["']?: (patch|minor|major)$/.exec(line))
  if (lines.length === 0 || body.trim() === '' || read.includes(null)) return undefined
  return read.map((found) => [found?.[1] ?? '', found?.[2] ?? ''])
}

test('each changeset names packages that are released, what kind of change it is, and says something', () => {
  const names = manifests.map(([, { name }]) => name)
  for (const file of changesets) {
    const head = headOf(read(file))
    expect(head, `${file} must begin with lines like "lightkeeper": minor between two lines ---`).toBeDefined()
    for (const [name] of head ?? []) expect(names, file).toContain(name)
  }
})

test.each([
  ['---\n"lightkeeper": minor\n---\n\nIt can do more.\n', [['lightkeeper', 'minor']]],
  ['---\n@lightkeeper/client: big\n---\n\nIt can do more.\n', undefined],
  ['---\n"lightkeeper": minor\n---\n', undefined],
  ['It can do more.\n', undefined],
])('the head of a changeset is read: %j', (text, expected) => {
  expect(headOf(text)).toEqual(expected)
})

test('changesets release all packages together', () => {
  const { fixed } = JSON.parse(read('.changeset/config.json')) as { fixed: string[][] }
  expect(fixed).toEqual([['lightkeeper', '@lightkeeper/*']])
  for (const [, { name }] of manifests) expect(name).toMatch(/^(lightkeeper|@lightkeeper\/\w+)$/)
})
