/** Programs with locks of other libraries: what they need, how they are built and run. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { apacheAvailable, compileJava, javaClassPath, javaMissing } from '@lightkeeper/testing'
import { sleep } from '../../../support/wait.ts'

export type Library = 'ours' | 'curator' | 'kazoo'

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const classPath = javaClassPath(fileURLToPath(new URL('../../../../.cache/interop/locks', import.meta.url)))
/** The Debian package installs for the system's Python, which need not be the first on the path. */
const python = ['/usr/bin/python3', 'python3'].find((each) => spawnSync(each, ['-c', 'import kazoo']).status === 0)

/** Undefined where `library` and a server to meet at are here, else what is not; with INTEROP=require that is an error. */
export function missing(library: Library): string | undefined {
  const reason = reasonAgainst(library)
  if (reason === undefined) return undefined
  if (process.env['INTEROP'] === 'require') throw new Error(`the lock lane with ${library} cannot run: ${reason}`)
  console.log(`locks with ${library}: skipped, because ${reason}`)
  return reason
}

function reasonAgainst(library: Library): string | undefined {
  const found = apacheAvailable('3.8')
  if (!found.available) return found.reason
  if (!existsSync(file('../../../../packages/recipes/dist/index.js'))) return 'the packages are not built'
  if (library === 'kazoo') return python === undefined ? 'no python3 here can import kazoo (python3-kazoo)' : undefined
  return javaMissing(['curator-recipes'])
}

/** Compiles the Java programs. */
export function buildCurator(): void {
  const failed = compileJava(classPath, ['Contender.java', 'Holder.java'].map(file))
  if (failed !== undefined) throw new Error(failed)
}

/** A program that says what it does, a JSON line a step. */
export class Program {
  readonly library: Library
  readonly child: ChildProcess
  readonly said: { readonly step: string; readonly detail: string }[] = []
  readonly ended: Promise<void>
  errors = ''

  constructor(library: Library, program: 'Contender' | 'Holder', args: readonly string[]) {
    this.library = library
    const [command, ...before] = {
      ours: [process.execPath, file(`${program.toLowerCase()}.mjs`)],
      curator: ['java', '-XX:TieredStopAtLevel=1', '-Xmx128m', '-cp', classPath, program],
      kazoo: [python ?? 'python3', file(`${program.toLowerCase()}.py`)],
    }[library] as [string, ...string[]]
    this.child = spawn(command, [...before, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    // One that was killed does not read the end of its input.
    this.child.stdin?.on('error', () => {})
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.errors = (this.errors + chunk.toString()).slice(-4000)
    })
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      if (line.startsWith('{"step"')) this.said.push(JSON.parse(line) as { step: string; detail: string })
    })
    this.ended = new Promise((resolve) => void this.child.once('close', () => resolve()))
  }

  steps(step: string): string[] {
    return this.said.filter((each) => each.step === step).map(({ detail }) => detail)
  }

  tell(order: string): void {
    this.child.stdin?.write(`${order}\n`)
  }

  /** Until it has said so. @throws Error with what it printed where it has ended, or does not come to it. */
  async says(step: string, detail = ''): Promise<void> {
    for (let waits = 0; !this.said.some((each) => each.step === step && each.detail.startsWith(detail)); waits++) {
      if (this.child.exitCode !== null || waits > 3_000) {
        throw new Error(
          `${this.library} did not say "${step} ${detail}", but ${JSON.stringify(this.said)} ${this.errors}`,
        )
      }
      await sleep(10)
    }
  }

  /** Ends its input, and waits until it has finished. */
  end(): Promise<void> {
    this.child.stdin?.end()
    return this.ended
  }
}
