/**
 * PKCS#12 files (RFC 7292), read as Java reads them: a certificate without a key is trusted only where Java's own mark says so. Node reads
 * such files for a key and its chain; it reads neither stores of trusted certificates nor what JDK 8 wrote.
 */

import { certificateFields } from './certificate.ts'
import { areEqual, childOf, childrenOf, type Der, DerError, expected, octetsOf, oidOf, readDer, tags } from './der.ts'
import type { KeyEntry, KeyStore } from './key-store.ts'
import { decrypt, isAuthentic } from './password-based.ts'
import { StoreError } from './store-error.ts'

const data = '1.2.840.113549.1.7.1'
const encryptedData = '1.2.840.113549.1.7.6'
const x509 = '1.2.840.113549.1.9.22.1'
const friendlyName = '1.2.840.113549.1.9.20'
const localKeyId = '1.2.840.113549.1.9.21'
/** Java's mark of a certificate that is trusted. */
const trustedKeyUsage = '2.16.840.1.113894.746875.1.1'
const bags = '1.2.840.113549.1.12.10.1.'
const chainMax = 32

interface Bag {
  readonly kind: string
  readonly value: Der
  readonly attributes: ReadonlyMap<string, Der>
}

interface Found {
  readonly keys: { readonly pkcs8: Uint8Array; readonly attributes: ReadonlyMap<string, Der> }[]
  readonly certificates: { readonly der: Uint8Array; readonly attributes: ReadonlyMap<string, Der> }[]
}

/** @throws StoreError where the password is wrong, or the file has what is not known. @throws DerError where it is damaged. */
export function readPkcs12(bytes: Uint8Array, password: string): KeyStore {
  const pfx = childrenOf(expected(readDer(bytes), tags.sequence))
  const [, authSafe, mac] = pfx
  if (authSafe === undefined) throw new DerError('no content')
  if (oidOf(childOf(authSafe, 0)) !== data) throw new StoreError('is signed by a key, which is not supported')
  const content = octetsOf(childOf(childOf(authSafe, 1), 0))
  if (mac !== undefined && !isAuthentic(mac, content, password)) {
    throw new StoreError(
      password === '' ? 'needs a password, and none is given' : 'was not written under this password, or is damaged',
    )
  }
  const found: Found = { keys: [], certificates: [] }
  for (const info of childrenOf(readDer(content))) collect(readDer(contentOf(info, password)), password, found, 0)
  return assembled(found)
}

/** The content of a `ContentInfo`. */
function contentOf(info: Der, password: string): Uint8Array {
  const type = oidOf(childOf(info, 0))
  const inner = childOf(childOf(info, 1), 0)
  if (type === data) return octetsOf(inner)
  if (type !== encryptedData) throw new StoreError(`has content of the type ${type}, which is not known`)
  const [, algorithm, encrypted] = childrenOf(childOf(inner, 1, tags.sequence))
  if (algorithm === undefined || encrypted === undefined) throw new DerError('encrypted content without content')
  return decrypt(algorithm, octetsOf(encrypted, 0x80), password)
}

function collect(contents: Der, password: string, found: Found, depth: number): void {
  if (depth > 8) throw new DerError('bags are nested too deep')
  for (const bag of childrenOf(contents)) {
    const { kind, value, attributes } = bagOf(bag)
    if (kind === '1') found.keys.push({ pkcs8: value.whole, attributes })
    else if (kind === '2') {
      const pkcs8 = decrypt(childOf(value, 0), octetsOf(childOf(value, 1)), password)
      found.keys.push({ pkcs8, attributes })
    } else if (kind === '3' && oidOf(childOf(value, 0)) === x509) {
      found.certificates.push({ der: octetsOf(childOf(childOf(value, 1), 0)), attributes })
    } else if (kind === '6') collect(value, password, found, depth + 1)
  }
}

function bagOf(bag: Der): Bag {
  const [type, value, attributes] = childrenOf(bag)
  if (type === undefined || value === undefined) throw new DerError('a bag without a value')
  const id = oidOf(type)
  const pairs = attributes === undefined ? [] : childrenOf(attributes)
  return {
    kind: id.startsWith(bags) ? id.slice(bags.length) : id,
    value: childOf(value, 0),
    attributes: new Map(pairs.map((pair) => [oidOf(childOf(pair, 0)), childOf(pair, 1)])),
  }
}

function assembled({ keys, certificates }: Found): KeyStore {
  const idOf = (attributes: ReadonlyMap<string, Der>): Uint8Array | undefined => {
    const value = attributes.get(localKeyId)
    return value === undefined ? undefined : octetsOf(childOf(value, 0))
  }
  const known = certificates.map(({ der }) => ({ der, ...certificateFields(der) }))
  const chainFrom = (leaf: Uint8Array): Uint8Array[] => {
    const chain: Uint8Array[] = []
    let next = known.find(({ der }) => der === leaf)
    while (next !== undefined && chain.length < chainMax) {
      chain.push(next.der)
      const { issuer, subject } = next
      if (areEqual(issuer.whole, subject.whole)) break
      next = known.find((each) => areEqual(each.subject.whole, issuer.whole))
    }
    return chain
  }
  const entries = keys.map(({ pkcs8, attributes }): KeyEntry => {
    const id = idOf(attributes)
    // A file with one key and no numbers has its certificate in front.
    const own = certificates.find((each) => {
      const its = idOf(each.attributes)
      return id === undefined || its === undefined ? keys.length === 1 && id === its : areEqual(its, id)
    })
    return { alias: aliasOf(attributes), pkcs8, chain: own === undefined ? [] : chainFrom(own.der) }
  })
  const trusted = certificates.filter(({ attributes }) => attributes.has(trustedKeyUsage)).map(({ der }) => der)
  return { keys: entries, trusted }
}

function aliasOf(attributes: ReadonlyMap<string, Der>): string {
  const value = attributes.get(friendlyName)
  if (value === undefined) return ''
  return new TextDecoder('utf-16be').decode(childOf(value, 0).body)
}
