/** How commands write values. */

/** Session ids and zxids as servers print them: `0x1a`, unsigned. */
export function hexOf(id: bigint): string {
  return `0x${BigInt.asUintN(64, id).toString(16)}`
}
