/**
 * The members of an ensemble from their lines: `server.N`, `group.N`, `weight.N`, as a zoo.cfg has them (QuorumPeerConfig.java,
 * QuorumMaj.java, QuorumHierarchical.java).
 */
import { formatAddress, isIpv6 } from '@lightkeeper/runtime'
import { ConfigError } from './config-error.ts'
import { type Member, parseMember } from './members.ts'
import type { Membership, Voter } from './membership.ts'

/** The lines by key, `server.1` for example; `version` is that of a file of members, in hexadecimal digits. */
export type MemberLines = Readonly<Record<string, string>>

export interface EnsembleMembers {
  /** By number. */
  readonly servers: ReadonlyMap<number, Member>
  readonly membership: Membership
}

/** Whether a key is a line of a member. */
export function isMemberKey(key: string): boolean {
  return /^(server|group|weight)\./.test(key)
}

/**
 * Members may have several addresses here: whether that is allowed is asked elsewhere.
 * @throws ConfigError for lines that Apache would not take.
 */
export function parseMembers(lines: MemberLines): EnsembleMembers {
  const servers = new Map<number, Member>()
  const groupOf = new Map<number, number>()
  const weightOf = new Map<number, number>()
  const { version = '0', ...members } = lines
  if (!/^[0-9a-f]{1,15}$/.test(version)) throw new ConfigError('version', version, 'hexadecimal digits')
  for (const [key, value] of Object.entries(members)) {
    const id = numberOf(key)
    if (key.startsWith('server.')) servers.set(id, parseMember(key, value, true))
    else if (key.startsWith('weight.')) weightOf.set(id, wholeNumber(key, value))
    else if (key.startsWith('group.')) {
      for (const each of value.split(':')) {
        const sid = wholeNumber(key, each)
        if (groupOf.has(sid)) throw ConfigError.refused(key, `has server ${sid}, which is in another group too`)
        groupOf.set(sid, id)
      }
    } else throw ConfigError.refused(key, 'is no line of a member')
  }
  const sids = [...servers.keys()].sort((a, b) => a - b)
  for (const [sid, group] of groupOf) {
    if (!servers.has(sid))
      throw ConfigError.refused(`group.${group}`, `has server ${sid}, and there is no line server.${sid}`)
  }
  const voters = sids.filter((sid) => servers.get(sid)?.isObserver === false)
  // A weight alone asks for groups too, as in Apache.
  const hasGroups = groupOf.size > 0 || weightOf.size > 0
  for (const sid of hasGroups ? voters : []) {
    if (!groupOf.has(sid)) throw ConfigError.refused('group.N', `leaves out server ${sid}, which must be in one group`)
  }
  const membership: Membership = {
    version: BigInt(`0x${version}`),
    voters: voters.map(
      (sid): Voter => ({ sid, group: groupOf.get(sid) ?? 0, weight: hasGroups ? (weightOf.get(sid) ?? 1) : 1 }),
    ),
    observers: sids.filter((sid) => servers.get(sid)?.isObserver === true),
    text: new TextEncoder().encode(textOf(servers, sids, members, version)),
  }
  return { servers, membership }
}

function numberOf(key: string): number {
  const id = Number(key.slice(key.indexOf('.') + 1))
  if (Number.isSafeInteger(id) && id >= 0) return id
  throw ConfigError.refused(key, 'has no number from 0 to 2^53 behind the dot')
}

function wholeNumber(key: string, text: string): number {
  if (/^\s*\d{1,9}\s*$/.test(text)) return Number(text)
  throw new ConfigError(
    key,
    text,
    key.startsWith('group.') ? 'numbers of servers with : between them' : 'a whole number',
  )
}

/** What members tell each other, and what /zookeeper/config has: without a newline at its end. [obs, quorum §11.1] */
function textOf(
  servers: ReadonlyMap<number, Member>,
  sids: readonly number[],
  lines: MemberLines,
  version: string,
): string {
  const members = sids.map((sid) => `server.${sid}=${lineOf(servers.get(sid) as Member)}`)
  const groups = Object.entries(lines)
    .filter(([key]) => !key.startsWith('server.'))
    .map(([key, value]) => `${key}=${value}`)
  return [...members, ...groups, `version=${version}`].join('\n')
}

/** The addresses in the order of their hosts, and behind them the role, once (QuorumPeer.java). Those of one host stay as they stand. */
function lineOf({ addresses, isObserver, client }: Member): string {
  const servers = addresses
    .map(({ host, ...ports }) => ({ host: hostText(host), ...ports }))
    .sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0))
    .map(({ host, quorumPort, electionPort }) => `${formatAddress(host, quorumPort)}:${electionPort}`)
  const end = client === undefined ? '' : `;${formatAddress(hostText(client.host ?? '0.0.0.0'), client.port)}`
  return `${servers.join('|')}:${isObserver ? 'observer' : 'participant'}${end}`
}

/** As Java writes it: all eight groups of an IPv6 address, without zeros in front. [obs] */
function hostText(host: string): string {
  if (!isIpv6(host)) return host
  const [address = '', zone] = host.split('%')
  const [front = [], back] = address.split('::').map(groupsOf)
  const groups = back === undefined ? front : [...front, ...Array(8 - front.length - back.length).fill('0'), ...back]
  return [groups.join(':'), ...(zone === undefined ? [] : [zone])].join('%')
}

function groupsOf(half: string): string[] {
  const hex = (n: number): string => n.toString(16)
  return half.split(':').flatMap((piece) => {
    if (piece === '') return []
    const [a, b, c, d] = piece.split('.').map(Number)
    if (a === undefined || b === undefined || c === undefined || d === undefined)
      return [hex(Number.parseInt(piece, 16))]
    return [hex(256 * a + b), hex(256 * c + d)]
  })
}
