/** The error for settings that cannot be used: which one, what was given, and what is expected. */

export class ConfigError extends TypeError {
  override readonly name = 'ConfigError'
  /** The code to match. */
  readonly code = 'BAD_CONFIG'
  /** The setting under the name that it was given; the first one where several are wrong. */
  readonly setting: string
  /** Every wrong setting, in the order in which they were found. */
  readonly problems: readonly ConfigError[]

  /**
   * @param given is shown in the message, so it is never a secret.
   * @param problem stands behind the name in place of what was given and what is wanted.
   */
  constructor(
    setting: string,
    given: unknown,
    wanted: string,
    problem = `is ${describe(given)}, expected ${wanted}`,
    more: readonly ConfigError[] = [],
  ) {
    super([`${setting} ${problem}`, ...more.map(({ message }) => message)].join('; '))
    this.setting = setting
    this.problems = more.length === 0 ? [this] : [ConfigError.refused(setting, problem), ...more]
  }

  /** A setting whose value is not shown: `problem` stands behind the name. */
  static refused(setting: string, problem: string): ConfigError {
    return new ConfigError(setting, undefined, '', problem)
  }

  /** One error for all of them: the first one itself where it is alone. */
  static of(problems: readonly [ConfigError, ...ConfigError[]]): ConfigError {
    const [first, ...more] = problems
    if (more.length === 0) return first
    return new ConfigError(first.setting, undefined, '', first.message.slice(first.setting.length + 1), more)
  }
}

/** Collects what is wrong, so that one error names all of it. */
export class Problems {
  readonly #found: ConfigError[] = []

  get length(): number {
    return this.#found.length
  }

  /** The result of `check`; undefined where it throws a ConfigError, which is kept. Another error is thrown on. */
  try<T>(check: () => T): T | undefined {
    try {
      return check()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      this.#found.push(...error.problems)
      return undefined
    }
  }

  add(problem: ConfigError): void {
    this.#found.push(problem)
  }

  /** @throws ConfigError where something was wrong. */
  throwAny(): void {
    const [first, ...more] = this.#found
    if (first !== undefined) throw ConfigError.of([first, ...more])
  }
}

/** A value as a message shows it; a message is made of anything, also of what throws when it is looked at. */
export function describe(given: unknown): string {
  switch (typeof given) {
    case 'string':
      return JSON.stringify(given.length > 200 ? `${given.slice(0, 200)}…` : given)
    case 'bigint':
      return `${String(given).slice(0, 50)}n, a bigint`
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(given)
    case 'object':
      return given === null ? 'null' : Array.isArray(given) ? 'an array' : 'an object'
    default:
      return `a ${typeof given}`
  }
}
