/** PEM files: certificates, and a key before or behind them. What stands between the blocks is not looked at. */
import { createPrivateKey } from 'node:crypto'
import type { KeyStore } from './key-store.ts'
import { StoreError } from './store-error.ts'

const block = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g

/** @throws StoreError where the key cannot be read, or the password is wrong. */
export function readPem(bytes: Uint8Array, password: string): KeyStore {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const certificates: Uint8Array[] = []
  let key: Uint8Array | undefined
  for (const [whole, label = ''] of text.matchAll(block)) {
    // As in Java, the first key counts.
    if (label.endsWith('PRIVATE KEY')) key ??= openedKey(whole, password)
    else if (/^(X509 |TRUSTED )?CERTIFICATE$/.test(label)) certificates.push(decoded(whole))
  }
  return {
    keys: key === undefined ? [] : [{ alias: 'key', pkcs8: key, chain: certificates }],
    trusted: certificates,
  }
}

function openedKey(pem: string, password: string): Uint8Array {
  try {
    return createPrivateKey({ key: pem, passphrase: password }).export({ type: 'pkcs8', format: 'der' })
  } catch (cause) {
    const isEncrypted = /ENCRYPTED/.test(pem)
    const why = isEncrypted ? 'has a key that this password does not open' : 'has a key that cannot be read'
    throw new StoreError(password === '' && isEncrypted ? 'has an encrypted key, and no password is given' : why, {
      cause,
    })
  }
}

function decoded(pem: string): Uint8Array {
  const body = pem.replaceAll(/-----[^-]*-----/g, '')
  return new Uint8Array(Buffer.from(body, 'base64'))
}

/** One block of PEM. */
export function pemOf(label: 'CERTIFICATE' | 'PRIVATE KEY', der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
