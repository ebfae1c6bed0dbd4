// @ts-check
/** The options of a script: `--help` prints its usage, and what it does not know is named together with it. */
import { parseArgs } from 'node:util'

/**
 * As `parseArgs` of Node, but ends the process with the usage where that would throw.
 * @template {import('node:util').ParseArgsConfig} T
 * @param {string} usage lines behind "usage: "
 * @param {T} config
 */
export function optionsOf(usage, config) {
  if (process.argv.includes('--help')) {
    console.log(`usage: ${usage}`)
    process.exit(0)
  }
  try {
    return parseArgs(config)
  } catch (error) {
    // Node adds how an argument that begins with a dash is written; no script has such arguments.
    return refused(usage, String(/** @type {Error} */ (error).message).split('. ')[0] ?? '')
  }
}

/** Ends the process. @param {string} usage @param {string} why @returns {never} */
export function refused(usage, why) {
  console.error(`${why}\nusage: ${usage}`)
  process.exit(2)
}
