/**
 * The plugins for Fastify and NestJS, whose frameworks only this lane installs: their types and those of their tests, and the snippets of
 * their guide in a project that has installed the tarballs.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { startServer } from '@lightkeeper/server'
import { beforeAll, describe, expect, test } from 'vitest'
import { folderOf } from '../../scripts/runtimes.mjs'
import { compileSnippets, runProgram, snippetsOf } from '../support/snippets.ts'
import { install, root } from './installed.ts'

test('the plugins and their tests fit the types of the frameworks', () => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const args = [tsc, '-p', join(root, 'tsconfig.frameworks.json')]
  expect(spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' }).stdout).toBe('')
})

describe('the guide', () => {
  const snippets = snippetsOf(join(root, 'docs/guide/frameworks.md'), 'ts')
  const project = install('all').folder
  const work = join(project, 'guide')

  beforeAll(() => {
    const modules = join(project, 'node_modules')
    const link = (from: string, name: string): void => {
      if (!existsSync(join(modules, name))) symlinkSync(join(from, name), join(modules, name), 'junction')
    }
    const frameworks = join(folderOf('frameworks'), 'node_modules')
    for (const name of ['fastify', '@nestjs', 'reflect-metadata']) link(frameworks, name)
    mkdirSync(join(modules, '@types'), { recursive: true })
    for (const name of readdirSync(join(root, 'node_modules/@types')))
      link(join(root, 'node_modules'), `@types/${name}`)
    expect(compileSnippets(work, snippets)).toBe('')
  })

  test.each(snippets)('$name runs to its end on what is published', async ({ name }) => {
    const server = await startServer({ port: 0 })
    const { code, output, errors } = await runProgram(
      [process.execPath],
      join(work, 'out', `${name}.js`),
      server.connectString,
    )
    await server.close()
    expect(output + errors).not.toMatch(/Error/)
    expect(code, output + errors).toBe(0)
  })
})
