/** All settings of a server, collected from the rooms. A new room stands in `rooms`, and in the two interfaces of `config.ts`. */
import type { Read } from './java-values.ts'
import { admin } from './keys/admin.ts'
import { auth } from './keys/auth.ts'
import { ensemble } from './keys/ensemble.ts'
import { idle as untuned } from './keys/idle.ts'
import { limits } from './keys/limits.ts'
import { listening } from './keys/listening.ts'
import { log } from './keys/log.ts'
import { sessions } from './keys/sessions.ts'
import { storage } from './keys/storage.ts'
import { tls } from './keys/tls.ts'
import { znodes } from './keys/znodes.ts'
import type { Family, Refusal, Room } from './room.ts'
import type { Setting } from './setting.ts'

export const rooms: readonly Room[] = [
  listening,
  storage,
  sessions,
  limits,
  znodes,
  // In front of `auth`, which asks whether there is TLS.
  tls,
  auth,
  admin,
  log,
  ensemble,
  untuned,
]

/** Every setting by the name of its option. */
export const settings: ReadonlyMap<string, Setting<unknown>> = new Map(
  rooms.flatMap((room) => Object.entries(room.settings)),
)

/** The long names of options by their short ones. */
export const aliases: ReadonlyMap<string, string> = new Map(
  rooms.flatMap(({ aliases = {} }) => Object.entries(aliases)),
)

/** The option that a key of a zoo.cfg sets. */
export const honoured: ReadonlyMap<string, string> = new Map(
  [...settings].flatMap(([option, { key }]) => (key === undefined ? [] : [[key, option] as const])),
)

/** Keys that change nothing here, with the check of their values. */
export const idle: ReadonlyMap<string, Read> = new Map(rooms.flatMap((room) => Object.entries(room.idle ?? {})))

export const refusals: readonly Refusal[] = rooms.flatMap((room) => room.refusals ?? [])

export const families: readonly Family[] = rooms.flatMap((room) => room.families ?? [])

const idleFamilies: readonly RegExp[] = rooms.flatMap((room) => room.idleFamilies ?? [])

/** Whether Apache knows this key, of which a part is free, and nothing is done with it here. */
export function isIdleFamily(key: string): boolean {
  return [...idleFamilies, ...refusals.map(({ keys }) => keys)].some((keys) => keys.test(key))
}
