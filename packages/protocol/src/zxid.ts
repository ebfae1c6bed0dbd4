/** Transaction ids: 64 bits, the leader's epoch in the high half and a counter in the low half. */

export function zxidEpoch(zxid: bigint): number {
  return Number(BigInt.asUintN(64, zxid) >> 32n)
}

export function zxidCounter(zxid: bigint): number {
  return Number(zxid & 0xffffffffn)
}

export function makeZxid(epoch: number, counter: number): bigint {
  return BigInt.asIntN(64, (BigInt(epoch) << 32n) | BigInt(counter))
}

/** As servers print it: `0x1a2b`, unsigned. */
export function formatHex(id: bigint): string {
  return `0x${BigInt.asUintN(64, id).toString(16)}`
}
