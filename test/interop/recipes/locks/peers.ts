/** Programs with locks of other libraries: what they need, how they are built and run. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { apacheAvailable, compileJava, javaClassPath, javaMissing } from '@lightkeeper/testing'
import { Child } from '../../../support/process.ts'
import { sleep } from '../../../support/wait.ts'
import { missingKazoo, python } from '../../python.ts'

export type Library = 'ours' | 'curator' | 'kazoo'

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const classPath = javaClassPath(fileURLToPath(new URL('../../../../.cache/interop/locks', import.meta.url)))

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
  if (library === 'kazoo') return missingKazoo
  return javaMissing(['curator-recipes'])
}

/** Compiles the Java programs. */
export function buildCurator(): void {
  const failed = compileJava(classPath, ['Contender.java', 'Holder.java'].map(file))
  if (failed !== undefined) throw new Error(failed)
}

/** A program that says what it does, a JSON line a step. */
export class Program extends Child {
  readonly library: Library
  readonly said: { readonly step: string; readonly detail: string }[] = []

  constructor(library: Library, program: 'Contender' | 'Holder', args: readonly string[]) {
    const [command, ...before] = {
      ours: [process.execPath, file(`${program.toLowerCase()}.mjs`)],
      curator: ['java', '-XX:TieredStopAtLevel=1', '-Xmx128m', '-cp', classPath, program],
      kazoo: [python ?? 'python3', file(`${program.toLowerCase()}.py`)],
    }[library] as [string, ...string[]]
    super([command, ...before, ...args], { input: 'pipe' })
    this.library = library
  }

  steps(step: string): string[] {
    return this.said.filter((each) => each.step === step).map(({ detail }) => detail)
  }

  /** Writes a line to its standard input. */
  tell(order: string): void {
    this.child.stdin?.write(`${order}\n`)
  }

  /** Waits until it has said so. Rejects with what it printed if it ends before, or after 30 s. */
  async says(step: string, detail = ''): Promise<void> {
    for (let waits = 0; !this.said.some((each) => each.step === step && each.detail.startsWith(detail)); waits++) {
      if (this.child.exitCode !== null || waits > 3_000) {
        throw new Error(
          `${this.library} did not say "${step} ${detail}", but ${JSON.stringify(this.said)} ${this.errors.slice(-4000)}`,
        )
      }
      await sleep(10)
    }
  }

  /** Ends its input, and waits until it has finished. */
  async finish(): Promise<void> {
    this.child.stdin?.end()
    await this.closed
  }

  protected override onLine(line: string): void {
    if (line.startsWith('{"step"')) this.said.push(JSON.parse(line) as { step: string; detail: string })
  }
}
