/** The corpus of zoo.cfg files in `test/field/configurations`: published shapes with names and paths of our own. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keyStores } from './key-stores.ts'

const folder = fileURLToPath(new URL('../field/configurations', import.meta.url))

export interface Configuration {
  readonly name: string
  /** The key that the refusal names; undefined where the file starts. */
  readonly refusedFor: string | undefined
  /**
   * What the server's settings are then, by name, as text; `notes` is their number, `unknown` the key that is not
   * known.
   */
  readonly settings: ReadonlyMap<string, string>
  /** What the file says about Apache: empty where it starts there too, else `refuses`, `needs myid`, `not asked: …`. */
  readonly apache: string
  /** What `srvr` says of a server that starts with it. */
  readonly mode: string
  readonly text: string
}

export interface LaidOut extends Disposable {
  readonly directory: string
  readonly file: string
  /** `text` with the paths and the port of this machine. */
  readonly filled: (text: string) => string
}

export function configurations(): Configuration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.cfg'))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8')
      const [what, ...more] = (/# expect: (.*)/.exec(text)?.[1] ?? '').trim().split(', ')
      if (what !== 'starts' && what !== 'refused') throw new Error(`${name} does not say what is expected`)
      const settings = new Map(more.map((pair) => pair.split('=', 2) as [string, string]))
      const apache = /# apache: (.*)/.exec(text)?.[1]?.trim() ?? ''
      const mode = /# mode: (.*)/.exec(text)?.[1]?.trim() ?? 'standalone'
      const refusedFor = what === 'refused' ? more[0] : undefined
      return { name: name.replace(/\.cfg$/, ''), refusedFor, settings, apache, mode, text }
    })
}

/** Writes the file, and those it may name, into a directory of its own. The ports stand for PORT, QUORUM and ELECTION. */
export function layOut({ text }: Configuration, ports: readonly number[]): LaidOut {
  const directory = mkdtempSync(join(tmpdir(), 'lightkeeper-cfg-'))
  const filled = (from: string): string =>
    ['PORT', 'QUORUM', 'ELECTION'].reduce(
      (filling, name, i) => filling.replaceAll(name, `${ports[i]}`),
      from.replaceAll('/T', directory),
    )
  const file = join(directory, 'zoo.cfg')
  mkdirSync(join(directory, 'data'))
  writeFileSync(join(directory, 'data', 'myid'), '1\n')
  writeFileSync(file, filled(text))
  for (const other of ['members', 'one', 'jaas.conf']) {
    writeFileSync(join(directory, other), filled(readFileSync(join(folder, other), 'utf8')))
  }
  mkdirSync(join(directory, 'ssl'))
  writeFileSync(join(directory, 'ssl', 'server.jks'), keyStores.serverJks)
  writeFileSync(join(directory, 'ssl', 'trust.jks'), keyStores.trustJks)
  return { directory, file, filled, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) }
}
