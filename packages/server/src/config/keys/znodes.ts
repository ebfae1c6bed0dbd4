/** What znodes may be: TTL, containers, quotas; and whether the members of an ensemble may be changed. */
import { atLeast, decoded, looseBoolean } from '../java-values.ts'
import { idleKeys, type Room } from '../room.ts'
import { flag, integer, type SettingsFor } from '../setting.ts'

export interface ZnodeOptions {
  /** Allow TTL znodes. Default true; false for a zoo.cfg that does not say it, as in Apache. */
  readonly extendedTypesEnabled?: boolean
  /** Refuse what a hard quota forbids. Default false. */
  readonly enforceQuota?: boolean
  /** Answer reconfig with "not implemented" rather than "disabled". Default false. */
  readonly reconfigEnabled?: boolean
  /** How often containers and TTL znodes are looked at, milliseconds. Default 60000. */
  readonly znodeContainerCheckIntervalMs?: number
  /** Age at which a container that never had a child goes, milliseconds; 0 is never. Default 0. */
  readonly znodeContainerMaxNeverUsedIntervalMs?: number
  /** Containers and TTL znodes that are removed in a minute, at the most. Default 10000. */
  readonly znodeContainerMaxPerMinute?: number
}

const settings = {
  extendedTypesEnabled: flag({ key: 'extendedTypesEnabled', read: looseBoolean, byDefault: true, inFile: false }),
  enforceQuota: flag({ key: 'enforceQuota', read: looseBoolean, byDefault: false, isLive: true }),
  reconfigEnabled: flag({ key: 'reconfigEnabled', byDefault: false, isLive: true }),
  znodeContainerCheckIntervalMs: integer({
    key: 'znode.container.checkIntervalMs',
    read: decoded,
    byDefault: 60_000,
    min: 1,
    isLive: true,
  }),
  znodeContainerMaxNeverUsedIntervalMs: integer({
    key: 'znode.container.maxNeverUsedIntervalMs',
    read: atLeast(0, decoded, true),
    byDefault: 0,
    min: 0,
    isLive: true,
  }),
  znodeContainerMaxPerMinute: integer({
    key: 'znode.container.maxPerMinute',
    read: atLeast(1, decoded, true),
    byDefault: 10_000,
    min: 1,
    isLive: true,
  }),
} satisfies SettingsFor<ZnodeOptions>

export const znodes = {
  settings,
  idle: idleKeys(['emulate353TTLNodes', 'enableEagerACLCheck', 'pathStats.enabled']),
} as const satisfies Room
