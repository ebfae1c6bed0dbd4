/** Clients of other languages over TLS, with certificates both ways, on a server with stores as keytool and openssl write them. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { connect } from '@lightkeeper/client'
import { compileJava, javaClassPath, javaMissing } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Child } from '../../support/process.ts'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../support/target.ts'
import { cache, compile, has, lane } from '../lane.ts'
import { missingKazoo, python } from '../python.ts'
import { makeStores, type Stores, storePassword } from './stores.ts'

const noStores = 'keytool or openssl is missing'
const made = missingTarget() === undefined ? makeStores() : undefined
if (made === undefined && missingTarget() === undefined && process.env['INTEROP'] === 'require')
  throw new Error(noStores)
afterAll(() => made?.remove())

const javaProgram = fileURLToPath(new URL('../java/Program.java', import.meta.url))
const classPath = javaClassPath(fileURLToPath(new URL('../../../.cache/interop/java', import.meta.url)))
const noJava = javaMissing(['zookeeper', 'curator-recipes', 'curator-x-discovery'])

/** Properties of a Java client, with key stores of one type. */
function javaProperties({ file }: Stores, type: 'jks' | 'pem'): string[] {
  const stores =
    type === 'pem'
      ? [`keyStore.location=${file('client-store.pem')}`, `trustStore.location=${file('authority.pem')}`]
      : [
          ...[`keyStore.location=${file('client.jks')}`, `keyStore.password=${storePassword}`],
          ...[`trustStore.location=${file('trust.jks')}`, `trustStore.password=${storePassword}`],
        ]
  return [
    '-Dzookeeper.client.secure=true',
    '-Dzookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty',
    ...stores.map((each) => `-Dzookeeper.ssl.${each}`),
  ]
}

const steps = ['connect', 'create', 'errors', 'multi', 'lock', 'reconnect', 'watch-after-reconnect', 'close']

/** Where there are no stores the lanes are skipped, and the keys are not used. */
const keys = (type: 'pem' | 'p12' | 'jks'): Record<string, string> => made?.keys(type) ?? {}
const pemEnv = {
  TLS_CA: made?.file('authority.pem') ?? '',
  TLS_CERT: made?.file('client.pem') ?? '',
  TLS_KEY: made?.file('client.key') ?? '',
}

for (const type of ['jks', 'pem'] as const) {
  lane({
    name: `Java and Curator over TLS, stores ${type}`,
    prepare: () => (made === undefined ? noStores : (noJava ?? compileJava(classPath, [javaProgram]))),
    command: (connectString, ...args) => [
      ...(['java', '-XX:TieredStopAtLevel=1', '-cp', classPath] as const),
      ...javaProperties(made as Stores, type),
      ...['Program', connectString, ...args],
    ],
    steps,
    settings: { tls: keys(type) },
  })
}

lane({
  name: 'kazoo over TLS',
  prepare: () => (made === undefined ? noStores : missingKazoo),
  command: (connectString, ...args) => [
    python ?? 'python3',
    fileURLToPath(new URL('../kazoo/program.py', import.meta.url)),
    connectString,
    ...args,
  ],
  env: pemEnv,
  steps,
  settings: { tls: keys('p12') },
})

lane({
  name: 'go-zookeeper over TLS',
  prepare() {
    if (made === undefined) return noStores
    if (!has('go')) return 'there is no go toolchain'
    const source = fileURLToPath(new URL('../go/', import.meta.url))
    const failed = compile(['go', 'build', '-o', `${cache}go-client`, '.'], source)
    return failed === undefined ? undefined : `go build failed: ${failed}`
  },
  command: (connectString, ...args) => [`${cache}go-client`, connectString, ...args],
  env: pemEnv,
  steps: steps.filter((step) => step !== 'lock'),
  settings: { tls: keys('jks') },
})

test('the C client of Debian has no TLS; where one has, it must be tried here', () => {
  const { stdout, status } = spawnSync(
    'sh',
    ['-c', 'nm -D "$(ldconfig -p | sed -n "s/.*libzookeeper_mt.so.* => //p" | head -1)"'],
    {
      encoding: 'utf8',
    },
  )
  if (status !== 0) console.log('the C client over TLS: not tried, because libzookeeper_mt is not installed')
  else console.log('the C client over TLS: not tried, because this libzookeeper_mt was built without it')
  expect(stdout).not.toContain('zookeeper_init_ssl')
})

const missing = missingTarget() ?? (made === undefined ? noStores : undefined)
describe.skipIf(missing !== undefined).each(['jks', 'p12', 'pem'] as const)(
  `a server on ${targetName} with %s`,
  (type) => {
    let server: TargetServer
    beforeAll(async () => {
      server = await startTarget({ tls: keys(type) })
    })
    afterAll(() => server.close())

    test('knows our client by its certificate', async () => {
      const { authority } = made as Stores
      await using zk = await connect(`localhost:${server.securePort}`, { tls: authority.client('Zoë, of "A+B"') })
      expect(await zk.whoAmI()).toContainEqual({ scheme: 'x509', user: 'CN=Zoë\\, of \\"A\\+B\\"' })
    })

    test.skipIf(noJava !== undefined)('serves zkCli', async () => {
      const main = 'org.apache.zookeeper.ZooKeeperMain'
      const properties = javaProperties(made as Stores, 'jks')
      const args = [...properties, '-cp', classPath, main, '-server', `localhost:${server.securePort}`]
      const child = new Child(['java', ...args], { input: 'pipe' })
      child.child.stdin?.end(['create /cli secret', 'get /cli', 'whoami', 'delete /cli', 'quit', ''].join('\n'))
      await child.closed
      expect(child.printed).toContain('Created /cli')
      expect(child.printed).toMatch(/^secret$/m)
      expect(child.printed).toMatch(/x509: CN=client/)
    })
  },
)
