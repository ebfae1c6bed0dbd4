/**
 * What a command is: a row of data (its name, arguments and options) and a module that runs it. The rows of all commands are loaded at
 * every start, for help, completion and messages, so they import nothing but this file and kinds.ts.
 */
import type { Client, ConnectOptions } from '@lightkeeper/client'

/** A form that the text of an argument or of an option must have. */
export interface Kind<V> {
  /** The expected form, after "must be": `a whole number from 0 to 9`. */
  readonly form: string
  /** The value of a text; undefined where it does not have the form. @throws Error with the reason, where there is more to say. */
  readonly read: (text: string) => V | undefined | Promise<V | undefined>
  /** What a shell may offer for it. */
  readonly complete?: 'file' | 'directory' | 'command' | 'profile' | readonly string[]
  /** The text is never repeated in a message. */
  readonly isSecret?: boolean
}

/** An option of a command. `V` is the type of its value. */
export interface Option<V> {
  /** One sentence or less, in lower case, as `--help` shows it. */
  readonly about: string
  /** One letter. */
  readonly short?: string
  /** The name of the value in help: `MS`. An option without it is a flag. */
  readonly value?: string
  readonly kind?: Kind<unknown>
  /** May be repeated. */
  readonly isMany?: boolean
  /** The value where the option is not given. */
  readonly default?: () => V
  /** The default in words, where the value itself says too little. */
  readonly shownDefault?: string
}

/** An argument without a name. `V` is the type of its value. */
export interface Argument<V> {
  readonly about: string
  readonly kind: Kind<unknown>
  readonly isOptional?: boolean
  /** Takes all words from here on; at least one, unless it is optional. */
  readonly isMany?: boolean
  readonly default?: () => V
}

type Options = Readonly<Record<string, Option<unknown>>>
type Arguments = Readonly<Record<string, Argument<unknown>>>

/** The row of a command. */
export interface Spec {
  readonly name: string
  /** Other names, which help does not list. */
  readonly aliases?: readonly string[]
  /** One line for the list of commands. */
  readonly summary: string
  /** What it does, in paragraphs that a blank line separates. */
  readonly about?: string
  /** The ways to call it, where the arguments do not say it. */
  readonly usage?: readonly string[]
  /** In order; the key is the name: `dataDir` is shown as DATA_DIR. */
  readonly arguments?: Arguments
  readonly options?: Options
  /** Options end at the first argument: what follows belongs to another command. */
  readonly isVerbatim?: boolean
  /** Talks to servers: it has the common options. */
  readonly connects?: boolean
  /** What `--json` prints; without it there is no such option. */
  readonly json?: string
  /** Runs another command, which stands behind `--`. */
  readonly runs?: 'required' | 'optional'
  /** What the other command finds in its environment. */
  readonly environment?: string
  /** The exit codes, where there are others than 0, 1 and 2. */
  readonly exit?: string
  /** Command lines, each with its purpose. */
  readonly examples?: readonly (readonly [line: string, purpose: string])[]
}

/** The row with its exact type. */
export function spec<const S extends Spec>(row: S): S {
  return row
}

interface OptionMore {
  readonly short?: string
}

export function flag(about: string, more: OptionMore = {}): Option<boolean> {
  return { about, ...more, default: () => false }
}

interface ValueMore<D> extends OptionMore {
  readonly default?: D | (() => D)
  readonly shownDefault?: string
}

/** An option with a value, called `value` in help. */
export function option<T>(
  value: string,
  kind: Kind<T>,
  about: string,
  more: ValueMore<NoInfer<T>> & { readonly default: NoInfer<T> | (() => NoInfer<T>) },
): Option<T>
export function option<T>(value: string, kind: Kind<T>, about: string, more?: OptionMore): Option<T | undefined>
export function option<T>(
  value: string,
  kind: Kind<T>,
  about: string,
  { default: preset, ...more }: ValueMore<T> = {},
): Option<T | undefined> {
  const asFunction = typeof preset === 'function' ? (preset as () => T) : () => preset
  return { value, kind, about, ...more, ...(preset !== undefined && { default: asFunction }) }
}

/** An option with a value that may be repeated. */
export function options<T>(value: string, kind: Kind<T>, about: string, more: OptionMore = {}): Option<readonly T[]> {
  return { value, kind, about, ...more, isMany: true, default: () => [] }
}

/** A word that must be there. */
export function argument<T>(kind: Kind<T>, about: string): Argument<T> {
  return { kind, about }
}

/** A word that may be missing. */
export function optional<T>(kind: Kind<T>, about: string): Argument<T | undefined>
export function optional<T>(kind: Kind<T>, about: string, preset: T): Argument<T>
export function optional<T>(kind: Kind<T>, about: string, preset?: T): Argument<T | undefined> {
  return { kind, about, isOptional: true, default: () => preset }
}

/** All words from here on: one at least, unless `isOptional`. */
export function words<T>(
  kind: Kind<T>,
  about: string,
  { isOptional = false }: { readonly isOptional?: boolean } = {},
): Argument<readonly T[]> {
  return { kind, about, isMany: true, isOptional, default: () => [] }
}

type ValueOf<O> = O extends Option<infer V> ? V : never
type WordOf<A> = A extends Argument<infer V> ? V : never

/** The values of the options that a row names itself; those of the common ones are in `connecting`. */
type ValuesOf<S extends Spec> = (S['options'] extends Options
  ? { readonly [K in keyof S['options']]: ValueOf<S['options'][K]> }
  : unknown) &
  (S['json'] extends string ? { readonly json: boolean } : unknown)

type ArgumentsOf<S extends Spec> = S['arguments'] extends Arguments
  ? { readonly [K in keyof S['arguments']]: WordOf<S['arguments'][K]> }
  : Readonly<Record<never, never>>

/** The common options as they were given, by their names; unchecked by environment and profile. */
export type Connecting = Readonly<Record<string, unknown>>

/** What a command line says, checked. */
export interface Input<S extends Spec> {
  readonly values: ValuesOf<S>
  readonly args: ArgumentsOf<S>
  /** The command behind `--`. */
  readonly command: S['runs'] extends 'required' ? readonly string[] : readonly string[] | undefined
  readonly connecting: Connecting
}

/** What a command gets. */
export interface Call<S extends Spec> extends Input<S> {
  /** Connects as the common options, the environment and the profile say. `more` overrides them. */
  readonly connect: (more?: ConnectOptions) => Promise<Client>
  /** All commands, for those that speak about them. */
  readonly commands: readonly Command[]
}

/** Resolves to the exit code: 0 done, 1 failed, 2 wrong usage. An Error that it throws is a failure. */
export type Run<S extends Spec> = (call: Call<S>) => Promise<number>

/** A row together with what runs it. */
export interface Command {
  readonly spec: Spec
  /** Loads the module and runs it. */
  run(call: Call<Spec>): Promise<number>
}

/** `load` is called only when the command runs. */
export function bind<S extends Spec>(row: S, load: () => Promise<{ readonly run: Run<S> }>): Command {
  return {
    spec: row,
    async run(call) {
      const { run } = await load()
      // The parser made the values from this row.
      return run(call as unknown as Call<S>)
    },
  }
}

/** Wrong usage: the program exits with 2 and one line that says what is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The command of that name; undefined where there is none. */
export function commandNamed(name: string, commands: readonly Command[]): Command | undefined {
  return commands.find(({ spec: row }) => row.name === name || row.aliases?.includes(name))
}
