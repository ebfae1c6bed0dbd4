/**
 * kazoo's own tests, which start and stop one server of the target themselves. For ours, scripts stand where the tests expect a JVM
 * (test/interop/suites). KAZOO_TESTS names files or tests, space between, to run these alone. Only with INTEROP_LONG the same tests
 * run again over gevent's and eventlet's sockets.
 */
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { apacheAvailable, freePorts } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { temporaryFolders } from '../../support/folders.ts'
import { Child } from '../../support/process.ts'
import { missingTarget, targetName } from '../../support/target.ts'
import { has, skipReason } from '../lane.ts'
import { leftOut } from './left-out.ts'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const installed = here('../../../.cache/kazoo-suite')
const chosen = process.env['KAZOO_TESTS']?.split(' ') ?? []
const isLong = process.env['INTEROP_LONG'] !== undefined
/** So many processes share the tests, each with a server of its own: most of the time a test waits. */
const parts = 3
/** They repeat the others' tests. */
const repeated = ['test_eventlet_handler.py', 'test_gevent_handler.py', 'test_selectors_select.py']

interface Outcome {
  readonly test: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly why: string
  readonly seconds: number
}

function reason(): string | undefined {
  if (!has('python3')) return 'there is no python3'
  if (!existsSync(`${installed}/kazoo/tests`)) return 'it was not fetched; node scripts/peers.mjs does it'
  return undefined
}

/** What is left out on this target. */
const known = leftOut.filter(({ on }) => on === undefined || on === targetName)

const missing = skipReason("kazoo's own tests", missingTarget() ?? reason())

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** For each part the first of five free ports in a row, which the tests take for one server. */
async function portBlocks(): Promise<number[]> {
  const blocks: number[] = []
  while (blocks.length < parts) {
    const [first = 0] = await freePorts(1)
    const all = await Promise.all([0, 1, 2, 3, 4].map((offset) => canListen(first + offset)))
    if (all.every(Boolean) && blocks.every((other) => Math.abs(other - first) >= 5)) blocks.push(first)
  }
  return blocks
}

/** The suite leaves the directories of its servers behind. */
const folder = temporaryFolders('kazoo')

function environment(part: number, port: number): Record<string, string> {
  const shared = {
    TMPDIR: folder(),
    PYTHONPATH: [installed, here('.')].join(delimiter),
    PYTHONDONTWRITEBYTECODE: '1',
    ZOOKEEPER_CLUSTER_SIZE: '1',
    ZOOKEEPER_PORT_OFFSET: `${port}`,
    SUITE_PART: `${part}/${parts}`,
    ZOOKEEPER_VERSION: '3.9.5',
    SUITE_LEAVES_OUT: known.map(({ test }) => test).join('\n'),
  }
  if (targetName === 'ours') {
    const path = [here('../suites/ours'), process.env['PATH']].join(delimiter)
    return { ...shared, PATH: path, ZOOKEEPER_CLASSPATH: 'ours' }
  }
  const found = apacheAvailable(targetName.slice('apache-'.length) as '3.9')
  return { ...shared, ZOOKEEPER_CLASSPATH: found.available ? found.classPath : '' }
}

describe.skipIf(missing !== undefined)(`kazoo's own tests on ${targetName}`, () => {
  test('pass, but for those that are left out with a reason', async () => {
    for (const { test: name, why } of known) console.log(`not run: ${name}: ${why}`)
    const options = ['-q', '-p', 'no:cacheprovider', '-p', 'report', '--timeout=100', '--tb=short']
    const tests = chosen.length > 0 ? chosen : ['']
    if (!isLong && chosen.length === 0) {
      console.log(`not run, because they repeat other tests: ${repeated.join(', ')}; --long runs them`)
      options.push(...repeated.map((file) => `--ignore=${installed}/kazoo/tests/${file}`))
    }
    const files = tests.map((each) => `${installed}/kazoo/tests/${each}`)
    const blocks = await portBlocks()
    const children = blocks.map(
      (port, part) =>
        new Child(['python3', '-m', 'pytest', ...options, ...files], { cwd: installed, env: environment(part, port) }),
    )
    const ends = await Promise.all(children.map(({ closed }) => closed)).finally(() => {
      for (const child of children) child.kill('SIGKILL')
    })
    const output = ends.map((each) => each.output).join('\n')
    const errors = ends.map((each) => each.errors).join('\n')
    const outcomes = output
      .split('\n')
      .filter((line) => line.startsWith('{"test"'))
      .map((line) => JSON.parse(line) as Outcome)
    const of = (kind: Outcome['outcome']): Outcome[] => outcomes.filter(({ outcome }) => outcome === kind)
    for (const { test: name, why } of of('skipped')) console.log(`skipped by the suite: ${name}: ${why}`)
    console.log(`${of('passed').length} of ${outcomes.length} passed`)
    const slow = outcomes.toSorted((a, b) => b.seconds - a.seconds).slice(0, 8)
    console.log(`the slowest: ${slow.map(({ test: name, seconds }) => `${name} ${seconds.toFixed(1)} s`).join(', ')}`)
    const failed = of('failed').map(({ test: name, why }) => `${name}: ${why}`)
    expect(failed, `${output.slice(-4000)}\n${errors.slice(-4000)}`).toEqual([])
    expect(outcomes.length, `${output.slice(-4000)}\n${errors.slice(-4000)}`).toBeGreaterThan(
      chosen.length > 0 ? 0 : isLong ? 400 : 250,
    )
  }, 900_000)
})
