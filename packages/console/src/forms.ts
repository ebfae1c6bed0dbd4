/** The client's values in the form of the API, and back. */
import type { Acl, ZnodePath, ZnodeStat } from '@lightkeeper/client'
import { formatHex, pathProblem } from '@lightkeeper/protocol'
import type { QuotaValues } from '@lightkeeper/tools'
import type { AclEntry, ConnectionState, QuotaFigures, Stat, Value } from './api.ts'

/** A wrong request: the sentence says what is wrong with it. */
export class WrongRequest extends Error {
  override readonly name = 'WrongRequest'
}

/** The body of a request is too long; the rest of it is not read. */
export class TooLong extends WrongRequest {}

/** Bytes of a value that a list shows; the view of one znode shows all of it. */
const shownBytesMax = 2048

const letters = ['c', 'd', 'r', 'w', 'a'] as const
/** The bit of each letter (ZooDefs.java). */
const bits: Readonly<Record<(typeof letters)[number], number>> = { r: 1, w: 2, c: 4, d: 8, a: 16 }

export function statOf(stat: ZnodeStat): Stat {
  const { kind } = stat
  return {
    czxid: formatHex(stat.czxid),
    mzxid: formatHex(stat.mzxid),
    pzxid: formatHex(stat.pzxid),
    created: stat.created.getTime(),
    modified: stat.modified.getTime(),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    kind: typeof kind === 'object' ? 'ttl' : kind,
    ...(typeof kind === 'object' && { ttl: kind.ttl }),
    ...(kind === 'ephemeral' && { owner: formatHex(stat.ephemeralOwner) }),
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  }
}

export function aclOf(acl: readonly Acl[]): AclEntry[] {
  return acl.map(({ perms, id }) => ({
    perms: letters.filter((letter) => (perms & bits[letter]) !== 0).join(''),
    scheme: id.scheme,
    id: id.id,
  }))
}

/** @throws WrongRequest for what is no list of ACL entries. */
export function aclFrom(given: unknown): Acl[] {
  if (!Array.isArray(given) || given.length === 0) throw new WrongRequest('an ACL needs at least one entry')
  return given.map((entry: unknown) => {
    const { perms, scheme, id } = (entry ?? {}) as Partial<Record<keyof AclEntry, unknown>>
    if (typeof scheme !== 'string' || scheme === '' || typeof id !== 'string') {
      throw new WrongRequest('each entry of an ACL needs a scheme and an id')
    }
    if (typeof perms !== 'string' || !/^[cdrwa]+$/.test(perms)) {
      throw new WrongRequest(`the entry for ${scheme}:${id} needs permissions, some of the letters ${letters.join('')}`)
    }
    return {
      perms: letters.reduce((sum, letter) => (perms.includes(letter) ? sum | bits[letter] : sum), 0),
      id: { scheme, id },
    }
  })
}

/** The limits of a quota that the page wants, `{ soft, hard }`; those that are missing are none. @throws WrongRequest */
export function quotaFrom(given: Readonly<Record<string, unknown>>): QuotaValues {
  const limit = (side: 'soft' | 'hard', name: keyof QuotaFigures, least: number): bigint | undefined => {
    const value = ((given[side] ?? {}) as Partial<Record<keyof QuotaFigures, unknown>>)[name]
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return BigInt(value)
    throw new WrongRequest(`the ${side} limit of ${name} must be a whole number from ${least} on`)
  }
  // A znode counts itself, so it cannot have less than one.
  const [count, countHardLimit] = [limit('soft', 'znodes', 1), limit('hard', 'znodes', 1)]
  const [bytes, byteHardLimit] = [limit('soft', 'bytes', 0), limit('hard', 'bytes', 0)]
  return {
    ...(count !== undefined && { count }),
    ...(bytes !== undefined && { bytes }),
    ...(countHardLimit !== undefined && { countHardLimit }),
    ...(byteHardLimit !== undefined && { byteHardLimit }),
  }
}

/** @throws WrongRequest for what is no path. */
export function pathFrom(given: unknown): ZnodePath {
  if (typeof given !== 'string') throw new WrongRequest('the path of the znode is missing')
  const problem = pathProblem(given)
  if (problem !== undefined) throw new WrongRequest(`the path ${JSON.stringify(given.slice(0, 200))}: ${problem}`)
  return given as ZnodePath
}

/** @throws WrongRequest for what is no base64. */
export function bytesFrom(given: unknown): Uint8Array {
  if (typeof given !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(given)) throw new WrongRequest('data must be base64')
  return new Uint8Array(Buffer.from(given, 'base64'))
}

export function base64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
}

/** A value for lists, cut where it is long. */
export function valueOf(data: Uint8Array, version: number): Value {
  return { data: base64(data.subarray(0, shownBytesMax)), bytes: data.length, version }
}

/** A whole number of a query. @throws WrongRequest for anything else, or outside the bounds. */
export function numberFrom(name: string, given: string | undefined, fallback: number, max: number): number {
  if (given === undefined || given === '') return fallback
  const value = /^\d{1,10}$/.test(given) ? Number(given) : Number.NaN
  if (value <= max) return value
  throw new WrongRequest(`${name} must be a whole number up to ${max}`)
}

/** `0x1a`. @throws WrongRequest for anything else. */
export function idFrom(name: string, given: unknown): bigint {
  if (typeof given !== 'string' || !/^0x[0-9a-f]{1,16}$/i.test(given)) {
    throw new WrongRequest(`${name} must be a number like 0x1a`)
  }
  return BigInt.asIntN(64, BigInt(given))
}

/** A version that a write expects. @throws WrongRequest where it is missing: the console never writes blindly. */
export function versionFrom(given: unknown): number {
  if (typeof given === 'number' && Number.isInteger(given) && given >= 0 && given <= 0x7fff_ffff) return given
  throw new WrongRequest('the version that the znode should have is missing')
}

/** The state of a client, for people. */
export function connectionOf(state: {
  readonly kind: string
  readonly server?: string
  readonly sessionId?: bigint
  readonly reason?: string | undefined
}): ConnectionState {
  return {
    kind: state.kind,
    ...(state.server !== undefined && { server: state.server }),
    ...(state.sessionId !== undefined && { session: formatHex(state.sessionId) }),
    ...(state.reason !== undefined && { reason: state.reason }),
  }
}
