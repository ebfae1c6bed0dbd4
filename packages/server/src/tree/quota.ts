/**
 * What a quota says: limits and usage in the text format of StatsTrack.java, and which limit a change exceeds. Pure; which znodes hold
 * these texts is quotas.ts's business.
 */
import { latin1Bytes, latin1Text } from '../latin1.ts'

const nothing = new Uint8Array(0)

/** Znodes and bytes of data at and below a path. */
export interface Usage {
  readonly count: number
  readonly bytes: number
}

/** -1 means no limit. A hard limit, where there is one, takes the place of the soft one. */
export interface Limits {
  readonly count: number
  readonly bytes: number
  readonly countHard: number
  readonly bytesHard: number
}

/** The limit that a change exceeds, and the number it would lead to. */
export interface Excess {
  readonly of: 'count' | 'bytes'
  readonly value: number
  readonly limit: number
  readonly isHard: boolean
}

/**
 * Reads `count=5,bytes=-1`, or `count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3` as zkCli writes it. Missing and empty numbers
 * are -1. Undefined for a text with a value that is no whole number.
 */
export function parseLimits(data: Uint8Array | null): Limits | undefined {
  const values = new Map<string, number>()
  for (const piece of latin1Text(data ?? nothing).split(/[,;]+/)) {
    const [name = '', value = ''] = piece.split('=')
    if (value !== '' && !/^[+-]?\d{1,19}$/.test(value)) return undefined
    values.set(name, value === '' ? -1 : Number(value))
  }
  return {
    count: values.get('count') ?? -1,
    bytes: values.get('bytes') ?? -1,
    countHard: values.get('countHardLimit') ?? -1,
    bytesHard: values.get('byteHardLimit') ?? -1,
  }
}

/** A text without these numbers, which a client wrote in the place of ours, counts as 0 znodes and 0 bytes. */
export function parseUsage(data: Uint8Array | null): Usage {
  const match = /count=(-?\d{1,15}),bytes=(-?\d{1,15})/.exec(latin1Text(data ?? nothing))
  return { count: Number(match?.[1] ?? 0), bytes: Number(match?.[2] ?? 0) }
}

export function formatUsage({ count, bytes }: Usage): Uint8Array {
  return latin1Bytes(`count=${count},bytes=${bytes}`)
}

/**
 * The limit that a change by `count` znodes and `bytes` bytes exceeds, a hard one first; undefined where there is none. A change by 0
 * is not compared, and one that makes the usage smaller is, as in Apache (ZooKeeperServer.java, checkQuota).
 */
export function excessOf(limits: Limits, usage: Usage, count: number, bytes: number): Excess | undefined {
  const ofCount = compared('count', usage.count, count, limits.countHard, limits.count)
  if (ofCount?.isHard) return ofCount
  const ofBytes = compared('bytes', usage.bytes, bytes, limits.bytesHard, limits.bytes)
  return ofBytes?.isHard ? ofBytes : (ofCount ?? ofBytes)
}

function compared(of: Excess['of'], used: number, by: number, hard: number, soft: number): Excess | undefined {
  if (by === 0) return undefined
  const isHard = hard > -1
  const limit = isHard ? hard : soft
  const value = used + by
  return limit > -1 && value > limit ? { of, value, limit, isHard } : undefined
}
