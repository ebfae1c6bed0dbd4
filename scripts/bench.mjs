// @ts-check
/** `npm run bench -- NAME [options]`: builds what has changed and runs `bench/NAME.mjs`. Without a name it lists the benchmarks. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** @param {string} name */
const file = (name) => fileURLToPath(new URL(name, import.meta.url))
const names = readdirSync(file('../bench'))
  .filter((each) => each.endsWith('.mjs'))
  .map((each) => each.slice(0, -'.mjs'.length))
const [name = '--help', ...args] = process.argv.slice(2)
if (!names.includes(name)) {
  const isHelp = name === '--help'
  const width = Math.max(...names.map(({ length }) => length))
  const lines = names.map((each) => `  ${each.padEnd(width)}  ${purpose(each)}`)
  if (!isHelp) console.error(`bench: there is no bench/${name}.mjs`)
  const say = isHelp ? console.log : console.error
  say(`usage: npm run bench -- NAME [options]; NAME --help lists the options\n\n${lines.join('\n')}`)
  process.exit(isHelp ? 0 : 2)
}
for (const script of [['prepare.mjs'], [`../bench/${name}.mjs`, ...args]]) {
  const [path = '', ...rest] = script
  const { status } = spawnSync(process.execPath, [file(path), ...rest], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/** The beginning of the comment at the head of a benchmark. @param {string} bench */
function purpose(bench) {
  const [, text = ''] = /\/\*\*([\s\S]*?)\*\//.exec(readFileSync(file(`../bench/${bench}.mjs`), 'utf8')) ?? []
  return (
    text
      .replaceAll(/\s*\n \* ?/g, ' ')
      .trim()
      .split(/[.:](?: |$)/)[0] ?? ''
  )
}
