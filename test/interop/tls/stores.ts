/** Key stores for a server and its clients, as files in a folder: PEM by ourselves, PKCS#12 by openssl, JKS by keytool. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Authority } from '@lightkeeper/testing'

export const storePassword = 'store secret'

export interface Stores {
  readonly authority: Authority
  readonly file: (name: string) => string
  /** Keys of a zoo.cfg for a server with stores of this type. */
  readonly keys: (type: 'pem' | 'p12' | 'jks') => Record<string, string>
  readonly remove: () => void
}

/** Undefined where openssl or keytool is missing. Clients are `client.pem`, `client.key`, `client.jks` and trust `authority.pem`, `trust.jks`. */
export function makeStores(): Stores | undefined {
  if (spawnSync('keytool', ['-help']).status !== 0 || spawnSync('openssl', ['version']).status !== 0) return undefined
  const directory = mkdtempSync(join(tmpdir(), 'lightkeeper-stores-'))
  const file = (name: string): string => join(directory, name)
  const authority = new Authority('Interop Authority')
  const server = authority.issue({ name: 'localhost', hosts: ['localhost', '127.0.0.1'] })
  const client = authority.issue({ name: 'client' })
  const text: Record<string, string> = {
    'authority.pem': authority.cert,
    'server.pem': server.key + server.cert + authority.cert,
    'client.pem': client.cert,
    'client.key': client.key,
    'client-store.pem': client.key + client.cert,
    password: `${storePassword}\n`,
  }
  for (const [name, content] of Object.entries(text)) writeFileSync(file(name), content)
  for (const [name, source] of [
    ['server', 'server.pem'],
    ['client', 'client-store.pem'],
  ] as const) {
    run(
      'openssl',
      'pkcs12',
      '-export',
      '-in',
      file(source),
      '-name',
      name,
      '-out',
      file(`${name}.p12`),
      '-passout',
      `file:${file('password')}`,
    )
    run(
      'keytool',
      ...['-importkeystore', '-noprompt', '-srckeystore', file(`${name}.p12`), '-srcstoretype', 'PKCS12'],
      ...['-srcstorepass', storePassword, '-destkeystore', file(`${name}.jks`), '-deststoretype', 'JKS'],
      ...['-deststorepass', storePassword, '-destkeypass', storePassword],
    )
  }
  for (const [name, type] of [
    ['trust.jks', 'JKS'],
    ['trust.p12', 'PKCS12'],
  ] as const) {
    run(
      'keytool',
      ...['-importcert', '-noprompt', '-keystore', file(name), '-storetype', type, '-storepass', storePassword],
      ...['-alias', 'authority', '-file', file('authority.pem')],
    )
  }
  return {
    authority,
    file,
    keys: (type) => ({
      'ssl.keyStore.location': file(`server.${type}`),
      'ssl.trustStore.location': file(type === 'pem' ? 'authority.pem' : `trust.${type}`),
      'ssl.clientAuth': 'need',
      ...(type === 'pem'
        ? {}
        : { 'ssl.keyStore.passwordPath': file('password'), 'ssl.trustStore.password': storePassword }),
    }),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${stdout}${stderr}`)
}
