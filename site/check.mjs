// @ts-check
/** The built site: every link leads to a page or an anchor that is there, and no page loads anything from another site. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

/**
 * What is wrong with the site in `folder`, a line each.
 * @param {string} folder @param {string} base what every address begins with
 * @returns {{ readonly pages: number, readonly links: number, readonly problems: readonly string[] }}
 */
export function checkSite(folder, base) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'))
  const pages = files.filter((name) => name.endsWith('.html'))
  const texts = new Map(pages.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
  /** @type {Map<string, Set<string>>} */
  const ids = new Map()
  for (const [name, text] of texts) {
    ids.set(name, new Set([...text.matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => unescaped(id))))
  }
  /** @type {string[]} */
  const problems = []
  let links = 0
  for (const [name, text] of texts) {
    const found = [...text.matchAll(/<(a|link|script|img|source|iframe|video|audio)\b[^>]*?\s(href|src)="([^"]*)"/g)]
    for (const [, tag = '', , raw = ''] of found) {
      const link = unescaped(raw)
      if (/^[a-z][a-z+.-]*:|^\/\//.test(link)) {
        // A link may be followed; anything else would be loaded.
        if (tag !== 'a' && !link.startsWith('data:')) problems.push(`${name} loads ${link}`)
        continue
      }
      links++
      const [path = '', anchor = ''] = link.split('#')
      const target =
        path === '' ? name : fileOf(folder, path.startsWith('/') ? path.slice(base.length) : join(dirname(name), path))
      if (target === undefined) problems.push(`${name} links to ${link}, which is not there`)
      else if (anchor !== '' && ids.get(target)?.has(decodeURIComponent(anchor)) === false)
        problems.push(`${name} links to ${link}, which has no such heading`)
    }
  }
  for (const name of files.filter((each) => each.endsWith('.css'))) {
    for (const [, url = ''] of readFileSync(join(folder, name), 'utf8').matchAll(
      /(?:url\(|@import\s)["']?((?:https?:)?\/\/[^"')]+)/g,
    ))
      problems.push(`${name} loads ${url}`)
  }
  return { pages: pages.length, links, problems: [...new Set(problems)] }
}

/** The file of an address, as a web server finds it. @param {string} folder @param {string} path @returns {string | undefined} */
function fileOf(folder, path) {
  const name = posix.normalize(path.replace(/\?.*$/, '').replaceAll('\\', '/'))
  const bare = name === '.' ? '' : name.replace(/\/$/, '')
  const tries = [bare, bare === '' ? 'index.html' : `${bare}/index.html`, `${bare}.html`]
  return tries.find((each) => /\.\w+$/.test(each) && existsSync(join(folder, each)))
}

/** @param {string} text */
function unescaped(text) {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
