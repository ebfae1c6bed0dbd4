/** `fact`: a test that knows the exceptions. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import {
  missingTarget,
  notAlone,
  startTarget,
  type TargetServer,
  type TargetSettings,
  targetName,
} from '../support/target.ts'
import { knownDifferences } from './known-differences.ts'
import { Wire } from './wire.ts'

/** One sentence about behaviour that holds on every target but those named in `knownDifferences`. */
export function fact(sentence: string, body: () => Promise<void>): void {
  const difference = knownDifferences.find((each) => each.fact === sentence && each.targets.includes(targetName))
  if (difference === undefined) test(sentence, body)
  else if (difference.how === 'run') test.fails(`${sentence} (differs: ${difference.reason})`, body)
  else {
    console.log(`${targetName}: "${sentence}" is not run, because ${difference.reason}`)
    test.skip(`${sentence} (${difference.reason})`, body)
  }
}

export interface Chapter {
  readonly server: TargetServer
  /** A new connection with a session, gone after the chapter. */
  connect(options?: Parameters<typeof Wire.connect>[1]): Promise<Wire>
  /** A connection shared by the cases of the chapter. */
  readonly wire: Wire
  /** A path that no other case uses. */
  unique(): string
}

/** A chapter of facts on a server of its own; skipped with a reason where the target is missing. */
export function chapter(title: string, settings: TargetSettings, body: (chapter: Chapter) => void): void {
  // A member of ours refuses to start with it.
  const reason = (settings.reconfigEnabled === true ? notAlone : undefined) ?? missingTarget()
  if (reason !== undefined) console.log(`${title} on ${targetName}: skipped, because ${reason}`)
  describe.skipIf(reason !== undefined)(`${title} [${targetName}]`, () => {
    let server: TargetServer | undefined
    let wire: Wire | undefined
    const wires: Wire[] = []
    let count = 0
    const connect: Chapter['connect'] = async (options) => {
      const made = await Wire.connect((server as TargetServer).port, options)
      wires.push(made)
      return made
    }
    beforeAll(async () => {
      server = await startTarget(settings)
      wire = await connect({ timeOut: 40_000 })
    })
    afterAll(async () => {
      for (const each of wires) each.destroy()
      await server?.close()
    })
    body({
      get server() {
        return server as TargetServer
      },
      get wire() {
        return wire as Wire
      },
      connect,
      unique: () => `/case-${++count}`,
    })
  })
}
