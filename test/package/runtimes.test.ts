/** The published client on every runtime it is for, from ESM and from `require`, against a server in this process. */
import { type RunningServer, startServer } from '@lightkeeper/server'
import { proxy } from '@lightkeeper/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { missingRuntime, programOf, runtimes } from '../../scripts/runtimes.mjs'
import { type Installed, install, runToEnd } from './installed.ts'

let installed: Installed
beforeAll(() => {
  installed = install()
})

const steps = ['connect', 'create', 'get', 'large', 'set', 'transaction', 'error', 'cut', 'watch', 'thread', 'close']

async function runStory(command: readonly [string, ...string[]]): Promise<void> {
  await using server: RunningServer = await startServer({ port: 0 })
  await using wire = await proxy(server.port)
  const { code, output, errors } = await runToEnd([...command, wire.connectString], installed.folder, (line) => {
    if (line.includes('"cut"')) wire.cut()
  })
  const told = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { step: string; ok: boolean; detail: string })
  expect(
    told.filter(({ ok }) => !ok),
    errors,
  ).toEqual([])
  expect(
    told.map(({ step }) => step),
    errors,
  ).toEqual(steps)
  // No warning either: a user would see it with every start.
  expect([code, errors]).toEqual([0, ''])
}

const here = {
  name: `node ${process.versions.node}, which runs the tests`,
  missing: undefined,
  program: process.execPath,
  args: [] as string[],
}
const lanes = [
  here,
  ...runtimes.map((each) => ({
    name: each.name,
    missing: missingRuntime(each),
    program: programOf(each),
    args: each.args,
  })),
]

for (const { name, missing, program, args } of lanes) {
  if (missing !== undefined) {
    if (process.env['INTEROP'] === 'require') throw new Error(`${name} is required and cannot run: ${missing}`)
    console.log(`the package on ${name}: skipped, because ${missing}`)
  }
  describe.skipIf(missing !== undefined)(name, () => {
    test('does all of it when imported', () => runStory([program, ...args, 'programs/esm.mjs']))
    test('does all of it when required', () => runStory([program, ...args, 'programs/require.cjs']))
  })
}
