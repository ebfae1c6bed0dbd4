/**
 * A lane: a client of another language runs its program against the target. Programs print a JSON line a step,
 * `{"step": …, "ok": …, "detail": …}`; at a step named `cut` the runner resets their connection. With `hold PATH` a program
 * creates an ephemeral and waits to be killed.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { connect } from '@lightkeeper/client'
import { proxy } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Child } from '../support/process.ts'
import { missingTarget, startTarget, type TargetServer, type TargetSettings, targetName } from '../support/target.ts'

export interface Lane {
  readonly name: string
  /** Undefined when the program can be run, else what is missing. Builds it where that is needed. */
  prepare(): string | undefined
  /** Command line for `connect string, mode, argument`. */
  command(connectString: string, ...args: readonly string[]): readonly [string, ...string[]]
  /** Steps the program must report, all of them well. */
  readonly steps: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Besides a tick of 500 ms. With `tls` the program uses the port for TLS. */
  readonly settings?: TargetSettings
  /** False for a program without `hold`. Default true. */
  readonly holds?: boolean
}

interface Step {
  readonly step: string
  readonly ok: boolean
  readonly detail?: unknown
}

/** The folder for compiled programs of other languages, with a slash at its end. */
export const cache = fileURLToPath(new URL('../../.cache/interop/', import.meta.url))

export function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

/** Runs a compiler. Undefined when it succeeds, otherwise the end of its errors. */
export function compile([command, ...args]: readonly [string, ...string[]], cwd?: string): string | undefined {
  mkdirSync(cache, { recursive: true })
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', ...(cwd !== undefined && { cwd }) })
  return status === 0 ? undefined : stderr.slice(-500)
}

/** Every step that a program's sources name as a literal, so that none is lost when the program ends early. */
export function stepsIn(...sources: readonly string[]): string[] {
  return sources.flatMap((source) =>
    [...readFileSync(source, 'utf8').matchAll(/\bstep\(\s*"([^"]+)"\s*,/g)].map((match) => match[1] as string),
  )
}

/** `reason` again, printed; with INTEROP=require a reason is an error. */
export function skipReason(what: string, reason: string | undefined): string | undefined {
  if (reason === undefined) return undefined
  if (process.env['INTEROP'] === 'require') throw new Error(`the ${what} lane is required and cannot run: ${reason}`)
  console.log(`${what} on ${targetName}: skipped, because ${reason}`)
  return reason
}

function portOf({ port, securePort }: TargetServer): number {
  return securePort < 0 ? port : securePort
}

export function lane({ name, prepare, command, steps, env, settings, holds = true }: Lane): void {
  const missing = skipReason(name, missingTarget() ?? prepare())
  describe.skipIf(missing !== undefined)(`${name} on ${targetName}`, () => {
    let server: TargetServer
    beforeAll(async () => {
      server = await startTarget({ tickTime: 500, ...settings })
    })
    afterAll(() => server.close())

    const run = async (
      args: readonly [string, ...string[]],
      onStep: (step: Step, child: Child) => void,
    ): Promise<string> => {
      const child: Child = new Child(args, {
        ...(env !== undefined && { env }),
        onLine: (line) => {
          if (line.startsWith('{"step"')) onStep(JSON.parse(line) as Step, child)
        },
      })
      return (await child.closed).errors.slice(-4000)
    }

    test('goes through its steps, a cut connection among them', async () => {
      await using wire = await proxy(portOf(server))
      const seen: Step[] = []
      const errors = await run(command(wire.connectString, 'main'), (step) => {
        seen.push(step)
        if (step.step === 'cut') wire.cut()
      })
      const failed = seen.filter(({ ok }) => !ok)
      expect(failed, errors).toEqual([])
      const reported = new Set(seen.map(({ step }) => step))
      expect(
        steps.filter((step) => !reported.has(step)),
        errors,
      ).toEqual([])
    })

    if (!holds) return
    test('loses its ephemeral after the session timeout when it is killed', async () => {
      await using zk = await connect(server.connectString)
      const path = `/held-by-${name.toLowerCase().replace(/\W/g, '')}` as const
      const { changed } = await zk.existence(path, { watch: true })
      const program = run(command(`127.0.0.1:${portOf(server)}`, 'hold', path), ({ step, ok }, child) => {
        if (step === 'holding' && ok) child.kill('SIGKILL')
      })
      expect((await changed)?.type).toBe('created')
      const held = await zk.existence(path, { watch: true })
      const errors = await program
      expect(held.stat?.ephemeralOwner, errors).not.toBe(0n)
      expect((await held.changed)?.type).toBe('deleted')
    })
  })
}
