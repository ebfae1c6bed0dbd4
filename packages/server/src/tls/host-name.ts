/** Whether a certificate is for a host, as RFC 6125 says: by its alternative names, or by its common name where it has none of them. */
import { X509Certificate } from 'node:crypto'
import { isIpv4, isIpv6 } from '@lightkeeper/runtime'

/** `host` is a name or an address. False where `der` is no certificate. */
export function isForHost(der: Uint8Array, host: string): boolean {
  try {
    const certificate = new X509Certificate(der)
    const isAddress = isIpv4(host) || isIpv6(host)
    return (isAddress ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined
  } catch {
    return false
  }
}
