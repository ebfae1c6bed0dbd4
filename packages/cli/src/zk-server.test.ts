import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { UsageError } from './command.ts'
import { isZkServer, zkServer } from './zk-server.ts'

const root = mkdtempSync(join(tmpdir(), 'lightkeeper-zk-server-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const conf = join(root, 'conf')
const strict = join(root, 'strict')
mkdirSync(conf)
mkdirSync(strict)
const flags = 'export SERVER_JVMFLAGS="$SERVER_JVMFLAGS -Dzookeeper.snapCount=$((400 + 4))"'
writeFileSync(join(conf, 'java.env'), `echo what it prints is no variable\n${flags}\n`)
writeFileSync(join(strict, 'zookeeper-env.sh'), 'ZOO_DATADIR_AUTOCREATE_DISABLE=1\nZOOCFG=own.cfg\n')

// Each row is what zkServer.sh of Apache 3.9 starts with these arguments and this environment.
test.each<[args: string[], directory: string | undefined, env: Record<string, string>, file: string, flags: string]>([
  [[], undefined, { ZOOCFGDIR: conf }, `${conf}/zoo.cfg`, '-Da=1 -Dzookeeper.snapCount=404'],
  [['other.cfg'], undefined, { ZOOCFGDIR: conf }, `${conf}/other.cfg`, '-Da=1 -Dzookeeper.snapCount=404'],
  [['some/other.cfg'], undefined, { ZOOCFGDIR: conf }, 'some/other.cfg', '-Da=1 -Dzookeeper.snapCount=404'],
  [['/some/other.cfg'], conf, {}, '/some/other.cfg', '-Da=1 -Dzookeeper.snapCount=404'],
  [[], conf, { ZOOCFG: 'other.cfg' }, `${conf}/other.cfg`, '-Da=1 -Dzookeeper.snapCount=404'],
  [[], strict, { ZOOCFGDIR: conf }, `${strict}/own.cfg`, '-Dzookeeper.datadir.autocreate=false -Da=1'],
  [[], root, {}, `${root}/zoo.cfg`, '-Da=1'],
])('start-foreground %j, --config %s, %j', (args, directory, env, file, flags) => {
  const found = zkServer(['start-foreground', ...args], directory, { ...process.env, SERVER_JVMFLAGS: '-Da=1', ...env })
  expect([found.file, found.environment['SERVER_JVMFLAGS']?.trim()]).toEqual([file, flags])
})

test('a script that fails, a second file and the other words of zkServer.sh are refused', () => {
  const broken = join(root, 'broken')
  mkdirSync(broken)
  writeFileSync(join(broken, 'java.env'), 'exit 3\n')
  expect(() => zkServer(['start-foreground'], broken, process.env)).toThrow(
    /cannot read .*broken\/java\.env: bash ended/,
  )
  expect(() => zkServer(['start-foreground', 'a', 'b'], conf, process.env)).toThrow(UsageError)
  expect([isZkServer(['start-foreground']), isZkServer(['zoo.cfg']), isZkServer([])]).toEqual([true, false, false])
  for (const word of ['start', 'stop', 'restart', 'status']) {
    expect(() => isZkServer([word])).toThrow(`"${word}" of zkServer.sh is not supported`)
  }
})
