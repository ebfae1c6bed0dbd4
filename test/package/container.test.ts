/**
 * The steps of deploy/Dockerfile in a clean folder, without Docker: what COPY would copy is copied, RUN lines run in a shell, and the
 * command of the image is started as the image would. Not tried here: the base image, its user, and Docker itself.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { freePort } from '../support/our-process.ts'
import { Child } from '../support/process.ts'
import { until } from '../support/wait.ts'
import { root } from './installed.ts'

type Step = readonly [instruction: string, rest: string]

/** The instructions of a Dockerfile, continued lines as one. */
function stepsOf(text: string): Step[] {
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, instruction = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? []
      return [instruction, rest.trim()]
    })
}

const steps = stepsOf(readFileSync(join(root, 'deploy/Dockerfile'), 'utf8'))
const restOf = (instruction: string): string => steps.filter(([name]) => name === instruction).at(-1)?.[1] ?? ''

/** Stands for `/` of both images: they share no path that differs between them. */
const slash = join(root, '.cache/container')
/** The folders that the Dockerfile names, below `slash`. */
const inside = (text: string): string => text.replaceAll(/(?<![\w.])\/(build|packed|opt|data)\b/g, `${slash}/$1`)

afterAll(() => rmSync(slash, { recursive: true, force: true }))

/** What COPY . . sends to Docker: what git tracks, without what .dockerignore leaves out. */
function context(): string[] {
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const tracked = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  }).stdout
  return tracked.split('\n').filter((file) => file !== '' && !ignored.some((each) => file.startsWith(`${each}/`)))
}

test('knows every instruction of the Dockerfile', () => {
  const known = [
    'FROM',
    'WORKDIR',
    'COPY',
    'RUN',
    'ENV',
    'USER',
    'VOLUME',
    'EXPOSE',
    'HEALTHCHECK',
    'ENTRYPOINT',
    'CMD',
  ]
  expect(steps.length).toBeGreaterThan(10)
  for (const [instruction] of steps) expect(known).toContain(instruction)
})

test('the steps of the image make a server that is healthy, serves, and stops on SIGTERM', {
  timeout: 180_000,
}, async () => {
  rmSync(slash, { recursive: true, force: true })
  let folder = slash
  const env: Record<string, string | undefined> = { PATH: process.env['PATH'], HOME: process.env['HOME'] }
  for (const [instruction, rest] of steps) {
    if (instruction === 'WORKDIR') {
      folder = inside(rest)
      mkdirSync(folder, { recursive: true })
    } else if (instruction === 'COPY' && rest === '. .') {
      for (const file of context()) {
        mkdirSync(dirname(join(folder, file)), { recursive: true })
        cpSync(join(root, file), join(folder, file))
      }
    } else if (instruction === 'RUN') {
      // The user of the image is not here.
      const command = inside(rest.replace(/ && chown node:node \S+/, ''))
      const { status, stdout, stderr } = spawnSync('sh', ['-e', '-c', command], { cwd: folder, encoding: 'utf8', env })
      expect(status, `${rest}\n${stdout}${stderr}`).toBe(0)
    } else if (instruction === 'ENV') {
      const [, name = '', value] = /^(\w+)=(.*)$/.exec(rest) ?? []
      env[name] = value
    } else if (instruction === 'COPY') {
      expect(rest).toBe('--from=build /opt/lightkeeper /opt/lightkeeper')
    }
  }

  const [port, adminPort] = [await freePort(), await freePort()]
  const replaced = (text: string): string => inside(text).replaceAll('8080', `${adminPort}`)
  const command = [...JSON.parse(restOf('ENTRYPOINT')), ...JSON.parse(restOf('CMD')), '--port', `${port}`] as string[]
  const [program = '', ...args] = command.map(replaced)
  await using server = new Child([program, ...args], { env, isAlone: true, cwd: folder })
  await server.untilLine('lightkeeper listening on ')
  const [, check = '[]'] = /CMD (\[.*\])$/.exec(restOf('HEALTHCHECK')) ?? []
  const healthy = (JSON.parse(check) as [string, ...string[]]).map(replaced) as [string, ...string[]]
  await until(async () => (await new Child(healthy).closed).code === 0)
  const lightkeeper = join(inside('/opt/lightkeeper'), 'node_modules/.bin/lightkeeper')
  const made = await new Child([lightkeeper, 'create', '/made', 'x', '-s', `127.0.0.1:${port}`]).closed
  expect([made.code, made.errors]).toEqual([0, ''])
  expect(await server.end('SIGTERM')).toBe(0)
  // A check that says yes to everything would be none.
  expect((await new Child(healthy).closed).code).toBe(1)
})
