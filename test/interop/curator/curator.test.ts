/** Curator's recipes, the newest release that Maven has, each with two clients, through a cut and a lost session. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compileJava } from '@lightkeeper/testing'
import { cache, has, lane, stepsIn } from '../lane.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const jars = fileURLToPath(new URL('../../../.cache/curator', import.meta.url))
const sources = readdirSync(here)
  .filter((name) => name.endsWith('.java'))
  .map((name) => here + name)
const classPath = `${cache}curator:${jars}/*`

lane({
  name: "Curator's recipes",
  prepare() {
    if (!has('javac')) return 'there is no javac'
    if (!existsSync(jars)) return 'its jars were not fetched; node scripts/peers.mjs does it'
    mkdirSync(`${cache}curator`, { recursive: true })
    return compileJava(classPath, sources)
  },
  command: (connectString, ...args) => [
    'java',
    '-XX:TieredStopAtLevel=1',
    '-Xmx256m',
    '-cp',
    classPath,
    'Recipes',
    connectString,
    ...args,
  ],
  steps: stepsIn(...sources),
  // TTL nodes and containers, which are looked for often enough to be seen going.
  settings: { extendedTypesEnabled: true, containerCheckMs: 200 },
  holds: false,
})
