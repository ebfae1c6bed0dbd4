/** The scripts are run by their shells, where these are installed. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { commands } from '../commands.ts'
import { completionScript, type Shell } from './scripts.ts'

const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-completion-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
writeFileSync(join(folder, 'a file'), '')
mkdirSync(join(folder, 'a folder'))
mkdirSync(join(folder, 'bin'))
// The scripts ask the program for the names of profiles.
writeFileSync(join(folder, 'bin', 'lightkeeper'), '#!/bin/sh\n[ "$2" = profiles ] && printf "prod\\ntest\\n"\n', {
  mode: 0o755,
})

const has = (shell: Shell): boolean => spawnSync(shell, ['-c', 'true']).status === 0
const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}` }

/** What bash offers for the last of the words, for each of the lines. */
function inBash(lines: readonly (readonly string[])[]): string[][] {
  const calls = lines.map((words) => {
    const quoted = ['lightkeeper', ...words].map((word) => `'${word}'`).join(' ')
    return `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _lightkeeper; printf '%s\\n' "\${COMPREPLY[@]}" ===`
  })
  const program = `${completionScript('bash', commands)}\n${calls.join('\n')}`
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', program], {
    cwd: folder,
    env,
    encoding: 'utf8',
  })
  expect([status, stderr]).toEqual([0, ''])
  return stdout
    .split('===\n')
    .slice(0, -1)
    .map((each) => each.split('\n').filter((line) => line !== ''))
}

test('bash offers commands, options, their values, files and profiles', () => {
  const [first, options, short, words, files, folders, args, profiles, equals, behind, nothing, shells, own] = inBash([
    ['lo'],
    ['lock', '/a', '--sh'],
    ['watch', '-s', ''],
    ['register', 'a', '--format', ''],
    ['export', '/a', '-o', 'a'],
    ['server', '--data-dir', 'a'],
    ['import', 'a'],
    ['watch', '/a', '--profile', 'p'],
    ['discover', '--format', '=', 'cu'],
    ['lock', '/a', '--', 'rea'],
    ['lock', '/a', '--timeout', ''],
    ['completion', ''],
    ['demo', '--ser'],
  ])
  expect(first).toEqual(['lock', 'locks'])
  expect(options).toEqual(['--shared'])
  expect(short).toEqual([])
  expect(words).toEqual(['curator', 'spring', 'dubbo'])
  expect(files?.sort()).toEqual(['a file', 'a folder'])
  expect(folders).toEqual(['a folder'])
  expect(args?.sort()).toEqual(['a file', 'a folder'])
  expect(profiles).toEqual(['prod'])
  expect(equals).toEqual(['curator'])
  expect(behind).toContain('read')
  expect(nothing).toEqual([])
  expect(shells).toEqual(['bash', 'zsh', 'fish', 'profiles'])
  expect(own).toEqual(['--server'])
})

test('bash offers each command, and each of its options', () => {
  const offered = inBash([[''], ...commands.map(({ spec }) => [spec.name, '-'])])
  for (const { spec } of commands) expect(offered[0]).toContain(spec.name)
  for (const [i, { spec }] of commands.entries()) {
    const names = Object.keys(spec.options ?? {}).map((each) => `--${each}`)
    expect(offered[i + 1], spec.name).toEqual(expect.arrayContaining(names))
  }
})

/** Shells that are not installed cannot check their scripts. */
const checks: Readonly<Record<'zsh' | 'fish', readonly string[]>> = { zsh: ['-n'], fish: ['--no-execute'] }
for (const [shell, args] of Object.entries(checks) as ['zsh' | 'fish', readonly string[]][]) {
  test.skipIf(!has(shell))(`${shell} accepts its script (it must be installed)`, () => {
    const file = join(folder, shell)
    writeFileSync(file, completionScript(shell, commands))
    const { status, stderr } = spawnSync(shell, [...args, file], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
  })
}

test('the scripts for zsh and fish name all commands and options, and their quotes are closed', () => {
  for (const shell of ['zsh', 'fish'] as const) {
    const script = completionScript(shell, commands)
    for (const { spec } of commands) {
      expect(script).toContain(spec.name)
      for (const name of Object.keys(spec.options ?? {})) expect(script).toContain(name)
    }
    // Each line of a table closes its own quotes; an escaped quote is no quote.
    for (const line of script.split('\n')) expect(line.replaceAll(/\\'/g, '').split("'").length % 2, line).toBe(1)
  }
})
