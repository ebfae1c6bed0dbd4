/** What `--help` prints, made from the rows. */
import type { Command, Option, Spec } from './command.ts'
import { connectingDefaults, connectingOptions, variableOf } from './connecting.ts'
import { optionsOf, type ReadOptions, shownName, usageOf } from './parse.ts'

/** Columns of a line. */
const width = 110
/** The column where descriptions begin. */
const indent = 26

export function overview(commands: readonly Command[]): string {
  const longest = Math.max(...commands.map(({ spec }) => spec.name.length))
  const lines = commands.map(({ spec }) => `  lightkeeper ${spec.name.padEnd(longest)} ${spec.summary}`)
  return `lightkeeper: ZooKeeper for TypeScript

${lines.join('\n')}

lightkeeper help COMMAND, or COMMAND --help, says more. lightkeeper --version prints the version.
`
}

export function helpOf(row: Spec, how: ReadOptions = {}): string {
  const [first = '', ...more] = usageOf(row)
  const program = how.isShell === true ? '' : 'lightkeeper '
  const usage = [`usage: ${program}${first}`, ...more.map((each) => `       ${program}${each}`)]
  const about = (row.about ?? `${row.summary[0]?.toUpperCase()}${row.summary.slice(1)}.`).split('\n\n')
  const args = Object.entries(row.arguments ?? {}).map(([key, { about: text }]) => entry(shownName(key), text))
  const all = [...optionsOf(row, how)]
  const isCommon = (name: string): boolean =>
    how.isShell !== true && row.connects === true && row.options?.[name] === undefined && name !== 'json'
  const own = all.filter(([name]) => !isCommon(name)).map(([name, option]) => optionEntry(name, option))
  const common = all.filter(([name]) => isCommon(name)).map(([name, option]) => optionEntry(name, option))
  const sections = [
    usage.join('\n'),
    ...about.map((paragraph) => wrapped(paragraph.replaceAll('\n', ' '), 0)),
    args.join('\n'),
    [...own, entry('-h, --help', 'prints this')].join('\n'),
    common.length === 0 ? '' : [commonHead, ...common].join('\n'),
    row.environment === undefined ? '' : wrapped(`COMMAND finds in its environment: ${flat(row.environment)}`, 0),
    examplesOf(row),
    wrapped(`Exit code: ${flat(row.exit ?? '0 done, 1 when it fails, 2 for wrong usage.')}`, 0),
  ]
  return `${sections.filter((each) => each !== '').join('\n\n')}\n`
}

const commonHead = wrapped(
  `Servers. Each option is also a variable of the environment (${variableOf('tls-ca')} for --tls-ca) and a key of a profile.`,
  0,
)

function optionEntry(name: string, option: Option<unknown>): string {
  const { short, value, isMany, about } = option
  const names = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
  const preset = presetOf(name, option)
  const notes = [isMany ? 'may be repeated' : '', preset === undefined ? '' : `default: ${preset}`]
  const shown = notes.filter((each) => each !== '').join('; ')
  return entry(names, `${about}${shown === '' ? '' : ` (${shown})`}`)
}

function presetOf(name: string, option: Option<unknown>): string | undefined {
  if (option.shownDefault !== undefined) return option.shownDefault
  if (option === (connectingOptions as Readonly<Record<string, Option<unknown>>>)[name]) return connectingDefaults[name]
  const preset = option.value === undefined || option.isMany ? undefined : option.default?.()
  return preset === undefined ? undefined : String(preset)
}

function entry(name: string, about: string): string {
  const head = `  ${name}`
  const text = wrapped(flat(about), indent)
  return head.length < indent ? head.padEnd(indent) + text.slice(indent) : `${head}\n${text}`
}

function examplesOf({ examples = [] }: Spec): string {
  if (examples.length === 0) return ''
  return ['Examples:', ...examples.map(([line, purpose]) => `  ${line}\n      ${purpose}`)].join('\n')
}

function flat(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ')
}

/** Lines of at most `width` columns, each behind `margin` spaces. */
function wrapped(text: string, margin: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && margin + line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((each) => ' '.repeat(margin) + each).join('\n')
}

/** What to say about a name that no command has. */
export async function unknownCommand(name: string, commands: readonly Command[]): Promise<string> {
  if (name.startsWith('-')) return `a command is missing in front of the option ${name.split('=')[0]}`
  const { nearestName } = await import('@lightkeeper/runtime')
  const nearest = nearestName(
    name,
    commands.flatMap(({ spec }) => [spec.name, ...(spec.aliases ?? [])]),
  )
  const hint = nearest === undefined ? 'lightkeeper --help lists all commands' : `did you mean ${nearest}?`
  return `no command "${name}"; ${hint}`
}
