import { expect, test } from 'vitest'
import { commands } from './commands.ts'
import { helpOf, overview, unknownCommand } from './help.ts'
import { optionsOf } from './parse.ts'

test('no two commands have one name', () => {
  const names = commands.flatMap(({ spec }) => [spec.name, ...(spec.aliases ?? [])])
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
})

test.each(commands.map(({ spec }) => [spec.name, spec] as const))('the row of %s is whole', (_, row) => {
  const options = [...optionsOf(row)]
  const letters = [...options.flatMap(([, { short }]) => short ?? []), 'h']
  expect(letters.filter((letter, i) => letter.length !== 1 || letters.indexOf(letter) !== i)).toEqual([])
  for (const [name, { about, value, kind }] of options) {
    expect(name).toMatch(/^[a-z]+[0-9]*(-[a-z]+)*$/i)
    expect(about, name).toMatch(/\S{2}/)
    // A flag has neither, an option with a value has both.
    expect(value === undefined, name).toBe(kind === undefined)
  }
  expect(row.summary, 'one line without an end').toMatch(/^[a-z][^\n]*[^.]$/)
  // Only the last argument may take all words, and behind an optional one all are.
  const args = Object.values(row.arguments ?? {})
  expect(args.slice(0, -1).some(({ isMany }) => isMany)).toBe(false)
  const first = args.findIndex(({ isOptional }) => isOptional)
  if (first >= 0) expect(args.slice(first).every(({ isOptional }) => isOptional)).toBe(true)
})

test.each(commands.map(({ spec }) => [spec.name, spec] as const))(
  'the help of %s names all options and fits a page',
  (name, row) => {
    const text = helpOf(row)
    expect(text).toMatch(new RegExp(`^usage: lightkeeper ${name}\\b`))
    for (const [option] of optionsOf(row)) expect(text).toContain(`--${option}`)
    const long = text
      .split('\n')
      .filter((line) => line.length > 110 && line.trim().includes(' ') && !line.startsWith('usage'))
    expect(long).toEqual([])
  },
)

test('the overview has a line for each command', () => {
  for (const { spec } of commands) expect(overview(commands)).toContain(`\n  lightkeeper ${spec.name} `)
})

test.each([
  ['lok', 'no command "lok"; did you mean lock?'],
  ['fly', 'no command "fly"; lightkeeper --help lists all commands'],
  ['--json', 'a command is missing in front of the option --json'],
])('%s: %s', async (name, says) => {
  expect(await unknownCommand(name, commands)).toBe(says)
})
