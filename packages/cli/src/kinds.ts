/** The forms of arguments and options. What needs a package loads it when a text is read: the rows are loaded at every start. */
import { isIP } from 'node:net'
import type { Acl, AuthOption, ZnodePath } from '@lightkeeper/client'
import type { Kind } from './command.ts'

/** Any text. */
export const text: Kind<string> = { form: 'a text', read: (given) => given }

/** Any text except an empty one. */
export const name: Kind<string> = { form: 'a name', read: (given) => (given === '' ? undefined : given) }

export const commandName: Kind<string> = { ...name, form: 'the name of a command', complete: 'command' }
export const profileName: Kind<string> = { ...name, form: 'the name of a profile', complete: 'profile' }
export const file: Kind<string> = { ...name, form: 'the name of a file', complete: 'file' }
export const directory: Kind<string> = { ...name, form: 'the name of a directory', complete: 'directory' }

export const znodePath: Kind<ZnodePath> = {
  form: 'the path of a znode, like /a/b',
  async read(given) {
    const { pathProblem } = await import('@lightkeeper/protocol')
    const problem = pathProblem(given)
    if (problem !== undefined) throw new Error(problem)
    return given as ZnodePath
  },
}

/** As `znodePath`; for a sequential znode it may end with a slash, behind which the server puts the counter. */
export const newZnodePath: Kind<ZnodePath> = {
  form: 'the path of a znode, like /a/b',
  async read(given) {
    const { pathProblem } = await import('@lightkeeper/protocol')
    const problem = pathProblem(given, true)
    if (problem !== undefined) throw new Error(problem)
    return given as ZnodePath
  },
}

/** What names and paths may look like. */
export const glob: Kind<RegExp> = {
  form: 'a glob, like lock-*',
  async read(given) {
    const { globPattern } = await import('@lightkeeper/tools')
    return globPattern(given)
  },
}

export const pattern: Kind<RegExp> = {
  form: 'a regular expression',
  async read(given) {
    const { textPattern } = await import('@lightkeeper/tools')
    return textPattern(given)
  },
}

/** Milliseconds. */
export const duration: Kind<number> = {
  form: 'a time span like 90s, 15m, 1h30m or 7d',
  async read(given) {
    const { parseDuration } = await import('@lightkeeper/tools')
    return parseDuration(given)
  },
}

export function oneOf<const T extends string>(...known: readonly T[]): Kind<T> {
  const form = known.length === 1 ? `${known[0]}` : `${known.slice(0, -1).join(', ')} or ${known.at(-1)}`
  return { form, read: (given) => known.find((each) => each === given), complete: known }
}

export function wholeNumber(min: number, max: number): Kind<number> {
  return {
    form: `a whole number from ${min} to ${max}`,
    read(given) {
      const value = /^-?\d{1,12}$/.test(given) ? Number(given) : Number.NaN
      return value >= min && value <= max ? value : undefined
    },
  }
}

/** A number that may have a fraction. */
export function number(form: string, min: number, max: number): Kind<number> {
  return {
    form,
    read(given) {
      const value = given.trim() === '' ? Number.NaN : Number(given)
      return value >= min && value <= max ? value : undefined
    },
  }
}

/** Timers count up to 24 days; a longer one would end at once. */
export function milliseconds(min = 0): Kind<number> {
  return wholeNumber(min, 0x7fff_ffff)
}

export const port: Kind<number> = wholeNumber(0, 65_535)

/** The version that a znode must have; −1 means any, as in ZooKeeper. */
export const version: Kind<number> = wholeNumber(-1, 0x7fff_ffff)

/** An address without a port. */
export const host: Kind<string> = {
  form: 'a host: a name, or an IPv4 or IPv6 address',
  async read(given) {
    if (isIP(given) !== 0) return given
    const { parseHost } = await import('@lightkeeper/runtime')
    parseHost(given)
    return given
  },
}

/** A connect string. Its own messages show it, without a password that stands in front of a host. */
export const servers: Kind<string> = {
  form: 'servers like host:2181,host:2181/chroot',
  isSecret: true,
  async read(given) {
    const { parseConnectString } = await import('@lightkeeper/client/arguments')
    parseConnectString(given)
    return given
  },
}

/** The admin port of a server. A host alone means the port that servers have there by default. */
export const adminPort: Kind<URL> = {
  form: 'an admin port, like HOST:8080 or https://HOST:8443',
  read(given) {
    const isUrl = /^https?:\/\//.test(given)
    const text = isUrl ? given : `http://${given}`
    if (!URL.canParse(text)) return undefined
    const url = new URL(text)
    if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined
    if (!isUrl && url.pathname !== '/') return undefined
    // The port of HTTP is left out of a URL, and may have been asked for.
    if (!isUrl && url.port === '' && !given.endsWith(':80')) url.port = '8080'
    return url
  },
}

/** `KEY=VALUE`. */
export const pair: Kind<readonly [key: string, value: string]> = {
  form: 'KEY=VALUE',
  read(given) {
    const at = given.indexOf('=')
    return at < 1 ? undefined : [given.slice(0, at), given.slice(at + 1)]
  },
}

/** A number of 64 bits: `0x1a`, and `1a` as servers name their files. */
export const hexadecimal: Kind<bigint> = {
  form: 'hexadecimal digits, like 0x1a',
  read(given) {
    const digits = /^(?:0x)?([0-9a-fA-F]{1,16})$/.exec(given)?.[1]
    return digits === undefined ? undefined : BigInt.asIntN(64, BigInt(`0x${digits}`))
  },
}

/** A zxid that begins with 0x, or a time. */
export type Moment = bigint | Date

export const time: Kind<Date> = {
  form: 'a time like 2026-01-31, 2026-01-31T12:00:00Z, or milliseconds since 1970',
  read(given) {
    // A Date cannot hold later times.
    const value = new Date(/^\d{11,}$/.test(given) ? Number(given) : given)
    return Number.isNaN(value.getTime()) ? undefined : value
  },
}

export const moment: Kind<Moment> = {
  form: 'a zxid like 0x1a or a time like 2026-11-28T19:00:00Z',
  read: (given) => (/^0x/i.test(given) ? hexadecimal.read(given) : time.read(given)),
}

/** As zkCli writes it. The id may have colons and commas. */
export const acl: Kind<readonly Acl[]> = {
  form: 'SCHEME:ID:PERMS, like world:anyone:cdrwa, with commas between several',
  async read(given) {
    const { parseAclText } = await import('@lightkeeper/tools')
    return parseAclText(given)
  },
}

/** An identity to show: `digest:user:password`. */
export const identity: Kind<AuthOption> = {
  form: 'SCHEME:CREDENTIALS, like digest:USER:PASSWORD',
  isSecret: true,
  read(given) {
    const at = given.indexOf(':')
    if (!/^[\w.-]+:./s.test(given)) return undefined
    const [scheme, credentials] = [given.slice(0, at), given.slice(at + 1)]
    if (scheme === 'digest' && credentials.indexOf(':') < 1) throw new Error('digest needs USER:PASSWORD')
    if (scheme === 'sasl') throw new Error('a login by SASL is what --sasl is for')
    return { scheme, credentials }
  },
}

/** A text of 1 and 0, true and false, as the environment and profiles write a flag. */
export const yesNo: Kind<boolean> = {
  form: 'true or false',
  read: (given) => (/^(1|true|yes|on)$/i.test(given) ? true : /^(0|false|no|off)$/i.test(given) ? false : undefined),
}
