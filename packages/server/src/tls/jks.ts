/**
 * The format JKS of Java's key stores (JavaKeyStore.java, KeyProtector.java), which Apache's configuration files name most often. It is
 * small enough to be read here: the libraries that read it bring implementations of ciphers along that nobody needs here.
 */
import { createHash } from 'node:crypto'
import { areEqual, childOf, octetsOf, oidOf, readDer } from './der.ts'
import type { KeyEntry, KeyStore } from './key-store.ts'
import { StoreError } from './store-error.ts'

const magic = 0xfeed_feed
const digestBytes = 20
const protector = '1.3.6.1.4.1.42.2.17.1.1'
/** Entries above which a file is refused. Java's own store of authorities has about 150. */
const entriesMax = 100_000

export function isJks(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === magic
}

/** @throws StoreError where the password is wrong or the bytes are damaged. */
export function readJks(bytes: Uint8Array, password: string): KeyStore {
  const secret = Buffer.from(password, 'utf16le').swap16()
  const body = bytes.subarray(0, Math.max(0, bytes.length - digestBytes))
  const digest = createHash('sha1').update(secret).update('Mighty Aphrodite').update(body).digest()
  if (!areEqual(digest, bytes.subarray(body.length))) {
    throw new StoreError(
      password === '' ? 'needs a password, and none is given' : 'was not written under this password, or is damaged',
    )
  }
  const input = new Input(body)
  input.int()
  const version = input.int()
  if (version !== 1 && version !== 2) throw new StoreError(`has version ${version}, and 1 and 2 are known`)
  const count = input.int()
  if (count > entriesMax) throw new StoreError(`has ${count} entries, which is too many`)
  const keys: KeyEntry[] = []
  const trusted: Uint8Array[] = []
  const certificate = (): Uint8Array => {
    const type = version === 1 ? 'X.509' : input.text()
    if (type !== 'X.509') throw new StoreError(`has a certificate of the type ${type}, and only X.509 is known`)
    return input.bytes(input.int())
  }
  for (let i = 0; i < count; i++) {
    const tag = input.int()
    const alias = input.text()
    // When the entry was made.
    input.bytes(8)
    if (tag === 1) {
      const encrypted = input.bytes(input.int())
      const chain = Array.from({ length: Math.min(input.int(), entriesMax) }, certificate)
      keys.push({ alias, pkcs8: openedKey(encrypted, secret, alias), chain })
    } else if (tag === 2) trusted.push(certificate())
    else throw new StoreError(`has an entry of the kind ${tag}, and 1 and 2 are known`)
  }
  return { keys, trusted }
}

/** Java's own scheme: a stream of SHA-1 digests over the password, and a digest of the key to check it. */
function openedKey(encrypted: Uint8Array, secret: Uint8Array, alias: string): Uint8Array {
  const info = readDer(encrypted)
  const type = oidOf(childOf(childOf(info, 0), 0))
  if (type !== protector) throw new StoreError(`protects its key ${alias} by ${type}, which is not known`)
  const content = octetsOf(childOf(info, 1))
  const key = content.slice(digestBytes, Math.max(digestBytes, content.length - digestBytes))
  const sha1 = (bytes: Uint8Array): Uint8Array => createHash('sha1').update(secret).update(bytes).digest()
  let stream = content.subarray(0, digestBytes)
  for (let i = 0; i < key.length; i++) {
    if (i % digestBytes === 0) stream = sha1(stream)
    key[i] = (key[i] as number) ^ (stream[i % digestBytes] as number)
  }
  if (!areEqual(sha1(key), content.subarray(digestBytes + key.length))) {
    throw new StoreError(`has a key, ${alias}, under another password than its own; give both the same one`)
  }
  return key
}

/** Java's DataInput. */
class Input {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  int(): number {
    const four = this.bytes(4)
    return new DataView(four.buffer, four.byteOffset).getUint32(0)
  }

  bytes(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new StoreError('is cut off')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  text(): string {
    const two = this.bytes(2)
    return new TextDecoder().decode(this.bytes(((two[0] as number) << 8) | (two[1] as number)))
  }
}
