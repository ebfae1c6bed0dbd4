/** go-zookeeper's own tests, but for those that start three servers, each with a fresh server of the target. */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { apacheAvailable } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { Child } from '../../support/process.ts'
import { missingTarget, targetName } from '../../support/target.ts'
import { cache, compile, has, skipReason } from '../lane.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const sources = `${cache}go-zookeeper`
const binary = `${sources}/zk.test`
const scripts = fileURLToPath(new URL(`../suites/${targetName === 'ours' ? 'ours' : 'apache'}`, import.meta.url))

/** Copies the module with its tests out of the module cache, where nothing may be written, and compiles them. */
function prepare(): string | undefined {
  if (!has('go')) return 'there is no go toolchain'
  const found = spawnSync('go', ['mod', 'download', '-json', 'github.com/go-zookeeper/zk'], {
    cwd: here,
    encoding: 'utf8',
  })
  const { Dir: folder } = JSON.parse(found.stdout || '{}') as { Dir?: string }
  if (folder === undefined) return `go cannot download the module: ${found.stderr.slice(-300)}`
  rmSync(sources, { recursive: true, force: true })
  cpSync(folder, sources, { recursive: true })
  for (const name of readdirSync(sources))
    chmodSync(`${sources}/${name}`, statSync(`${sources}/${name}`).isDirectory() ? 0o755 : 0o644)
  // It waits until it can read the answer to `srvr`, whose date it knows as 3.5 wrote it; no later Apache passes that.
  const helper = `${sources}/server_help_test.go`
  const [before, after] = ['_, ok := FLWSrvr(serverAddrs, time.Second)', 'ok := FLWRuok(serverAddrs, time.Second)[0]']
  const text = readFileSync(helper, 'utf8')
  if (!text.includes(before)) return `server_help_test.go waits in another way than by "${before}"`
  writeFileSync(helper, text.replace(before, after))
  const failed = compile(['go', 'test', '-c', '-o', binary, '.'], sources)
  return failed === undefined ? undefined : `its tests do not compile: ${failed}`
}

/** Tests by whether they start more than one server. */
function ownTests(): { single: string[]; several: string[] } {
  const single: string[] = []
  const several: string[] = []
  for (const file of readdirSync(sources).filter((name) => name.endsWith('_test.go'))) {
    const [, ...bodies] = readFileSync(`${sources}/${file}`, 'utf8').split(/^func (?=Test)/m)
    for (const body of bodies) {
      const name = /^Test\w+/.exec(body)?.[0] as string
      const servers = /StartTestCluster\(t, (\d+)/.exec(body)?.[1] ?? '1'
      ;(servers === '1' ? single : several).push(name)
    }
  }
  return { single, several }
}

/** What one test printed, from its begin to its verdict. */
function saidBy(name: string, output: string): string {
  const from = output.indexOf(`=== RUN   ${name}\n`)
  return output.slice(from, output.indexOf(`--- FAIL: ${name} `, from)).slice(-3000)
}

const missing = skipReason("go-zookeeper's own tests", missingTarget() ?? prepare())

describe.skipIf(missing !== undefined)(`go-zookeeper's own tests on ${targetName}`, () => {
  test('pass, as far as one server is enough', async () => {
    const { single, several } = ownTests()
    console.log(`not run, because they start three servers: ${several.join(', ')}`)
    const found = targetName === 'ours' ? undefined : apacheAvailable(targetName.slice('apache-'.length) as '3.9')
    const classPath = found?.available === true ? found.classPath : ''
    await using child = new Child([binary, '-test.v', '-test.timeout=280s', `-test.run=^(${single.join('|')})$`], {
      cwd: sources,
      env: { ZOOKEEPER_BIN_PATH: scripts, CLASSPATH: classPath },
    })
    const { output, errors } = await child.closed
    const results = [...output.matchAll(/^\s*--- (PASS|FAIL|SKIP): (\S+)/gm)].map(([, verdict, name]) => ({
      verdict,
      name,
    }))
    const failed = results.filter(({ verdict }) => verdict !== 'PASS').map(({ verdict, name }) => `${verdict} ${name}`)
    const said = failed.map((each) => saidBy(each.split(' ')[1] as string, output)).join('\n')
    expect(failed, `${said}\n${errors.slice(-2000)}`).toEqual([])
    expect(single.filter((name) => !results.some((each) => each.name === name))).toEqual([])
    console.log(`${results.length} tests and parts of tests passed`)
  }, 300_000)
})
