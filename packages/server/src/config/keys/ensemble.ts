/** Members of an ensemble: who they are, which of them this server is, and how long they wait for each other. */
import { ConfigError } from '../config-error.ts'
import { type MemberLines, parseMembers } from '../ensemble-members.ts'
import { parsedInt, strictBoolean } from '../java-values.ts'
import { idleKeys, type Room } from '../room.ts'
import { type ConfigOf, flag, integer, type SettingsFor, setting } from '../setting.ts'
import { type QuorumSaslOptions, quorumSaslFamilies, quorumSaslSettings } from './quorum-sasl.ts'
import {
  type QuorumTlsOptions,
  quorumTlsFamilies,
  quorumTlsRefusals,
  quorumTlsSettings,
  refuseHalfOfQuorumTls,
} from './quorum-tls.ts'

export interface EnsembleOptions extends QuorumTlsOptions, QuorumSaslOptions {
  /**
   * The members of the ensemble that this server belongs to, by the keys of a zoo.cfg: `server.1` is `host:2888:3888`, with
   * `:observer` behind it for an observer; `group.1` and `weight.1` make groups of voters. Default: this server stands alone.
   */
  readonly members?: MemberLines
  /** The number N of this server in `members`, which a file `myid` in the data directory has for a zoo.cfg. */
  readonly myid?: number
  /** How long a member may take to connect to its leader and to get what it lacks, in ticks. A member needs it. */
  readonly initLimit?: number
  /** How long a leader and a member may hear nothing of each other, in ticks. A member needs it. */
  readonly syncLimit?: number
  /** How long a member tries to connect to its leader, in ticks. Default `initLimit`. */
  readonly connectToLearnerMasterLimit?: number
  /** Listen for other members on all addresses, and not on that of the own line alone. Default false. */
  readonly quorumListenOnAllIPs?: boolean
  /** How long a connection to the election port of another member may take, milliseconds. Default 5000. */
  readonly cnxTimeout?: number
  /**
   * Members may have several addresses, with `|` between them, and this server tells the others all of its own when it connects to
   * their election ports. A server of Apache before 3.6 does not understand that. Default false.
   */
  readonly multiAddressEnabled?: boolean
  /**
   * Whether a member with several addresses is dialed anew soon, see `multiAddressReachabilityCheckTimeoutMs`, where a connection to its
   * election port brings no answer. Without it that takes as long as with one address, 10 seconds. Default true.
   */
  readonly multiAddressReachabilityCheckEnabled?: boolean
  /** How long such a connection may bring no answer, milliseconds. Default 1000. */
  readonly multiAddressReachabilityCheckTimeoutMs?: number
  /**
   * Whether a member serves reads to clients that accept that while it has no leader. With it the word `isro` is answered although no
   * whitelist has it, because clients look for a writable server by it. A server that stands alone always takes writes. Default false.
   */
  readonly readOnlyModeEnabled?: boolean
  /** Whether this server serves clients while it leads. Without that it has more time for the other members. Default true. */
  readonly leaderServes?: boolean
}

const settings = {
  members: setting<MemberLines | undefined>({
    byDefault: undefined,
    check(given, name) {
      if (typeof given !== 'object' || given === null)
        throw new ConfigError(name, given, 'lines by key: server.1 and so on')
      const lines = { ...given } as Record<string, string>
      for (const [key, value] of Object.entries(lines)) {
        if (typeof value !== 'string') throw new ConfigError(`${name}.${key}`, value, 'a line')
      }
      parseMembers(lines)
      return lines
    },
    show: (lines) =>
      Object.entries(lines ?? {})
        .map((line) => line.join('='))
        .join(' '),
  }),
  myid: setting<number | undefined>({
    byDefault: undefined,
    check(given, name) {
      if (typeof given === 'number' && Number.isSafeInteger(given) && given >= 0) return given
      throw new ConfigError(name, given, 'the number of this server, a whole one')
    },
    show: (value) => String(value ?? ''),
  }),
  initLimit: integer({ key: 'initLimit', byDefault: 0, min: 0 }),
  syncLimit: integer({ key: 'syncLimit', byDefault: 0, min: 0 }),
  connectToLearnerMasterLimit: integer({ key: 'connectToLearnerMasterLimit', byDefault: 0, min: 0 }),
  quorumListenOnAllIPs: flag({ key: 'quorumListenOnAllIPs', byDefault: false }),
  cnxTimeout: integer({ key: 'cnxTimeout', byDefault: 5_000, min: 1 }),
  multiAddressEnabled: flag({ key: 'multiAddress.enabled', byDefault: false }),
  multiAddressReachabilityCheckEnabled: flag({ key: 'multiAddress.reachabilityCheckEnabled', byDefault: true }),
  multiAddressReachabilityCheckTimeoutMs: integer({
    key: 'multiAddress.reachabilityCheckTimeoutMs',
    byDefault: 1_000,
    min: 1,
  }),
  // `true` alone is true, in lower case (FourLetterCommands.java).
  readOnlyModeEnabled: flag({
    key: 'readonlymode.enabled',
    read: (value) => value === 'true',
    byDefault: false,
    isLive: true,
  }),
  // `no` alone is no (Leader.java).
  leaderServes: flag({ key: 'leaderServes', read: (value) => value !== 'no', byDefault: true }),
  ...quorumTlsSettings,
  ...quorumSaslSettings,
} satisfies SettingsFor<EnsembleOptions>

const noEnsemble = 'belongs to an ensemble, and this server stands alone'

export const ensemble = {
  settings,
  families: [...quorumTlsFamilies, ...quorumSaslFamilies],
  check(config: ConfigOf<typeof settings> & { readonly reconfigEnabled?: boolean }) {
    const { members, myid, initLimit, syncLimit } = config
    refuseHalfOfQuorumTls(config)
    if (members === undefined) return
    const { servers, membership } = parseMembers(members)
    // A single member has nobody beside it who could obey: it refuses each change, as a server that stands alone does.
    if (config.reconfigEnabled === true && servers.size > 1)
      throw ConfigError.refused('reconfigEnabled', 'is true, and a member of this version cannot change its ensemble')
    for (const [sid, { addresses }] of servers) {
      // Its sessions begin with this byte, as the owners of TTL znodes do: their ephemerals would never go (SessionTrackerImpl.java).
      if (sid % 256 === 255)
        throw ConfigError.refused(
          `server.${sid}`,
          'has a number whose lowest byte is 255: ephemerals of its clients would count as TTL znodes; give it another one',
        )
      if (addresses.length > 1 && !config.multiAddressEnabled)
        throw ConfigError.refused(`server.${sid}`, 'has several addresses, and multiAddressEnabled is not true')
    }
    if (myid === undefined) throw ConfigError.refused('myid', 'is missing: it says which of the members this server is')
    const own = servers.get(myid)
    if (own === undefined) throw ConfigError.refused('myid', `is ${myid}, and there is no line server.${myid}`)
    if (membership.voters.length === 0)
      throw ConfigError.refused('server.N', 'names observers alone, which serve nobody')
    for (const [name, value] of [
      ['initLimit', initLimit],
      ['syncLimit', syncLimit],
    ] as const) {
      if (value === 0) throw ConfigError.refused(name, 'is not set, and a member of an ensemble needs it, in ticks')
    }
  },
  idle: {
    ...idleKeys(['observerMasterPort', 'quorum.cnxn.threads.size'], parsedInt),
    ...idleKeys(['syncEnabled', 'standaloneEnabled'], strictBoolean),
    ...idleKeys(['peerType'], (value, key) => {
      if (/^(observer|participant)$/i.test(value)) return value
      throw new ConfigError(key, value, 'observer or participant')
    }),
    ...idleKeys([
      ...['electionAlg', 'version', 'dynamicConfigFile', 'quorumCnxnTimeoutMs'],
      ...['tcpKeepAlive', 'electionPortBindRetry'],
      ...['fastleader.minNotificationInterval', 'fastleader.maxNotificationInterval', 'follower.nodelay'],
      ...['leader.maxConcurrentSnapSyncs', 'leader.maxConcurrentDiffSyncs', 'leader.maxTimeToWaitForEpoch'],
      ...['leader.nodelay', 'leader.closeSocketAsync', 'learner.closeSocketAsync', 'learner.asyncSending'],
      ...['forward_learner_requests_to_commit_processor_disabled', 'learner.snapPingInterval'],
      ...['observer.syncEnabled', 'observer.reconnectDelayMs', 'observer.election.DelayMs'],
      ...['follower.skipLearnerRequestToNextProcessor'],
    ]),
  },
  refusals: [...quorumTlsRefusals, { keys: /^oraclePath$/, why: noEnsemble }],
} as const satisfies Room
