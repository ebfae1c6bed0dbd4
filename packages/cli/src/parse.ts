/** From the words of a command line to checked values, by the row of the command. */
import { type Argument, type Connecting, type Input, type Kind, type Option, type Spec, UsageError } from './command.ts'
import { connectingOptions } from './connecting.ts'

export interface ReadOptions {
  /**
   * For a verb inside the shell: no common options, all short letters are the verb's own, and a long name may stand behind one dash,
   * as in zkCli. Default false.
   */
  readonly isShell?: boolean
}

/** An option as a command line may name it. */
interface Named {
  readonly name: string
  readonly option: Option<unknown>
}

/** The name of an argument in help and messages: `dataDir` is DATA_DIR. */
export function shownName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
}

/** The line after "usage:", without the name of the program. */
export function usageOf(row: Spec): readonly string[] {
  if (row.usage !== undefined) return row.usage
  const args = Object.entries(row.arguments ?? {}).map(([key, { isOptional, isMany }]) => {
    const shown = `${shownName(key)}${isMany ? '…' : ''}`
    return isOptional ? `[${shown}]` : shown
  })
  const command = row.runs === 'required' ? ['-- COMMAND…'] : row.runs === 'optional' ? ['[-- COMMAND…]'] : []
  return [[row.name, ...args, '[options]', ...command].join(' ')]
}

/** All options of a command: its own, then `json`, then the common ones. An own one replaces a common one of that name. */
export function optionsOf(row: Spec, { isShell = false }: ReadOptions = {}): ReadonlyMap<string, Option<unknown>> {
  const own = Object.entries(row.options ?? {})
  const json: [string, Option<unknown>][] =
    row.json === undefined ? [] : [['json', { about: row.json, default: () => false }]]
  if (isShell || row.connects !== true) return new Map([...own, ...json])
  const common = Object.entries(connectingOptions).filter(([name]) => row.options?.[name] === undefined)
  const taken = new Set(common.flatMap(([, { short }]) => short ?? []))
  // A letter that means something to every command means that here too.
  const unambiguous = own.map(([name, each]): [string, Option<unknown>] => {
    if (each.short === undefined || !taken.has(each.short)) return [name, each]
    const { short: _, ...rest } = each
    return [name, rest]
  })
  return new Map([...unambiguous, ...json, ...common])
}

/** Reads and checks all words. @throws UsageError for the first one that is wrong. */
export async function read<S extends Spec>(row: S, words: readonly string[], how: ReadOptions = {}): Promise<Input<S>> {
  const options = optionsOf(row, how)
  const given = new Map<string, string[]>()
  const plain: string[] = []
  let behind: readonly string[] | undefined
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    if (word === '--') {
      behind = words.slice(i + 1)
      break
    }
    // A negative number is no option.
    if (!/^-[^\d]/.test(word)) {
      plain.push(word)
      if (row.isVerbatim === true) {
        plain.push(...words.slice(i + 1))
        break
      }
      continue
    }
    const isLong = how.isShell && options.has(word.slice(1))
    for (const { named, value } of await optionsIn(isLong ? `-${word}` : word, options, seeHelp(row, how))) {
      let text = value
      if (named.option.value !== undefined && text === undefined) {
        text = words[++i]
        if (text === undefined || isOption(text, options)) throw new UsageError(missingValue(named, text))
      }
      given.set(named.name, [...(given.get(named.name) ?? []), text ?? ''])
    }
  }
  const swallowed = swallowedPath(row, given)
  if (swallowed !== undefined) throw new UsageError(swallowed)
  const isRunning = row.runs !== undefined
  if (behind !== undefined && !isRunning) plain.push(...behind)
  const command = isRunning ? behind : undefined
  const args = await argumentsOf(row, plain, how)
  if (command !== undefined ? !command[0] : row.runs === 'required') {
    throw new UsageError(`a command to run is missing: lightkeeper ${usageOf(row)[0]?.replace('[options] ', '')}`)
  }
  const { values, connecting } = await valuesOf(row, given, options)
  // The row says which members there are, and of which types.
  return { values, args, command, connecting } as unknown as Input<S>
}

/** The options that one word names: `--name`, `--name=value`, `-r`, `-rw`, `-sVALUE`. */
async function optionsIn(
  word: string,
  options: ReadonlyMap<string, Option<unknown>>,
  help: string,
): Promise<{ readonly named: Named; readonly value: string | undefined }[]> {
  if (word.startsWith('--')) {
    const at = word.indexOf('=')
    const name = at === -1 ? word.slice(2) : word.slice(2, at)
    const option = options.get(name)
    if (option === undefined) throw await unknownOption(`--${name}`, options, help)
    const value = at === -1 ? undefined : word.slice(at + 1)
    if (value !== undefined && option.value === undefined) throw new UsageError(`--${name} takes no value`)
    return [{ named: { name, option }, value }]
  }
  const found = []
  for (let i = 1; i < word.length; i++) {
    const entry = [...options].find(([, { short }]) => short === word[i])
    if (entry === undefined) throw await unknownOption(i === 1 ? word : `-${word[i]} in ${word}`, options, help)
    const [name, option] = entry
    const rest = word.slice(i + 1)
    const takesRest = option.value !== undefined && rest !== ''
    found.push({ named: { name, option }, value: takesRest ? rest : undefined })
    if (takesRest) break
  }
  return found
}

/** In the shell, as in zkCli, `-s PATH` has another meaning than in a command of its own. */
function swallowedPath(row: Spec, given: ReadonlyMap<string, readonly string[]>): string | undefined {
  const letter = connectingOptions.server.short
  const isPath = given.get('server')?.some((each) => each.startsWith('/')) === true
  const own = Object.entries(row.options ?? {}).find(([, { short }]) => short === letter)
  if (!isPath || own === undefined) return undefined
  return `-${letter} names the servers here, like -${letter} host:2181; write --${own[0]} for what -${letter} is in the shell`
}

function isOption(word: string, options: ReadonlyMap<string, Option<unknown>>): boolean {
  return word === '--' || (word.startsWith('--') && options.has(word.slice(2).split('=')[0] ?? ''))
}

function missingValue({ name, option }: Named, next: string | undefined): string {
  const wanted = `--${name} needs a value, ${option.kind?.form}`
  return next === undefined || next === '--' ? wanted : `${wanted}, and got the option ${next.split('=')[0]}`
}

/** What to type for the help of a command: inside the shell that is a verb. */
function seeHelp({ name }: Spec, { isShell = false }: ReadOptions): string {
  return isShell ? `help ${name}` : `lightkeeper ${name} --help`
}

async function unknownOption(
  shown: string,
  options: ReadonlyMap<string, Option<unknown>>,
  help: string,
): Promise<UsageError> {
  const { nearestName } = await import('@lightkeeper/runtime')
  const nearest = nearestName(shown.replace(/^-+/, ''), [...options.keys(), 'help'])
  const hint = nearest === undefined ? `; ${help} lists all options` : `; did you mean --${nearest}?`
  return new UsageError(`no option ${shown}${hint}`)
}

async function argumentsOf(row: Spec, plain: readonly string[], how: ReadOptions): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {}
  let at = 0
  for (const [key, argument] of Object.entries(row.arguments ?? {})) {
    const shown = shownName(key)
    const texts = argument.isMany ? plain.slice(at) : plain.slice(at, at + 1)
    at += texts.length
    if (texts.length === 0 && argument.isOptional !== true)
      throw new UsageError(`${shown} is missing: ${argument.about}`)
    const read = []
    for (const text of texts) read.push(await valueOf(shown, argument.kind, text))
    values[key] = argument.isMany ? read : texts.length === 0 ? argument.default?.() : read[0]
  }
  if (at < plain.length) throw new UsageError(tooMany(row, plain, at, how))
  return values
}

function tooMany(row: Spec, plain: readonly string[], at: number, { isShell = false }: ReadOptions): string {
  const taken: readonly Argument<unknown>[] = Object.values(row.arguments ?? {})
  const count = { 0: 'no argument', 1: 'one argument' }[taken.length] ?? `${taken.length} arguments`
  const hint = row.runs === undefined ? '' : '; a command stands behind --'
  return `takes ${count}, and got ${plain.slice(at).join(' ')} too: ${isShell ? '' : 'lightkeeper '}${usageOf(row)[0]}${hint}`
}

async function valuesOf(
  row: Spec,
  given: ReadonlyMap<string, readonly string[]>,
  options: ReadonlyMap<string, Option<unknown>>,
): Promise<{ readonly values: Record<string, unknown>; readonly connecting: Connecting }> {
  const values: Record<string, unknown> = {}
  const connecting: Record<string, unknown> = {}
  for (const [name, option] of options) {
    const isOwn = name === 'json' || row.options?.[name] !== undefined
    const texts = given.get(name)
    if (texts === undefined) {
      if (isOwn) values[name] = option.default?.()
      continue
    }
    const read = []
    for (const text of texts) {
      read.push(option.kind === undefined ? true : await valueOf(`--${name}`, option.kind, text))
    }
    ;(isOwn ? values : connecting)[name] = option.isMany ? read : read.at(-1)
  }
  return { values, connecting }
}

/** The value of one text. @throws UsageError that names the argument and the expected form. */
export async function valueOf<V>(shown: string, kind: Kind<V>, text: string): Promise<V> {
  const got = kind.isSecret ? '' : `, not "${text}"`
  let value: V | undefined
  try {
    value = await kind.read(text)
  } catch (error) {
    throw new UsageError(`${shown} must be ${kind.form}${got}: ${(error as Error).message}`)
  }
  if (value === undefined) throw new UsageError(`${shown} must be ${kind.form}${got}`)
  return value
}
