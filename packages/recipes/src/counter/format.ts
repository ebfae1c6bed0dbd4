/** How a number is written into a znode: as Curator does, or as kazoo. */

export interface CounterFormats {
  /** Four bytes, big-endian: Curator's SharedCount and DistributedAtomicInteger, kazoo's Counter with `support_curator`. */
  readonly int32: number
  /** Eight bytes, big-endian: Curator's DistributedAtomicLong. */
  readonly int64: bigint
  /** Digits: kazoo's Counter. */
  readonly decimal: number
}

export type CounterFormat = keyof CounterFormats

export interface NumberFormat<V> {
  readonly type: 'number' | 'bigint'
  readonly zero: V
  /** @throws RangeError for what does not fit. */
  encode(value: V): Uint8Array
  /** @throws RangeError for data that is no number in this format. */
  decode(data: Uint8Array): V
  add(a: V, b: V): V
  /** The value of a whole number. */
  of(whole: number): V
}

function sized(data: Uint8Array, length: number): DataView {
  if (data.length !== length) throw new RangeError(`${data.length} bytes where a counter has ${length}`)
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
      if (!Number.isFinite(value)) throw new RangeError(`${value} has no digits`)
      // Beyond 2^53 a sum would no longer be the sum.
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new RangeError(`${value} is not exact`)
      return new TextEncoder().encode(`${value}`)
    },
    decode(data) {
      const text = new TextDecoder().decode(data)
      if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) throw new RangeError(`"${text}" is no number`)
      return Number(text)
    },
    add: (a, b) => a + b,
    of: (whole) => whole,
  },
}
