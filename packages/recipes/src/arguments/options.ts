/** Options of recipes and of their calls. */
import type { CallOptions, VersionOptions } from '@lightkeeper/client'
import { boolean, looking, OptionSet, signal, type Table, timeout, version } from '@lightkeeper/client/arguments'

/**
 * A check of options by their table, which gives back a plain copy. Undefined stands for no options. `name` is that of the argument
 * where it is not `options`.
 */
export function optionsOf<O extends object>(
  table: Table<O>,
): (value: O | undefined, operation: string, name?: string) => O {
  const set = new OptionSet<O>(table)
  return (value, operation, name = 'options') =>
    value === undefined ? ({} as O) : looking(name, operation, () => set.check(value, name, operation))
}

/** `signal` and `timeout`, of calls that ask and of those that wait or leave. */
export const callOptions = optionsOf<CallOptions>({ signal, timeout })

export const signalOption = optionsOf<{ readonly signal?: AbortSignal | undefined }>({ signal })

export const versionOptions = optionsOf<VersionOptions>({ signal, timeout, idempotent: boolean, version })
