/** Encryption under a password, as PKCS#8 and PKCS#12 have it (RFC 8018, RFC 7292). */
import { createDecipheriv, createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { joined } from '../joined.ts'
import { areEqual, childOf, childrenOf, type Der, numberOf, octetsOf, oidOf, tags } from './der.ts'
import { decryptRc2 } from './rc2.ts'
import { StoreError } from './store-error.ts'

/** Rounds above which a file is refused: deriving its key would hold the server up. Programs write 1 to some 100000. */
const roundsMax = 5_000_000

interface Cipher {
  readonly name: string
  readonly keyBytes: number
  readonly blockBytes: number
}

const tripleDes: Cipher = { name: 'des-ede3-cbc', keyBytes: 24, blockBytes: 8 }

/** Ciphers of PBES2. */
const ciphers: ReadonlyMap<string, Cipher> = new Map([
  ['2.16.840.1.101.3.4.1.2', { name: 'aes-128-cbc', keyBytes: 16, blockBytes: 16 }],
  ['2.16.840.1.101.3.4.1.22', { name: 'aes-192-cbc', keyBytes: 24, blockBytes: 16 }],
  ['2.16.840.1.101.3.4.1.42', { name: 'aes-256-cbc', keyBytes: 32, blockBytes: 16 }],
  ['1.2.840.113549.3.7', tripleDes],
])

/** Ciphers of PKCS#12's own scheme. */
const oldCiphers: ReadonlyMap<string, Cipher> = new Map([
  ['1.2.840.113549.1.12.1.3', tripleDes],
  ['1.2.840.113549.1.12.1.4', { name: 'des-ede', keyBytes: 16, blockBytes: 8 }],
  ['1.2.840.113549.1.12.1.5', { name: 'rc2', keyBytes: 16, blockBytes: 8 }],
  ['1.2.840.113549.1.12.1.6', { name: 'rc2', keyBytes: 5, blockBytes: 8 }],
])

const prfs: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.2.7', 'sha1'],
  ['1.2.840.113549.2.8', 'sha224'],
  ['1.2.840.113549.2.9', 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
])

/** Hash functions by number, with the size of the blocks they work on. */
const hashes: ReadonlyMap<string, { readonly name: string; readonly blockBytes: number }> = new Map([
  ['1.3.14.3.2.26', { name: 'sha1', blockBytes: 64 }],
  ['2.16.840.1.101.3.4.2.4', { name: 'sha224', blockBytes: 64 }],
  ['2.16.840.1.101.3.4.2.1', { name: 'sha256', blockBytes: 64 }],
  ['2.16.840.1.101.3.4.2.2', { name: 'sha384', blockBytes: 128 }],
  ['2.16.840.1.101.3.4.2.3', { name: 'sha512', blockBytes: 128 }],
])

const pbes2 = '1.2.840.113549.1.5.13'
const pbkdf2 = '1.2.840.113549.1.5.12'

/**
 * Decrypts what the algorithm of an `AlgorithmIdentifier` has encrypted.
 * @throws StoreError where the password is wrong, or the algorithm is not known.
 */
export function decrypt(algorithm: Der, encrypted: Uint8Array, password: string): Uint8Array {
  const type = oidOf(childOf(algorithm, 0))
  const parameters = childOf(algorithm, 1)
  if (type === pbes2) return decryptPbes2(parameters, encrypted, password)
  const cipher = oldCiphers.get(type)
  if (cipher === undefined) throw new StoreError(`is encrypted with the algorithm ${type}, which is not known`)
  const salt = octetsOf(childOf(parameters, 0))
  const rounds = roundsOf(childOf(parameters, 1))
  const derive = (purpose: number, length: number): Uint8Array =>
    derivedOld(bmpPassword(password), salt, rounds, purpose, length, 'sha1', 64)
  return decryptWith(cipher, derive(1, cipher.keyBytes), derive(2, cipher.blockBytes), encrypted)
}

function decryptPbes2(parameters: Der, encrypted: Uint8Array, password: string): Uint8Array {
  const [derivation, encryption] = [childOf(parameters, 0), childOf(parameters, 1)]
  const function_ = oidOf(childOf(derivation, 0))
  if (function_ !== pbkdf2) throw new StoreError(`derives its key by ${function_}, which is not known`)
  const type = oidOf(childOf(encryption, 0))
  const cipher = ciphers.get(type)
  if (cipher === undefined) throw new StoreError(`is encrypted with the cipher ${type}, which is not known`)
  const [salt, count, ...more] = childrenOf(childOf(derivation, 1)) as [Der, Der, ...Der[]]
  const prf = more.find(({ tag }) => tag === tags.sequence)
  const prfType = prf === undefined ? '1.2.840.113549.2.7' : oidOf(childOf(prf, 0))
  const hash = prfs.get(prfType)
  if (hash === undefined) throw new StoreError(`derives its key with ${prfType}, which is not known`)
  const key = pbkdf2Sync(Buffer.from(password, 'utf8'), octetsOf(salt), roundsOf(count), cipher.keyBytes, hash)
  return decryptWith(cipher, key, octetsOf(childOf(encryption, 1)), encrypted)
}

function decryptWith(cipher: Cipher, key: Uint8Array, initial: Uint8Array, encrypted: Uint8Array): Uint8Array {
  try {
    if (cipher.name === 'rc2') return decryptRc2(key, initial, encrypted)
    // Two keys: the third one is the first.
    const [name, whole] =
      cipher.name === 'des-ede' ? [tripleDes.name, joined(key, key.subarray(0, 8))] : [cipher.name, key]
    const decipher = createDecipheriv(name, whole, initial)
    return Buffer.concat([decipher.update(encrypted), decipher.final()])
  } catch (cause) {
    throw new StoreError('cannot be decrypted: the password is wrong', { cause })
  }
}

/**
 * Whether the `MacData` of a PKCS#12 file agrees with its content.
 * @throws StoreError where the hash function is not known.
 */
export function isAuthentic(macData: Der, content: Uint8Array, password: string): boolean {
  const [digestInfo, salt, rounds] = childrenOf(macData) as [Der, Der, Der?]
  const type = oidOf(childOf(childOf(digestInfo, 0), 0))
  const hash = hashes.get(type)
  if (hash === undefined) throw new StoreError(`is protected by the algorithm ${type}, which is not known`)
  const wanted = octetsOf(childOf(digestInfo, 1))
  const count = rounds === undefined ? 1 : roundsOf(rounds)
  // An empty password is two zero bytes for some programs and nothing at all for others.
  const forms = password === '' ? [bmpPassword(''), new Uint8Array(0)] : [bmpPassword(password)]
  return forms.some((form) => {
    const key = derivedOld(form, octetsOf(salt), count, 3, wanted.length, hash.name, hash.blockBytes)
    return areEqual(createHmac(hash.name, key).update(content).digest(), wanted)
  })
}

function roundsOf(count: Der): number {
  const rounds = numberOf(count)
  if (rounds < 1 || rounds > roundsMax) throw new StoreError(`derives its key in ${rounds} rounds, which is too many`)
  return rounds
}

/** Big-endian UTF-16, with two zero bytes behind it. */
function bmpPassword(password: string): Uint8Array {
  return Buffer.from(`${password}\0`, 'utf16le').swap16()
}

/** Key derivation of RFC 7292, appendix B. `purpose` is 1 for a key, 2 for an initial block, 3 for a MAC. */
function derivedOld(
  password: Uint8Array,
  salt: Uint8Array,
  rounds: number,
  purpose: number,
  length: number,
  hash: string,
  blockBytes: number,
): Uint8Array {
  const filled = (bytes: Uint8Array): Uint8Array => {
    const size = Math.ceil(bytes.length / blockBytes) * blockBytes
    return Uint8Array.from({ length: size }, (_, i) => bytes[i % bytes.length] as number)
  }
  const diversifier = new Uint8Array(blockBytes).fill(purpose)
  const input = joined(filled(salt), filled(password))
  const pieces: Uint8Array[] = []
  for (let have = 0; have < length; ) {
    let piece: Uint8Array = createHash(hash).update(diversifier).update(input).digest()
    for (let round = 1; round < rounds; round++) piece = createHash(hash).update(piece).digest()
    pieces.push(piece)
    have += piece.length
    // Every block of the input grows by the piece, repeated, and one.
    for (let at = 0; at < input.length; at += blockBytes) {
      let carry = 1
      for (let i = blockBytes - 1; i >= 0; i--) {
        carry += (input[at + i] as number) + (piece[i % piece.length] as number)
        input[at + i] = carry & 0xff
        carry >>= 8
      }
    }
  }
  return joined(...pieces).subarray(0, length)
}
