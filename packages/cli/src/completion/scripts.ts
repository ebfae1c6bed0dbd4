/** Completion scripts for bash, zsh and fish. */
import type { Command } from '../command.ts'
import { type CommandWords, commandWords, type Offer, type OptionWords } from './words.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

export function completionScript(shell: Shell, commands: readonly Command[]): string {
  const words = commandWords(commands)
  return { bash, zsh, fish }[shell](words)
}

const namesOf = (words: readonly CommandWords[]): string => words.map(({ name }) => name).join(' ')

/** Names of files may have spaces. The bash of macOS is 3.2, which has no compopt and no mapfile. */
const asNames = "local IFS=$'\\n'; compopt -o filenames 2>/dev/null;"

function bash(words: readonly CommandWords[]): string {
  const common = words.flatMap(({ options }) => options).filter(({ isCommon }) => isCommon)
  const once = common.filter(({ long }, i) => common.findIndex((each) => each.long === long) === i)
  const reply = (offer: Offer): string => {
    if (offer === undefined) return ':'
    if (offer === 'file') return `${asNames} COMPREPLY=($(compgen -f -- "$cur"))`
    if (offer === 'directory') return `${asNames} COMPREPLY=($(compgen -d -- "$cur"))`
    const list = offer === 'command' ? namesOf(words) : offer === 'profile' ? profiles : offer.join(' ')
    return `COMPREPLY=($(compgen -W "${list}" -- "$cur"))`
  }
  const profiles = '$(lightkeeper completion profiles 2>/dev/null)'
  const patterns = ({ long, short }: OptionWords, command: string): string =>
    [`--${long}`, ...(short === undefined ? [] : [`-${short}`])].map((each) => `"${command}${each}"`).join('|')
  const valued = (options: readonly OptionWords[], command: string): string[] =>
    options
      .filter(({ value }) => value !== undefined)
      .map((each) => `    ${patterns(each, command)}) ${reply(each.offer)}; return;;`)
  const longs = (options: readonly OptionWords[]): string => options.map(({ long }) => `--${long}`).join(' ')
  const own = ({ options }: CommandWords): readonly OptionWords[] => options.filter(({ isCommon }) => !isCommon)
  const hasCommon = ({ options }: CommandWords): boolean => options.some(({ isCommon }) => isCommon)
  const lines = words.map((each) => {
    const list = `${longs(own(each))}${hasCommon(each) ? ` ${longs(each.options.filter(({ isCommon }) => isCommon))}` : ''}`
    return `    ${each.name}) options="${list}";;`
  })
  const args = words
    .filter(({ offers }) => offers.some((each) => each !== undefined))
    .map(({ name, offers }) => `    ${name}) ${reply(offers.find((each) => each !== undefined))};;`)
  return `# Completion of lightkeeper for bash. In ~/.bashrc: source <(lightkeeper completion bash)
_lightkeeper() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} options= i
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${namesOf(words)} --help --version" -- "$cur"))
    return
  fi
  # Behind -- stands another command.
  for ((i = 2; i < COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i]} == -- ]] || continue
    ${asNames}
    if ((i == COMP_CWORD - 1)); then COMPREPLY=($(compgen -c -- "$cur")); else COMPREPLY=($(compgen -f -- "$cur")); fi
    return
  done
  [[ $prev == = ]] && prev=\${COMP_WORDS[COMP_CWORD-2]}
  [[ $cur == = ]] && { prev=\${COMP_WORDS[COMP_CWORD-1]}; cur=; }
  case "$command $prev" in
${words.flatMap((each) => valued(own(each), `${each.name} `)).join('\n')}
  esac
  case $command in
    ${words
      .filter(hasCommon)
      .map(({ name }) => name)
      .join('|')}) case $prev in
${valued(once, '').join('\n')}
    esac;;
  esac
  if [[ $cur == -* ]]; then
    case $command in
${lines.join('\n')}
    esac
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
    return
  fi
  case $command in
${args.join('\n')}
  esac
}
complete -F _lightkeeper lightkeeper
`
}

/** In single quotes, for zsh and fish. */
const inQuotes = (text: string): string => text.replaceAll("'", "'\\''")

function zsh(words: readonly CommandWords[]): string {
  const plain = (text: string): string => inQuotes(text.replaceAll(/[[\]:\\]/g, (each) => `\\${each}`))
  const action = (offer: Offer): string => {
    if (offer === undefined) return ' '
    if (offer === 'file') return '_files'
    if (offer === 'directory') return '_files -/'
    if (offer === 'command') return `(${namesOf(words)})`
    return offer === 'profile' ? '($(lightkeeper completion profiles 2>/dev/null))' : `(${offer.join(' ')})`
  }
  const option = ({ long, short, value, about, offer }: OptionWords): string => {
    const tail = `[${plain(about)}]${value === undefined ? '' : `:${plain(value)}:${action(offer)}`}`
    return short === undefined ? `'*--${long}${tail}'` : `'*'{-${short},--${long}}'${tail}'`
  }
  const cases = words.map(({ name, options, offers, runs }) => {
    const rest = offers.map((each) => each ?? []).find((each) => each.length > 0)
    const args = runs ? ["'*::command:_normal'"] : rest === undefined ? [] : [`'*:argument:${action(rest)}'`]
    return `    ${name})\n      _arguments -s \\\n        ${[...options.map(option), ...args].join(' \\\n        ')} ;;`
  })
  const list = words.map(({ name, summary }) => `    '${name}:${plain(summary)}'`)
  return `#compdef lightkeeper
# Completion of lightkeeper for zsh. In ~/.zshrc, behind compinit: source <(lightkeeper completion zsh)
_lightkeeper() {
  local -a commands
  commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${cases.join('\n')}
  esac
}
compdef _lightkeeper lightkeeper
`
}

function fish(words: readonly CommandWords[]): string {
  const action = (offer: Offer): string => {
    if (offer === 'file') return '-r -F'
    if (offer === 'directory') return "-x -a '(__fish_complete_directories)'"
    if (offer === 'profile') return "-x -a '(lightkeeper completion profiles 2>/dev/null)'"
    if (offer === 'command') return `-x -a '${namesOf(words)}'`
    return offer === undefined ? '-x' : `-x -a '${offer.join(' ')}'`
  }
  const about = (text: string): string => `-d '${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const begin = (name: string): string => `complete -c lightkeeper -n '__lightkeeper_is ${name}'`
  const lines = words.flatMap(({ name, summary, options, offers }) => [
    `complete -c lightkeeper -n __lightkeeper_is_first -a ${name} ${about(summary)}`,
    ...options.map(({ long, short, value, about: text, offer }) => {
      const letter = short === undefined ? '' : ` -s ${short}`
      return `${begin(name)} -l ${long}${letter}${value === undefined ? '' : ` ${action(offer)}`} ${about(text)}`
    }),
    ...offers.flatMap((offer) => {
      if (offer === undefined) return []
      return [`${begin(name)} ${offer === 'file' ? '-F' : action(offer).replace('-x ', '')}`]
    }),
  ])
  return `# Completion of lightkeeper for fish. In ~/.config/fish/config.fish: lightkeeper completion fish | source
function __lightkeeper_is
  set -l words (commandline -opc)
  test (count $words) -ge 2; and test $words[2] = $argv[1]
end
function __lightkeeper_is_first
  test (count (commandline -opc)) -eq 1
end
complete -c lightkeeper -f
${lines.join('\n')}
`
}
