/** Quotas as Apache's servers store them below /zookeeper/quota (StatsTrack.java). */
import type { ZnodePath } from '@lightkeeper/protocol'

/** The names of zkCli's options: soft limits warn, hard limits refuse. -1 or undefined means no limit. */
export interface QuotaValues {
  /** How many znodes, itself included: above it the server warns. */
  readonly count?: bigint
  /** How many bytes of data: above it the server warns. */
  readonly bytes?: bigint
  /** How many znodes, itself included: the server refuses more. */
  readonly countHardLimit?: bigint
  /** How many bytes of data: the server refuses more. */
  readonly byteHardLimit?: bigint
}

const hardKeys = ['byteHardLimit', 'countHardLimit'] as const
const keys = ['count', 'bytes', ...hardKeys] as const

/** Unknown keys are left out. @throws RangeError for a value that is no number. */
export function parseQuota(text: string): QuotaValues {
  const values: { -readonly [K in keyof QuotaValues]: bigint } = {}
  for (const pair of text.split(/[,;]+/)) {
    const [name, value = ''] = pair.split('=')
    const key = keys.find((each) => each === name)
    if (key === undefined) continue
    if (!/^(?:-?\d+)?$/.test(value)) throw new RangeError(`"${pair}" in a quota is not a number`)
    values[key] = BigInt(value === '' ? '-1' : value)
  }
  return values
}

/** The same text that Apache writes, for every reader of it. */
export function quotaText(values: QuotaValues): string {
  const { count = -1n, bytes = -1n } = values
  const hard = hardKeys.filter((key) => values[key] !== undefined).map((key) => `;${key}=${values[key]}`)
  return `count=${count},bytes=${bytes}${hard.length === 0 ? '' : `=${hard.join('')}`}`
}

export const quotaRoot = '/zookeeper/quota'

/** Where the quota of a path stands: its own znode, and the two below it. */
export function quotaPaths(path: ZnodePath): Readonly<Record<'place' | 'limits' | 'usage', ZnodePath>> {
  const place: ZnodePath = path === '/' ? quotaRoot : `${quotaRoot}${path}`
  return { place, limits: `${place}/zookeeper_limits`, usage: `${place}/zookeeper_stats` }
}
