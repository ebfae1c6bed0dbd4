/** The tables of the guide are made from the rows of the commands. `UPDATE_DOCUMENTS=1` before the test's command writes them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { commands } from '../../packages/cli/src/commands.ts'
import { connectingDefaults, connectingOptions, secretSettings, variableOf } from '../../packages/cli/src/connecting.ts'
import { usageOf } from '../../packages/cli/src/parse.ts'

const guide = fileURLToPath(new URL('../../docs/guide/command-line.md', import.meta.url))

const cell = (text: string): string => text.replaceAll('|', '\\|')

/** A table of Markdown with even columns. */
function table(rows: readonly (readonly string[])[]): string {
  const [head = []] = rows
  const widths = head.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[], fill = ' '): string =>
    `| ${row.map((each, i) => each.padEnd(widths[i] ?? 0, fill)).join(' | ')} |`
  const rule = line(
    widths.map(() => ''),
    '-',
  )
  return [line(head), rule, ...rows.slice(1).map((row) => line(row))].join('\n')
}

const tables: Readonly<Record<string, () => string>> = {
  commands: () =>
    table([
      ['command', 'does'],
      ...commands.map(({ spec }) => [
        usageOf(spec)
          .map((usage) => `\`lightkeeper ${cell(usage)}\``)
          .join('<br>'),
        cell(spec.summary),
      ]),
    ]),
  connecting: () =>
    table([
      ['option', 'variable', 'is'],
      ...Object.entries(connectingOptions).map(
        ([name, { short, value, about }]: [string, (typeof connectingOptions)[keyof typeof connectingOptions]]) => {
          const preset = connectingDefaults[name]
          const names = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
          return [
            `\`${cell(names)}\``,
            `\`${variableOf(name)}\``,
            cell(about) + (preset === undefined ? '' : ` (default: ${preset})`),
          ]
        },
      ),
      ...Object.entries(secretSettings).map(([name, { about }]) => ['', `\`${variableOf(name)}\``, cell(about)]),
    ]),
}

test.each(Object.keys(tables))('the table "%s" of the guide says what the rows say', (name) => {
  const text = readFileSync(guide, 'utf8')
  const [begin, end] = [`<!-- ${name} -->\n\n`, `\n\n<!-- end of ${name} -->`]
  const from = text.indexOf(begin) + begin.length
  const to = text.indexOf(end)
  expect(Math.min(from - begin.length, to), `${begin}${end}`).toBeGreaterThan(0)
  const wanted = tables[name]?.() ?? ''
  if (process.env['UPDATE_DOCUMENTS'] !== undefined) writeFileSync(guide, text.slice(0, from) + wanted + text.slice(to))
  else expect(text.slice(from, to)).toBe(wanted)
})
