import { fileURLToPath } from 'node:url'
import { compileJava, javaClassPath, javaMissing } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Child } from '../../support/process.ts'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../support/target.ts'
import { lane } from '../lane.ts'

const source = fileURLToPath(new URL('Program.java', import.meta.url))
const classPath = javaClassPath(fileURLToPath(new URL('../../../.cache/interop/java', import.meta.url)))

const missing = javaMissing(['zookeeper', 'curator-recipes', 'curator-x-discovery'])

lane({
  name: 'Java and Curator',
  prepare: () => missing ?? compileJava(classPath, [source]),
  command: (connectString, ...args) => [
    'java',
    '-XX:TieredStopAtLevel=1',
    '-cp',
    classPath,
    'Program',
    connectString,
    ...args,
  ],
  steps: [
    'connect',
    'create',
    'set',
    'create2',
    'errors',
    'data-watch',
    'recursive-watch',
    'multi',
    'multi-fails',
    'multi-read',
    'lock',
    'leader-latch',
    'cache',
    'discovery',
    'reconnect',
    'watch-after-reconnect',
    'close',
  ],
})

describe.skipIf(missingTarget() !== undefined || missing !== undefined)(`zkCli on ${targetName}`, () => {
  let server: TargetServer
  beforeAll(async () => {
    server = await startTarget()
  })
  afterAll(() => server.close())
  // Not spawnSync: a server of ours lives in this process and must go on serving.
  const zkCli = async (...commands: readonly string[]): Promise<string> => {
    const main = 'org.apache.zookeeper.ZooKeeperMain'
    const child = new Child(['java', '-cp', classPath, main, '-server', server.connectString], { input: 'pipe' })
    child.child.stdin?.end([...commands, 'quit', ''].join('\n'))
    await child.closed
    return child.printed
  }

  test('creates, watches and deletes', async () => {
    const said = await zkCli(
      'create /cli first',
      'create -s -e /cli/e- x',
      'get -w /cli',
      'set /cli second',
      'get -s /cli',
      'ls /cli',
      'getAcl /cli',
      'delete /cli/nothing',
      'deleteall /cli',
      'ls /',
    )
    expect(said).toContain('Created /cli')
    expect(said).toContain('Created /cli/e-0000000000')
    expect(said).toContain('NodeDataChanged')
    expect(said).toContain('second')
    expect(said).toMatch(/dataVersion = 1/)
    expect(said).toContain('[e-0000000000]')
    expect(said).toContain("'world,'anyone")
    expect(said).toContain('Node does not exist: /cli/nothing')
    expect(said).toContain('[zookeeper]')
  })
})
