/** How a number is written into a znode: as Curator or as kazoo writes it. */

export interface CounterFormats {
  /** Four bytes, big-endian: Curator's SharedCount and DistributedAtomicInteger, kazoo's Counter with `support_curator`. */
  readonly int32: number
  /** Eight bytes, big-endian: Curator's DistributedAtomicLong. */
  readonly int64: bigint
  /** Digits: kazoo's Counter. */
  readonly decimal: number
}

/** How the number of a counter is written into its znode. */
export type CounterFormat = keyof CounterFormats

export interface NumberFormat<V> {
  readonly type: 'number' | 'bigint'
  readonly zero: V
  /** @throws RangeError for a number that does not fit. */
  encode(value: V): Uint8Array
  /** @throws RangeError for data that is no number in this format. */
  decode(data: Uint8Array): V
  add(a: V, b: V): V
  /** An integer as a value of this format. */
  of(whole: number): V
}

function sized(data: Uint8Array, length: number): DataView {
  if (data.length !== length)
    throw new RangeError(`a counter of this format has ${length} bytes, the znode has ${data.length}`)
  return new DataView(data.buffer, data.byteOffset, length)
}

export const formats: { readonly [F in CounterFormat]: NumberFormat<CounterFormats[F]> } = {
  int32: {
    type: 'number',
    zero: 0,
    encode(value) {
      if ((value | 0) !== value) throw new RangeError(`${value} does not fit into 32 bits`)
      const data = new Uint8Array(4)
      new DataView(data.buffer).setInt32(0, value)
      return data
    },
    decode: (data) => sized(data, 4).getInt32(0),
    add: (a, b) => a + b,
    of: (whole) => whole,
  },
  int64: {
    type: 'bigint',
    zero: 0n,
    encode(value) {
      if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} does not fit into 64 bits`)
      const data = new Uint8Array(8)
      new DataView(data.buffer).setBigInt64(0, value)
      return data
    },
    decode: (data) => sized(data, 8).getBigInt64(0),
    add: (a, b) => a + b,
    of: BigInt,
  },
  decimal: {
    type: 'number',
    zero: 0,
    encode(value) {
      if (!Number.isFinite(value)) throw new RangeError(`${value} cannot be written in digits`)
      // Sums beyond 2^53 would be rounded.
      if (Number.isInteger(value) && !Number.isSafeInteger(value))
        throw new RangeError(`${value} is beyond 2^53, where integers are rounded`)
      return new TextEncoder().encode(`${value}`)
    },
    decode(data) {
      const text = new TextDecoder().decode(data)
      if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) throw new RangeError(`"${text}" is not a number`)
      return Number(text)
    },
    add: (a, b) => a + b,
    of: (whole) => whole,
  },
}
