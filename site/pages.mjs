// @ts-check
/**
 * The pages of the site: which file of the repository becomes which page, and where a link of a file leads on the site. Nothing here
 * needs more than Node: the tests of the documents use the same lists.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the repository, without a slash behind it. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '')

/** Where the repository is published: links to files that are no page lead there. */
export const repository = repositoryOf(JSON.parse(readFileSync(join(root, 'packages/cli/package.json'), 'utf8')))

/** @param {{ repository?: { url: string }, homepage?: string }} manifest */
function repositoryOf({ repository, homepage = '' }) {
  const url = repository?.url ?? homepage
  return (url || 'https://github.com/lightkeeper/lightkeeper').replace(/^git\+/, '').replace(/\.git$/, '')
}

/**
 * @typedef {{ readonly source: string, readonly title: string }} Entry a file, as the repository names it
 * @typedef {{ readonly title: string, readonly entries: readonly Entry[] }} Section
 */

/** @param {string} folder @param {Readonly<Record<string, string>>} titles by file, without its ending @returns {Entry[]} */
const inFolder = (folder, titles) =>
  Object.entries(titles).map(([file, title]) => ({ source: `${folder}/${file}.md`, title }))

/** @param {Readonly<Record<string, string>>} titles by folder @returns {Entry[]} */
const recipePages = (titles) =>
  Object.entries(titles).map(([name, title]) => ({ source: `packages/recipes/src/${name}/README.md`, title }))

/** The menu, in the order of reading. @type {readonly Section[]} */
export const sections = [
  {
    title: 'Start',
    entries: inFolder('docs/guide', {
      'getting-started': 'Five minutes',
      client: 'The client',
      security: 'Security of a client',
      testing: 'Testing your code',
      frameworks: 'Fastify and NestJS',
      console: 'The console',
      shell: 'The shell',
      'command-line': 'The command line',
    }),
  },
  {
    title: 'Recipes',
    entries: [
      ...inFolder('docs/guide', {
        pictures: 'Pictures of all recipes',
        locks: 'Locks',
        election: 'Elections',
        discovery: 'Service discovery',
        recipes: 'The other recipes',
      }),
    ],
  },
  {
    title: 'Recipes, znode by znode',
    entries: recipePages({
      locks: 'Locks',
      election: 'Elections',
      discovery: 'Service discovery',
      group: 'Groups',
      'persistent-node': 'Persistent node',
      counter: 'Counter',
      'shared-value': 'Shared value',
      cache: 'Cache',
      configuration: 'Configuration',
      barrier: 'Barriers',
      queue: 'Queues',
      partitioner: 'Partitioner',
    }),
  },
  {
    title: 'Coming from another client',
    entries: inFolder('docs/migration', {
      README: 'Which page is yours',
      'node-zookeeper-client': 'node-zookeeper-client',
      zookeeper: 'zookeeper (npm)',
      kazoo: 'kazoo',
      curator: 'Curator',
    }),
  },
  {
    title: 'The server',
    entries: inFolder('docs/operations', {
      README: 'Overview',
      running: 'Running',
      deploy: 'Deploying',
      configuration: 'Configuration',
      upgrading: 'From Apache, and back',
      ensemble: 'In an ensemble',
      data: 'Data and promises',
      backup: 'Backup and restore',
      security: 'Security',
      monitoring: 'Monitoring',
      doctor: 'Doctor and bench',
      logs: 'Logs',
      limits: 'Limits',
      tuning: 'Tuning and quotas',
      past: 'The past',
      transfer: 'Export and import',
      clients: 'Clients of others',
    }),
  },
  {
    title: 'When something is wrong',
    entries: inFolder('docs/troubleshooting', {
      README: 'What do you see?',
      errors: 'Error codes',
      'log-lines': 'Log lines',
    }),
  },
  {
    title: 'Background',
    entries: [
      ...inFolder('docs', { comparison: 'Comparison', glossary: 'Glossary' }),
      ...inFolder('docs/performance', {
        clients: 'Speed of clients',
        recipes: 'Speed of recipes',
        tls: 'What TLS costs',
        attacks: 'Under attack',
        console: 'Speed of the console',
        past: 'Questions about the past',
        ensemble: 'Speed of an ensemble',
      }),
      ...inFolder('docs/decisions', {
        '0001-first-shape': 'Decision 1: first shape',
        '0002-one-client-package': 'Decision 2: one package',
        '0003-heartbeat-thread': 'Decision 3: heartbeat thread',
        '0004-the-past-of-a-running-server': 'Decision 4: the past',
        '0005-commonjs': 'Decision 5: CommonJS',
        '0006-releases': 'Decision 6: releases',
        '0007-a-member-of-an-ensemble': 'Decision 7: a member',
      }),
      { source: 'SECURITY.md', title: 'Security and support' },
      { source: 'docs/releasing.md', title: 'Releasing' },
      { source: 'docs/architecture/found.md', title: 'Faults that tests found' },
    ],
  },
]

/** Pages that others link to and the menu does not name. @type {readonly Entry[]} */
const besides = [
  { source: 'site/index.md', title: 'Lightkeeper' },
  ...['client', 'recipes', 'server', 'testing', 'tools', 'console', 'gssapi', 'opentelemetry', 'fastify', 'nestjs'].map(
    (name) => ({
      source: `packages/${name}/README.md`,
      title: name,
    }),
  ),
  ...['service-discovery', 'master-election', 'loop-watch'].map((name) => ({
    source: `examples/src/${name}/README.md`,
    title: name,
  })),
]

/** Where the page of a file is, below the root of the site. @param {string} source */
function targetOf(source) {
  const [, ofRecipe] = /^packages\/recipes\/src\/([^/]+)\/README\.md$/.exec(source) ?? []
  if (ofRecipe !== undefined) return `recipes/${ofRecipe}.md`
  const [, ofPackage] = /^packages\/([^/]+)\/README\.md$/.exec(source) ?? []
  if (ofPackage !== undefined) return `packages/${ofPackage}.md`
  const [, ofExample] = /^examples\/src\/([^/]+)\/README\.md$/.exec(source) ?? []
  if (ofExample !== undefined) return `examples/${ofExample}.md`
  return source.replace(/^(docs|site)\//, '').replace(/README\.md$/, 'index.md')
}

/** Every page: the file that it is made of, and the page. @type {ReadonlyMap<string, string>} */
export const pages = new Map(
  [...sections.flatMap(({ entries }) => entries), ...besides].map(({ source }) => [source, targetOf(source)]),
)

/** A link in Markdown, or an image. The first group is its target. */
export const linkPattern = /(?<=\]\()([^)\s]+)(?=\))/g

/**
 * What a link of a file names in the repository: a path from its root and an anchor. Undefined for a link to another site.
 * @param {string} source @param {string} link @returns {{ path: string, anchor: string } | undefined}
 */
export function namedBy(source, link) {
  const own = repository === '' ? undefined : new RegExp(`^${repository}/(?:blob|tree|raw)/main/(.*)$`).exec(link)?.[1]
  if (own === undefined && /^[a-z][a-z+.-]*:/.test(link)) return undefined
  const [file = '', anchor = ''] = (own ?? link).split('#')
  if (own !== undefined) return { path: file, anchor }
  return { path: file === '' ? source : posix.join(dirname(source), file), anchor }
}

/**
 * The same link on the site: from one page to another where both are pages, else to the published repository.
 * @param {string} source @param {string} link
 */
export function linkOnSite(source, link) {
  const named = namedBy(source, link)
  if (named === undefined || link.startsWith('#')) return link
  const { path, anchor } = named
  const from = pages.get(source) ?? source
  const to = pages.get(path) ?? pages.get(posix.join(path, 'README.md'))
  const hash = anchor === '' ? '' : `#${anchor}`
  if (to !== undefined) return relative(from, to) + hash
  if (/\.(png|svg)$/.test(path)) return relative(from, path.replace(/^docs\//, ''))
  const kind = existsSync(join(root, path)) && statSync(join(root, path)).isDirectory() ? 'tree' : 'blob'
  return `${repository}/${kind}/main/${path}${hash}`
}

/** @param {string} from @param {string} to */
function relative(from, to) {
  const path = posix.relative(dirname(from), to)
  return path.startsWith('.') ? path : `./${path}`
}

/** The text of a page on the site. @param {string} source */
export function pageOf(source) {
  const text = readFileSync(join(root, source), 'utf8')
  return outsideOfCode(text, (part) => part.replaceAll(linkPattern, (link) => linkOnSite(source, link)))
}

/** Changes what stands outside of blocks of code. @param {string} text @param {(part: string) => string} change */
export function outsideOfCode(text, change) {
  return text
    .split(/(^ *```.*?^ *```$)/gms)
    .map((part, i) => (i % 2 === 0 ? change(part) : part))
    .join('')
}

/** The anchors of a file: one a heading, as GitHub and the site make them. @param {string} text @returns {string[]} */
export function anchorsOf(text) {
  /** @type {Map<string, number>} */
  const seen = new Map()
  /** @type {string[]} */
  const anchors = []
  outsideOfCode(text, (part) => {
    for (const [, heading = ''] of part.matchAll(/^#{1,6} +(.*?) *$/gm)) {
      const slug = slugOf(heading)
      const times = seen.get(slug) ?? 0
      seen.set(slug, times + 1)
      anchors.push(times === 0 ? slug : `${slug}-${times}`)
    }
    return part
  })
  return anchors
}

/** The anchor of a heading, as GitHub makes it. @param {string} heading */
export function slugOf(heading) {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-')
}
