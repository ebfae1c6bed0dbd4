/** Names that no other client uses. */
import type { Random } from '@lightkeeper/client'

/** A version 4 UUID, as Curator uses. */
export function uniqueName(random: Random): string {
  const hex = Array.from(random.bytes(16), (byte, i) => {
    const value = i === 6 ? (byte & 0x0f) | 0x40 : i === 8 ? (byte & 0x3f) | 0x80 : byte
    return value.toString(16).padStart(2, '0')
  }).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** 32 hex digits, as kazoo uses. */
export function bareName(random: Random): string {
  return uniqueName(random).replaceAll('-', '')
}
