/** Members of an ensemble: what asks for one is refused, what tunes one changes nothing here. */
import { parsedInt, strictBoolean } from '../java-values.ts'
import { idleKeys, isOff, type Room } from '../room.ts'
import { flag, type SettingsFor } from '../setting.ts'

export interface EnsembleOptions {
  /**
   * Whether a member serves reads while it is cut off. A server that stands alone is never cut off; it answers the word `isro` then,
   * although no whitelist has it, because clients look for a writable server by it. Default false.
   */
  readonly readOnlyModeEnabled?: boolean
}

const settings = {
  // `true` alone is true, in lower case (FourLetterCommands.java).
  readOnlyModeEnabled: flag({
    key: 'readonlymode.enabled',
    read: (value) => value === 'true',
    byDefault: false,
    isLive: true,
  }),
} satisfies SettingsFor<EnsembleOptions>

const noEnsemble = 'belongs to an ensemble, and this server stands alone'

export const ensemble = {
  settings,
  idle: {
    ...idleKeys(
      [
        ...['initLimit', 'syncLimit', 'connectToLearnerMasterLimit', 'observerMasterPort', 'quorum.cnxn.threads.size'],
        ...['multiAddress.reachabilityCheckTimeoutMs'],
      ],
      parsedInt,
    ),
    ...idleKeys(
      [
        ...['quorumListenOnAllIPs', 'syncEnabled', 'standaloneEnabled', 'multiAddress.enabled'],
        ...['multiAddress.reachabilityCheckEnabled', 'sslQuorumReloadCertFiles'],
      ],
      strictBoolean,
    ),
    ...idleKeys([
      ...['electionAlg', 'peerType', 'version', 'dynamicConfigFile', 'cnxTimeout', 'quorumCnxnTimeoutMs'],
      ...['leaderServes', 'tcpKeepAlive', 'electionPortBindRetry'],
      ...['fastleader.minNotificationInterval', 'fastleader.maxNotificationInterval', 'follower.nodelay'],
      ...['leader.maxConcurrentSnapSyncs', 'leader.maxConcurrentDiffSyncs', 'leader.maxTimeToWaitForEpoch'],
      ...['leader.nodelay', 'leader.closeSocketAsync', 'learner.closeSocketAsync', 'learner.asyncSending'],
      ...['forward_learner_requests_to_commit_processor_disabled', 'learner.snapPingInterval'],
      ...['observer.syncEnabled', 'observer.reconnectDelayMs', 'observer.election.DelayMs'],
      ...['follower.skipLearnerRequestToNextProcessor'],
    ]),
  },
  refusals: [
    { keys: /^sslQuorum$/, why: `${noEnsemble}, without TLS` },
    {
      keys: /^quorum\.auth\..*/,
      why: `asks that members of an ensemble prove who they are; it ${noEnsemble}`,
      isHarmless: (value, other) => isOff(value) || isOff(other('quorum.auth.enableSasl') ?? 'unset'),
    },
    { keys: /^(group|weight)\./, why: noEnsemble },
    { keys: /^oraclePath$/, why: noEnsemble },
    { keys: /^peerType$/, why: noEnsemble, isHarmless: (value) => !/^observer$/i.test(value) },
  ],
} as const satisfies Room
