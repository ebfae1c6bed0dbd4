/** What a shell may offer behind each word of a command line, taken from the rows of the commands. */
import type { Command, Kind, Option } from '../command.ts'
import { connectingOptions } from '../connecting.ts'
import { optionsOf } from '../parse.ts'

/** What to offer for a value: names of files, fixed words, the lines of a command; undefined for nothing. */
export type Offer = 'file' | 'directory' | 'command' | 'profile' | readonly string[] | undefined

export interface OptionWords {
  readonly long: string
  readonly short: string | undefined
  /** The name of its value; undefined for a flag. */
  readonly value: string | undefined
  readonly about: string
  readonly offer: Offer
  /** Belongs to every command that connects, with the same meaning. */
  readonly isCommon: boolean
}

export interface CommandWords {
  readonly name: string
  readonly summary: string
  readonly options: readonly OptionWords[]
  /** What its arguments may be. */
  readonly offers: readonly Offer[]
  /** Another command stands behind `--`. */
  readonly runs: boolean
}

export function commandWords(commands: readonly Command[]): readonly CommandWords[] {
  return commands.map(({ spec }) => {
    const options = [...optionsOf(spec)].map(([long, option]) => optionWords(long, option))
    const help = { long: 'help', short: 'h', value: undefined, about: 'prints help', offer: undefined, isCommon: false }
    return {
      name: spec.name,
      summary: spec.summary,
      options: [...options, help],
      offers: Object.values(spec.arguments ?? {}).map(({ kind }) => offerOf(kind)),
      runs: spec.runs !== undefined,
    }
  })
}

function optionWords(long: string, option: Option<unknown>): OptionWords {
  const { short, value, about, kind } = option
  const isCommon = (connectingOptions as Readonly<Record<string, Option<unknown>>>)[long] === option
  return { long, short, value, about: about.replaceAll(/\s*\n\s*/g, ' '), offer: offerOf(kind), isCommon }
}

function offerOf(kind: Kind<unknown> | undefined): Offer {
  return kind?.complete
}
