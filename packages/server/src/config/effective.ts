/** The configuration that a server works with, as lines for people: each value, and where it comes from. */
import type { ServerConfig } from './config.ts'
import { settings } from './rooms.ts'

/** A setting as it is in effect, and where it comes from. */
export interface EffectiveSetting {
  /** The name of the option of `startServer`. */
  readonly option: string
  /** The key of a zoo.cfg; the name of the option where there is none. */
  readonly key: string
  /** As a zoo.cfg would say it; `(none)` where nothing is set, `(not shown)` for a secret. */
  readonly value: string
  /** `zoo.cfg:12`, `--port`, `-Dzookeeper.snapCount of SERVER_JVMFLAGS`, `default`. */
  readonly origin: string
  /** Whether a reload may change it. */
  readonly isLive: boolean
}

/** All settings, in the order of the rooms. `origins` has those that do not have their default, by option. */
export function effectiveSettings(
  config: ServerConfig,
  origins: ReadonlyMap<string, string> = new Map(),
): EffectiveSetting[] {
  const values = new Map<string, unknown>(Object.entries(config))
  return [...settings].map(([option, { key = option, isLive }]) => ({
    option,
    key,
    value: shownValue(option, values.get(option)),
    origin: origins.get(option) ?? 'default',
    isLive,
  }))
}

/** A value as a person may see it. */
export function shownValue(option: string, value: unknown): string {
  const setting = settings.get(option)
  if (value === undefined || setting === undefined) return '(none)'
  return setting.isSecret ? '(not shown)' : setting.show(value)
}
