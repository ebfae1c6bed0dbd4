/** The options of recipes and of their calls. */
import type { CallOptions, VersionOptions } from '@lightkeeper/client'
import { boolean, looking, OptionSet, signal, type Table, timeout, version } from '@lightkeeper/client/arguments'

/**
 * Checks options by their table and returns a plain copy. Undefined means no options. `name` is the name of the argument if it is
 * not `options`.
 */
export function optionsOf<O extends object>(
  table: Table<O>,
): (value: O | undefined, operation: string, name?: string) => O {
  const set = new OptionSet<O>(table)
  return (value, operation, name = 'options') =>
    value === undefined ? ({} as O) : looking(name, operation, () => set.check(value, name, operation))
}

/** `signal` and `timeout`, for calls that read, wait or leave. */
export const callOptions = optionsOf<CallOptions>({ signal, timeout })

export const signalOption = optionsOf<{ readonly signal?: AbortSignal | undefined }>({ signal })

export const versionOptions = optionsOf<VersionOptions>({ signal, timeout, idempotent: boolean, version })
