/** The `ip` scheme: addresses and prefixes (IPAuthenticationProvider.java; IPv6 since 3.9.4). */
import { isIPv4, isIPv6 } from 'node:net'

/** The id a client's address gets; IPv6 in full, as Java prints it: `0:0:0:0:0:0:0:1`. */
export function ipIdOf(host: string): string {
  const bytes = addressBytes(host)
  if (bytes === undefined || bytes.length === 4) return host
  const groups: string[] = []
  for (let i = 0; i < 16; i += 2) groups.push((((bytes[i] as number) << 8) | (bytes[i + 1] as number)).toString(16))
  return groups.join(':')
}

/** Whether `id` may stand in an ACL: an address, or an address and a prefix length that fits it. */
export function isValidIpId(id: string): boolean {
  return parsePrefix(id) !== undefined
}

/** Whether `address` lies within the prefix `id` of an ACL. */
export function ipMatches(address: string, id: string): boolean {
  const prefix = parsePrefix(id)
  const bytes = addressBytes(address)
  if (prefix === undefined || bytes === undefined || bytes.length !== prefix.bytes.length) return false
  for (let bit = 0; bit < prefix.bits; bit++) {
    const mask = 0x80 >> (bit & 7)
    if (((bytes[bit >> 3] as number) & mask) !== ((prefix.bytes[bit >> 3] as number) & mask)) return false
  }
  return true
}

function parsePrefix(id: string): { bytes: readonly number[]; bits: number } | undefined {
  const [address = '', length, ...rest] = id.split('/')
  const bytes = addressBytes(address)
  if (bytes === undefined || rest.length > 0) return undefined
  if (length === undefined) return { bytes, bits: bytes.length * 8 }
  if (!/^\d{1,3}$/.test(length) || Number(length) > bytes.length * 8) return undefined
  return { bytes, bits: Number(length) }
}

function addressBytes(address: string): readonly number[] | undefined {
  if (isIPv4(address)) return address.split('.').map(Number)
  if (!isIPv6(address) || address.includes('%')) return undefined
  const [head = '', tail] = address.split('::')
  const front = groupBytes(head)
  const back = tail === undefined ? [] : groupBytes(tail)
  return [...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back]
}

function groupBytes(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}
