/** The configuration of a running server: read anew, checked as a whole, changed where it may change. */
import type { Log } from '@lightkeeper/runtime'
import { resolveConfig, type ServerConfig, type ServerOptions } from './config.ts'
import { shownValue } from './effective.ts'
import { settings } from './rooms.ts'
import type { Setting } from './setting.ts'

/** A setting, or something made from files, that is another one now. */
export interface SettingChange {
  /** The option of `startServer` that changed, or whose files changed. */
  readonly setting: string
  /** As a person may see it: a secret is not shown. */
  readonly from: string
  /** The value now, in the same form. */
  readonly to: string
}

/** What came of reading the settings again. */
export interface Reload {
  /** What changed, and is in effect. */
  readonly changed: readonly SettingChange[]
  /** Settings that were given another value, and keep the old one until the server starts again. */
  readonly needRestart: readonly string[]
}

/** A room that keeps something it made from files or settings: certificates, users. */
export interface Reloadable {
  /**
   * Reads and checks what `config` names, and changes nothing yet. Undefined where nothing is new.
   * @throws Error where it cannot be used; then nothing of the reload takes effect.
   */
  prepare(config: ServerConfig): Promise<Prepared | undefined>
}

export interface Prepared {
  readonly changes: readonly SettingChange[]
  /** Puts it into effect; cannot fail. */
  commit(): void
}

export class LiveConfig {
  /** Rooms read it at use, so that a change is seen without a word to anybody. */
  readonly config: ServerConfig
  readonly #wall: number
  readonly #rooms: Reloadable[] = []
  #last: Promise<unknown> = Promise.resolve()

  /** @throws ConfigError. `wall` is the time of the start, milliseconds since 1970. */
  constructor(options: ServerOptions, wall: number) {
    this.config = resolveConfig(options, wall)
    this.#wall = wall
  }

  /** From now on `room` takes part in every reload. */
  add(room: Reloadable): void {
    this.#rooms.push(room)
  }

  /**
   * Takes the new options over, all of them or none; one reload after the other.
   * @throws ConfigError for settings that cannot be used, or the error of a room. Nothing has changed then.
   */
  reload(read: () => ServerOptions | Promise<ServerOptions>, log: Log): Promise<Reload> {
    const done = this.#last.then(async () => this.#reload(await read(), log))
    this.#last = done.catch(() => {})
    return done
  }

  async #reload(options: ServerOptions, log: Log): Promise<Reload> {
    // The object is ours, and read-only for everybody else.
    const current = this.config as unknown as Record<string, unknown>
    const needRestart = differences(current, resolveConfig(options, this.#wall)).filter((option) => !isLive(option))
    // A default may depend on a setting that does not change.
    const kept = new Map(Object.entries(current).filter(([option]) => !isLive(option)))
    const next = resolveConfig(options, this.#wall, kept)
    const values = new Map<string, unknown>(Object.entries(next))
    const live = differences(current, next)

    const prepared: Prepared[] = []
    for (const room of this.#rooms) {
      const ready = await room.prepare(next)
      if (ready !== undefined) prepared.push(ready)
    }

    const changed = live.map((option) => ({
      setting: option,
      from: shownValue(option, current[option]),
      to: shownValue(option, values.get(option)),
    }))
    for (const option of live) current[option] = values.get(option)
    for (const each of prepared) {
      each.commit()
      changed.push(...each.changes)
    }
    for (const { setting, from, to } of changed) log('info', 'a setting changed', { setting, from, to })
    if (needRestart.length > 0) {
      log('warn', 'settings keep their value until the server starts again', { settings: needRestart.join(' ') })
    }
    if (needRestart.length === 0 && changed.length === 0)
      log('info', 'the configuration was read again: nothing changed')
    return { changed, needRestart }
  }
}

function isLive(option: string): boolean {
  return settings.get(option)?.isLive === true
}

/** The settings that have another value in `next`. */
function differences(current: Readonly<Record<string, unknown>>, next: ServerConfig): string[] {
  const values = new Map<string, unknown>(Object.entries(next))
  const differ = ([option, { identityOf }]: [string, Setting<unknown>]): boolean => {
    const [before, after] = [current[option], values.get(option)]
    return before === undefined || after === undefined ? before !== after : identityOf(before) !== identityOf(after)
  }
  return [...settings].filter(differ).map(([option]) => option)
}
