/** Whoever sees an error code or a line of the log finds it on a page, with its cause and a next step. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { keeperCodes } from '../../packages/protocol/src/errors.gen.ts'
import { clientCodes } from '../../packages/protocol/src/keeper-error.ts'
import { root } from '../tidy/tree.ts'
import { logLines } from './log-lines.ts'

const page = (name: string): string => readFileSync(join(root, 'docs/troubleshooting', name), 'utf8')

test('every error code has a section that says what to do, and no section is about another one', () => {
  const sections = [...page('errors.md').matchAll(/^### ([A-Z_]+)\n\n(.*?)(?=\n##|(?![^]))/gms)]
  const codes = [...Object.keys(keeperCodes), ...Object.keys(clientCodes)]
  expect(sections.map(([, code = '']) => code).sort()).toEqual([...codes].sort())
  for (const [, code, text = ''] of sections) {
    // Codes that no server sends need no next step.
    if (!text.includes('No server sends it')) expect(text, code).toMatch(/\*\*Next:\*\* \S/)
  }
})

test('every line of level warn or error has a row with its cause and a next step, and no row is about another one', () => {
  const { lines } = logLines()
  expect(lines.length).toBeGreaterThan(80)
  const rows = [...page('log-lines.md').matchAll(/^\| `([^`]+)` *\| (.+?) *\| (.+?) *\|$/gm)]
  const told = rows.map(([, text = '']) => text)
  expect(told.filter((text, i) => told.indexOf(text) !== i)).toEqual([])
  const written = new Set(lines.map(({ text }) => text))
  expect(
    [...written].filter((text) => !told.includes(text)),
    'docs/troubleshooting/log-lines.md has no row for these lines',
  ).toEqual([])
  expect(
    told.filter((text) => !written.has(text)),
    'no source writes these lines any more',
  ).toEqual([])
})

test('no line is written in a way that this test cannot read, but for what is passed on from elsewhere', () => {
  const { unknown } = logLines()
  expect(
    unknown.filter((each) => !/: (error|why|reason)\.message$|: message$|: text$|: what$|: note$/.test(each)),
  ).toEqual([])
})
