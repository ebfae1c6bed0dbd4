/** Every key of a zoo.cfg that Apache ZooKeeper knows: what it is called here, that it changes nothing, or why it is refused. */
import type { ServerOptions } from './config.ts'
import {
  atLeast,
  decoded,
  exactlyYes,
  looseBoolean,
  notNo,
  parsedInt,
  parsedLong,
  type Read,
  strictBoolean,
  text,
} from './java-values.ts'

/** -1 means the default (QuorumPeerConfig.java). */
const timeout = atLeast(1, parsedInt, true)

/** Keys that are honoured. */
export const honoured: ReadonlyMap<string, readonly [option: keyof ServerOptions, read: Read]> = new Map<
  string,
  readonly [keyof ServerOptions, Read]
>([
  ['clientPort', ['clientPort', parsedInt]],
  // Java reads an empty name as the loopback address.
  ['clientPortAddress', ['clientPortAddress', (value) => (value === '' ? '127.0.0.1' : value)]],
  ['clientPortListenBacklog', ['clientPortListenBacklog', atLeast(-1, parsedInt, true)]],
  ['dataDir', ['dataDir', text]],
  ['dataLogDir', ['dataLogDir', text]],
  ['forceSync', ['forceSync', notNo]],
  ['snapCount', ['snapCount', atLeast(2, parsedInt)]],
  ['snapSizeLimitInKb', ['snapSizeLimitInKb', atLeast(0, decoded, true)]],
  ['preAllocSize', ['preAllocSize', atLeast(0, parsedLong, true)]],
  ['snapshot.compression.method', ['snapshotCompression', (value) => (value === '' ? 'none' : value)]],
  ['digest.enabled', ['digestEnabled', looseBoolean]],
  ['autopurge.snapRetainCount', ['autopurgeSnapRetainCount', atLeast(3, parsedInt)]],
  ['autopurge.purgeInterval', ['autopurgePurgeInterval', atLeast(0, parsedInt, true)]],
  ['tickTime', ['tickTime', parsedInt]],
  ['minSessionTimeout', ['minSessionTimeout', timeout]],
  ['maxSessionTimeout', ['maxSessionTimeout', timeout]],
  ['maxClientCnxns', ['maxClientCnxns', atLeast(0, parsedInt, true)]],
  ['maxCnxns', ['maxCnxns', atLeast(0, decoded, true)]],
  ['globalOutstandingLimit', ['globalOutstandingLimit', atLeast(1, decoded, true)]],
  ['connectionOutstandingLimit', ['connectionOutstandingLimit', parsedInt]],
  ['slowReaderPauseBytes', ['slowReaderPauseBytes', parsedInt]],
  ['slowReaderCutBytes', ['slowReaderCutBytes', parsedInt]],
  ['heldReplyBytes', ['heldReplyBytes', parsedInt]],
  ['maxReplyBytes', ['maxReplyBytes', parsedInt]],
  ['maxMultiOperations', ['maxMultiOperations', parsedInt]],
  ['maxIdentities', ['maxIdentities', parsedInt]],
  ['maxCnxnWatches', ['maxCnxnWatches', parsedInt]],
  ['maxCnxnWatchBytes', ['maxCnxnWatchBytes', parsedInt]],
  ['maxWatchBytes', ['maxWatchBytes', parsedInt]],
  ['jute.maxbuffer', ['juteMaxbuffer', decoded]],
  ['nio.sessionlessCnxnTimeout', ['sessionlessCnxnTimeout', decoded]],
  ['extendedTypesEnabled', ['extendedTypesEnabled', looseBoolean]],
  ['enforceQuota', ['enforceQuota', looseBoolean]],
  ['skipACL', ['skipACL', exactlyYes]],
  ['DigestAuthenticationProvider.superDigest', ['superDigest', text]],
  ['reconfigEnabled', ['reconfigEnabled', strictBoolean]],
  ['4lw.commands.whitelist', ['fourLetterWordWhitelist', text]],
  ['znode.container.checkIntervalMs', ['znodeContainerCheckIntervalMs', decoded]],
  ['znode.container.maxNeverUsedIntervalMs', ['znodeContainerMaxNeverUsedIntervalMs', atLeast(0, decoded, true)]],
])

/** Keys that mean nothing for a server that stands alone, or that tune what is built otherwise here. Some are checked, as there. */
export const idle: ReadonlyMap<string, Read> = new Map<string, Read>([
  ...[
    ...['initLimit', 'syncLimit', 'connectToLearnerMasterLimit', 'observerMasterPort'],
    ...['quorum.cnxn.threads.size', 'multiAddress.reachabilityCheckTimeoutMs'],
  ].map((key) => [key, parsedInt] as const),
  ...['jvm.pause.info-threshold.ms', 'jvm.pause.warn-threshold.ms', 'jvm.pause.sleep.time.ms'].map(
    (key) => [key, parsedLong] as const,
  ),
  ...[
    ...[
      'localSessionsEnabled',
      'localSessionsUpgradingEnabled',
      'quorumListenOnAllIPs',
      'syncEnabled',
      'standaloneEnabled',
    ],
    ...[
      'jvm.pause.monitor',
      'multiAddress.enabled',
      'multiAddress.reachabilityCheckEnabled',
      'sslQuorumReloadCertFiles',
    ],
  ].map((key) => [key, strictBoolean] as const),
  ...[
    ...['electionAlg', 'peerType', 'version', 'cnxTimeout', 'quorumCnxnTimeoutMs', 'leaderServes', 'tcpKeepAlive'],
    ...['electionPortBindRetry', 'clientTcpKeepAlive', 'serverCnxnFactory', 'readonlymode.enabled', 'fips-mode'],
    ...[
      'commitLogCount',
      'txnLogSizeLimitInKb',
      'fsync.warningthresholdms',
      'warningthresholdms',
      'jute.maxbuffer.extrasize',
    ],
    ...['maxResponseCacheSize', 'maxGetChildrenResponseCacheSize', 'emulate353TTLNodes', 'watchManagerName'],
    ...[
      'watcherCleanThreadsNum',
      'watcherCleanThreshold',
      'watcherCleanIntervalInSeconds',
      'maxInProcessingDeadWatchers',
    ],
    ...['bitHashCacheSize', 'fastleader.minNotificationInterval', 'fastleader.maxNotificationInterval', 'flushDelay'],
    ...[
      'maxWriteQueuePollTime',
      'maxBatchSize',
      'largeRequestMaxBytes',
      'largeRequestThreshold',
      'throttled_op_wait_time',
    ],
    ...['connection_throttle_tokens', 'connection_throttle_fill_time', 'connection_throttle_fill_count'],
    ...['connection_throttle_freeze_time', 'connection_throttle_drop_increase', 'connection_throttle_drop_decrease'],
    ...['connection_throttle_decrease_ratio', 'connection_throttle_weight_enabled'],
    ...['connection_throttle_global_session_weight', 'connection_throttle_local_session_weight'],
    ...['connection_throttle_renew_session_weight', 'request_throttle_max_requests', 'request_throttle_stall_time'],
    ...['request_throttle_drop_stale', 'request_stale_latency_check', 'request_stale_connection_check'],
    ...['request_throttler.shutdownTimeout', 'netty.advancedFlowControl.enabled', 'enableEagerACLCheck'],
    ...['leader.maxConcurrentSnapSyncs', 'leader.maxConcurrentDiffSyncs', 'leader.maxTimeToWaitForEpoch'],
    ...[
      'leader.nodelay',
      'leader.closeSocketAsync',
      'learner.closeSocketAsync',
      'learner.asyncSending',
      'follower.nodelay',
    ],
    ...['forward_learner_requests_to_commit_processor_disabled', 'serializeLastProcessedZxid.enabled'],
    ...['netty.server.outstandingHandshake.limit', 'netty.server.earlyDropSecureConnectionHandshakes'],
    ...[
      'snapshot.trust.empty',
      'db.autocreate',
      'datadir.autocreate',
      'closeSessionTxn.enabled',
      'snapsync.compression',
    ],
    ...['observer.syncEnabled', 'observer.reconnectDelayMs', 'observer.election.DelayMs', 'learner.snapPingInterval'],
    ...['follower.skipLearnerRequestToNextProcessor', 'znode.container.maxPerMinute', 'messageTracker.BufferSize'],
    ...['messageTracker.Enabled', 'nio.numSelectorThreads', 'nio.numWorkerThreads', 'nio.directBufferBytes'],
    ...['nio.shutdownTimeout', 'commitProcessor.numWorkerThreads', 'commitProcessor.maxReadBatchSize'],
    ...['commitProcessor.maxCommitBatchSize', 'commitProcessor.shutdownTimeout', 'pathStats.enabled'],
    ...['admin.enableServer', 'admin.serverAddress', 'admin.serverPort', 'admin.commandURL', 'admin.idleTimeout'],
    ...['admin.httpVersion', 'admin.rateLimiterIntervalInMS', 'admin.snapshot.enabled', 'admin.restore.enabled'],
    ...['admin.needClientAuth', 'admin.forceHttps', 'admin.portUnification', 'metricsProvider.className'],
    ...['metricsProvider.httpHost', 'metricsProvider.httpPort', 'metricsProvider.exportJvmInfo'],
    ...['metricsProvider.numWorkerThreads', 'metricsProvider.maxQueueSize', 'metricsProvider.workerShutdownTimeoutMs'],
    ...['audit.impl.class', 'allowSaslFailedClients', 'superUser', 'X509AuthenticationProvider.superUser'],
    ...[
      'IPAuthenticationProvider.usexforwardedfor',
      'ensembleAuthName',
      'jaasLoginRenew',
      'kinit',
      'client.certReload',
    ],
    ...['kerberos.removeHostFromPrincipal', 'kerberos.removeRealmFromPrincipal', 'kerberos.canonicalizeHostNames'],
    ...[
      'sasl.serverconfig',
      'sasl.client',
      'sasl.clientconfig',
      'sasl.client.username',
      'DigestAuthenticationProvider.enabled',
    ],
    ...['DigestAuthenticationProvider.digestAlg', 'dynamicConfigFile', 'jmx.log4j.disable'],
  ].map((key) => [key, text] as const),
])

/** A key that means security or membership and that this server cannot honour. */
export interface Refusal {
  readonly keys: RegExp
  /** Stands behind the key in the message. */
  readonly why: string
  /** Values that ask for nothing; `isOff` where there is no function. */
  readonly isHarmless?: (value: string, other: (key: string) => string | undefined) => boolean
}

/** `…=false` and the like ask for nothing. */
export function isOff(value: string): boolean {
  return /^(|false|no|none|off)$/i.test(value)
}

const noTls = 'asks for TLS, which this server does not speak yet; it would serve without encryption'
const noSasl = 'asks that clients prove who they are, which this server would not do; it knows digest and ip alone'
const noEnsemble = 'belongs to an ensemble, and this server stands alone'

export const refusals: readonly Refusal[] = [
  { keys: /^secureClientPort(Address)?$/, why: noTls },
  { keys: /^(client\.)?portUnification$/, why: noTls },
  { keys: /^ssl\./, why: noTls },
  { keys: /^sslQuorum$/, why: `${noEnsemble}, without TLS` },
  {
    keys: /^authProvider(\..*)?$/,
    why: noSasl,
    isHarmless: (value) => isOff(value) || /(^|\.)(Digest|IP)AuthenticationProvider$/.test(value),
  },
  { keys: /^(requireClientAuthScheme|sessionRequireClientSASLAuth|enforce\.auth\.enabled)$/, why: noSasl },
  {
    keys: /^enforce\.auth\..*/,
    why: noSasl,
    isHarmless: (value, other) => isOff(value) || isOff(other('enforce.auth.enabled') ?? 'unset'),
  },
  {
    keys: /^quorum\.auth\..*/,
    why: `asks that members of an ensemble prove who they are; it ${noEnsemble}`,
    isHarmless: (value, other) => isOff(value) || isOff(other('quorum.auth.enableSasl') ?? 'unset'),
  },
  { keys: /^audit\.enable$/, why: 'asks for an audit log, which this server does not write' },
  {
    keys: /^DigestAuthenticationProvider\.digestAlg$/,
    why: 'is not SHA1: identities would have other names than the ACLs say',
    isHarmless: (value) => /^SHA-?1$/i.test(value),
  },
  {
    keys: /^DigestAuthenticationProvider\.enabled$/,
    why: 'is not true: this server always knows digest identities',
    isHarmless: (value) => /^true$/i.test(value),
  },
  { keys: /^(group|weight)\./, why: noEnsemble },
  { keys: /^oraclePath$/, why: noEnsemble },
  { keys: /^peerType$/, why: noEnsemble, isHarmless: (value) => !/^observer$/i.test(value) },
]
