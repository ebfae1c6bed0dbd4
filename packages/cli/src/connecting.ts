/** The options of every command that talks to servers, as rows. connect.ts says what they mean together. */
import { flag, type Option, option, options } from './command.ts'
import { adminPort, file, identity, milliseconds, name, oneOf, profileName, servers, znodePath } from './kinds.ts'

/** Each is also a variable of the environment (`variableOf`) and a key of a profile, except `profile` in a profile. */
export const connectingOptions = {
  server: option('HOSTS', servers, 'host:port,host:port…[/chroot]', {
    short: 's',
  }),
  profile: option('NAME', profileName, 'a set of these options from the file of profiles'),
  chroot: option('PATH', znodePath, 'all paths are below this znode; counts more than one behind HOSTS'),
  auth: options(
    'SCHEME:CREDENTIALS',
    identity,
    'an identity, like digest:USER:PASSWORD; others see it in the list of processes',
  ),
  'auth-file': option('FILE', file, 'the same from a file, one a line'),
  tls: flag('encrypts, with the authorities that Node trusts'),
  'tls-ca': option('FILE', file, 'the authorities to trust instead, PEM; implies --tls, as the next two do'),
  'tls-cert': option('FILE', file, 'the own certificate, PEM, or PKCS 12 with its key'),
  'tls-key': option('FILE', file, 'the key of the certificate, PEM'),
  'tls-key-password-file': option('FILE', file, 'the password of the key'),
  'tls-any-host': flag('accepts a certificate for another host name'),
  sasl: option(
    'MECHANISM',
    oneOf('digest-md5', 'gssapi'),
    'logs in: digest-md5, or gssapi with the tickets of the process',
  ),
  'sasl-user': option('USER', name, 'the user of digest-md5'),
  'sasl-password-file': option('FILE', file, 'the password of the user'),
  'session-timeout': option('MS', milliseconds(1), 'the session timeout to ask for; the server may grant another'),
  'connect-timeout': option('MS', milliseconds(1), 'until it gives up finding a server'),
  admin: option('HOST:PORT', adminPort, 'the admin port of one of the servers, for what it says besides its znodes'),
  timeout: option('MS', milliseconds(1), 'until it gives up a request, and finding a server'),
} as const satisfies Readonly<Record<string, Option<unknown>>>

/** Secrets: the environment and profiles have them, the command line has not, because others see it. */
export const secretSettings = {
  'sasl-password': option('PASSWORD', { ...name, form: 'a password', isSecret: true }, 'the password of the user'),
  'tls-key-password': option('PASSWORD', { ...name, form: 'a password', isSecret: true }, 'the password of the key'),
} as const

/** What is used where no source says anything, as help shows it. */
export const connectingDefaults: Readonly<Record<string, string>> = {
  server: '127.0.0.1:2181',
  'session-timeout': '30000',
  'connect-timeout': '10000',
  timeout: '60000',
}

/** The variable of the environment for a setting: `LIGHTKEEPER_TLS_CA`. */
export function variableOf(setting: string): string {
  return `LIGHTKEEPER_${setting.toUpperCase().replaceAll('-', '_')}`
}
