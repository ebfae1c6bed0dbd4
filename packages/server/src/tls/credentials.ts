/**
 * What a TLS port shows and trusts, read from files and read again when they change. A file that cannot be used changes nothing: the
 * credentials from before stay, and a line says so once.
 */
import type { Clock, Disk, Log, Timer, TlsContext, TlsOptions, TlsServerOptions } from '@lightkeeper/runtime'
import { ConfigError } from '../config/config-error.ts'
import type { Prepared, Reloadable } from '../config/live-config.ts'
import { parseCertificate } from './certificate.ts'
import { areEqual, DerError } from './der.ts'
import { isJks, readJks } from './jks.ts'
import type { KeyEntry, KeyStore } from './key-store.ts'
import type { StoreSettings, TlsSettings } from './options.ts'
import { pemOf, readPem } from './pem.ts'
import { readPkcs12 } from './pkcs12.ts'
import { StoreError } from './store-error.ts'

/** How often files are looked at, milliseconds. */
const lookMs = 5_000
/** Bytes of a file; a larger one is not read. */
const fileMax = 16 << 20

/** What of a host this needs. */
export interface CredentialsHost {
  readonly disk: Pick<Disk, 'open'>
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
  /** @throws Error for what cannot be used, a key that does not belong to its certificate for example. */
  tlsContext(options: TlsServerOptions): TlsContext
}

type Files = ReadonlyMap<string, Uint8Array>

/** Files, and what the host made of them. */
interface Loaded {
  readonly files: Files
  readonly options: TlsServerOptions
  readonly context: TlsContext
  /** The fingerprint of the server's own certificate. */
  readonly shown: string
}

export class Credentials implements Reloadable {
  readonly #settings: TlsSettings
  readonly #host: CredentialsHost
  #used: Loaded
  /** What was refused last: the same files are not refused twice, nor is the same error. */
  #refused: Files | string | undefined
  #timer: Timer | undefined
  #isStopped = false

  private constructor(settings: TlsSettings, host: CredentialsHost, loaded: Loaded) {
    this.#settings = settings
    this.#host = host
    this.#used = loaded
  }

  /** @throws ConfigError that names the setting and the file that cannot be used, and why. */
  static async load(settings: TlsSettings, host: CredentialsHost): Promise<Credentials> {
    return new Credentials(settings, host, loadedOf(settings, await readFiles(settings, host.disk), host))
  }

  /** What the next handshake uses. */
  get context(): TlsContext {
    return this.#used.context
  }

  /** What the next dial shows to a server and expects of it. */
  get peer(): TlsOptions {
    const { keys, ca, crl, minVersion, maxVersion, ciphers } = this.#used.options
    return {
      key: keys.map(({ key }) => key),
      cert: keys.map(({ cert }) => cert),
      ca: [...ca],
      minVersion,
      maxVersion,
      rejectUnauthorized: true,
      ...(crl === undefined ? {} : { crl }),
      ...(ciphers === undefined ? {} : { ciphers }),
    }
  }

  /** From here on the files are looked at now and then, if the settings say so. */
  watch(): void {
    if (!this.#settings.isReloaded || this.#used.files.size === 0) return
    this.#timer = this.#host.clock.after(lookMs, () => {
      void this.#look().finally(() => {
        if (!this.#isStopped) this.watch()
      })
    })
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  async prepare(): Promise<Prepared | undefined> {
    const next = await this.#next()
    if (next === undefined) return undefined
    const { shown } = this.#used
    return {
      changes: [{ setting: this.#settings.option, from: `certificate ${shown}`, to: `certificate ${next.shown}` }],
      commit: () => {
        this.#used = next
        this.#refused = undefined
      },
    }
  }

  /** What the files hold now; undefined where that is in use already. @throws ConfigError where it cannot be used. */
  async #next(): Promise<Loaded | undefined> {
    const files = await readFiles(this.#settings, this.#host.disk)
    return areSame(files, this.#used.files) ? undefined : loadedOf(this.#settings, files, this.#host)
  }

  async #look(): Promise<void> {
    const { log, disk } = this.#host
    let files: Files | undefined
    try {
      files = await readFiles(this.#settings, disk)
      if (this.#isStopped) return
      if (areSame(files, this.#used.files)) {
        this.#refused = undefined
        return
      }
      if (typeof this.#refused === 'object' && areSame(files, this.#refused)) return
      this.#used = loadedOf(this.#settings, files, this.#host)
      this.#refused = undefined
      log('info', 'new certificates were read; new connections use them', { certificate: this.#used.shown })
    } catch (error) {
      const { message } = error as Error
      const isNew = files !== undefined || this.#refused !== message
      this.#refused = files ?? message
      if (isNew) log('error', 'new certificates cannot be used; the ones from before stay in use', { cause: message })
    }
  }
}

/** What the settings name, by path. */
async function readFiles(settings: TlsSettings, disk: CredentialsHost['disk']): Promise<Files> {
  const { keyStore, trustStore, crlLocation } = settings
  const named: [setting: string, path: string | undefined][] = [
    ['keyStoreLocation', keyStore.location],
    ['keyStorePasswordPath', keyStore.passwordPath],
    ['trustStoreLocation', trustStore?.location],
    ['trustStorePasswordPath', trustStore?.passwordPath],
    ['crlLocation', crlLocation],
  ]
  const files = new Map<string, Uint8Array>()
  for (const [setting, path] of named) {
    if (path === undefined || files.has(path)) continue
    try {
      files.set(path, await contentOf(path, disk))
    } catch (cause) {
      throw refused(settings.nameOf(setting), `(${path}) cannot be read: ${(cause as Error).message}`, cause)
    }
  }
  return files
}

async function contentOf(path: string, disk: CredentialsHost['disk']): Promise<Uint8Array> {
  const file = await disk.open(path, { readOnly: true })
  try {
    const size = await file.size()
    if (size > fileMax) throw new Error(`it has ${size} bytes, which is too many`)
    const bytes = new Uint8Array(size)
    return bytes.subarray(0, await file.read(0, bytes))
  } finally {
    await file.close()
  }
}

function areSame(a: Files, b: Files): boolean {
  return a.size === b.size && [...a].every(([path, bytes]) => areEqual(bytes, b.get(path) ?? new Uint8Array(0)))
}

function loadedOf(settings: TlsSettings, files: Files, host: CredentialsHost): Loaded {
  const { trustStore, crlLocation, clientAuth } = settings
  const keys = usableKeys(storeOf(settings, files, 'keyStore')?.keys ?? [])
  if (keys.length === 0) {
    throw refused(...placeOf(settings, 'keyStore', 'holds no key with its certificate'))
  }
  const trusted = storeOf(settings, files, 'trustStore')?.trusted ?? []
  if (trustStore !== undefined && trusted.length === 0) {
    const hint = trustStore.type === 'PEM' ? '' : '; keytool -importcert adds one'
    throw refused(...placeOf(settings, 'trustStore', `holds no trusted certificate${hint}`))
  }
  try {
    const options: TlsServerOptions = {
      keys: keys.map(({ pkcs8, chain }) => ({
        key: pemOf('PRIVATE KEY', pkcs8),
        cert: chain.map((der) => pemOf('CERTIFICATE', der)).join(''),
      })),
      ca: trusted.map((der) => pemOf('CERTIFICATE', der)),
      crl: crlLocation === undefined ? undefined : new TextDecoder().decode(files.get(crlLocation)),
      clientCertificate: clientAuth,
      minVersion: settings.minVersion,
      maxVersion: settings.maxVersion,
      ciphers: settings.ciphers,
    }
    return {
      files,
      options,
      context: host.tlsContext(options),
      shown: parseCertificate(keys[0]?.chain[0] as Uint8Array).fingerprint256,
    }
  } catch (cause) {
    throw refused(...placeOf(settings, 'keyStore', `cannot be used: ${(cause as Error).message}`), cause)
  }
}

/** Keys with certificates that are well formed. */
function usableKeys(keys: readonly KeyEntry[]): KeyEntry[] {
  return keys.filter(({ chain }) => {
    for (const der of chain) parseCertificate(der)
    return chain.length > 0
  })
}

/** Undefined where the settings name none. */
function storeOf(settings: TlsSettings, files: Files, name: 'keyStore' | 'trustStore'): KeyStore | undefined {
  const given = settings[name]
  if (given === undefined) return undefined
  const bytes = given.content ?? files.get(given.location ?? '') ?? new Uint8Array(0)
  const secret = given.passwordPath === undefined ? undefined : files.get(given.passwordPath)
  // As Apache: one line end behind the password is no part of it.
  const password = secret === undefined ? given.password : new TextDecoder().decode(secret).replace(/\r?\n$/, '')
  try {
    const store = readStore(given.type, bytes, password)
    for (const der of store.trusted) parseCertificate(der)
    return store
  } catch (cause) {
    if (!(cause instanceof StoreError || cause instanceof DerError)) throw cause
    const problem = cause instanceof StoreError ? cause.message : `is damaged: ${cause.message}`
    throw refused(...placeOf(settings, name, problem), cause)
  }
}

/** Java takes JKS for PKCS#12 and the other way round: since JDK 9 keytool writes PKCS#12 whatever the name of the file is. */
function readStore(type: StoreSettings['type'], bytes: Uint8Array, password: string): KeyStore {
  if (type === 'PEM') return readPem(bytes, password)
  if (isJks(bytes)) return readJks(bytes, password)
  if (bytes[0] === 0x30) return readPkcs12(bytes, password)
  throw new StoreError('is neither JKS nor PKCS#12')
}

/** The setting whose file it is, and what is wrong with it. */
function placeOf(
  settings: TlsSettings,
  name: 'keyStore' | 'trustStore',
  problem: string,
): [setting: string, problem: string] {
  const location = settings[name]?.location
  if (location !== undefined) return [settings.nameOf(`${name}Location`), `(${location}) ${problem}`]
  return [settings.nameOf(name === 'keyStore' ? 'cert' : 'ca'), problem]
}

function refused(setting: string, problem: string, cause?: unknown): ConfigError {
  const error = ConfigError.refused(setting, problem)
  if (cause !== undefined) error.cause = cause
  return error
}
