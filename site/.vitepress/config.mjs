// @ts-check
/** The site: its menu comes from pages.mjs, its look from the default theme. It loads nothing from other sites. */
import { defineConfig } from 'vitepress'
import { pages, repository, sections, slugOf } from '../pages.mjs'

/** @param {string} source */
const address = (source) =>
  `/${pages
    .get(source)
    ?.replace(/index\.md$/, '')
    .replace(/\.md$/, '')}`

const menu = sections.map(({ title, entries }, i) => ({
  text: title,
  collapsed: i > 1,
  items: entries.map((entry) => ({ text: entry.title, link: address(entry.source) })),
}))

export default defineConfig({
  title: 'Lightkeeper',
  description: 'ZooKeeper for TypeScript: a client, recipes, and a server that speaks its wire protocol',
  lang: 'en',
  base: process.env['DOCS_BASE'] ?? '/',
  srcDir: '.pages',
  outDir: 'dist',
  cacheDir: 'node_modules/.vitepress',
  // A link that leads nowhere fails the build.
  ignoreDeadLinks: false,
  // Anchors are those of GitHub, so that a link works in both places.
  markdown: { anchor: { slugify: slugOf }, toc: { slugify: slugOf } },
  themeConfig: {
    nav: [
      { text: 'Start', link: address('docs/guide/getting-started.md') },
      { text: 'Server', link: address('docs/operations/README.md') },
      { text: 'Reference', link: '/api/' },
      { text: 'Trouble', link: address('docs/troubleshooting/README.md') },
      ...(repository === '' ? [] : [{ text: 'Source', link: repository }]),
    ],
    sidebar: [...menu, { text: 'Reference', link: '/api/' }],
    search: { provider: 'local', options: { detailedView: true } },
    outline: [2, 3],
    docFooter: { prev: 'Before', next: 'Next' },
    footer: { message: 'Apache-2.0' },
  },
})
