/** Numbers of watch events, keeper states, watcher types and addWatch modes (Watcher.java, AddWatchMode.java). */

export const eventType = {
  none: -1,
  nodeCreated: 1,
  nodeDeleted: 2,
  nodeDataChanged: 3,
  nodeChildrenChanged: 4,
  dataWatchRemoved: 5,
  childWatchRemoved: 6,
  persistentWatchRemoved: 7,
} as const
export type EventType = (typeof eventType)[keyof typeof eventType]

/** Only `syncConnected` ever crosses the wire; only the client itself uses the others. */
export const keeperState = {
  disconnected: 0,
  syncConnected: 3,
  authFailed: 4,
  connectedReadOnly: 5,
  saslAuthenticated: 6,
  closed: 7,
  expired: -112,
} as const
export type KeeperState = (typeof keeperState)[keyof typeof keeperState]

/** The watches that checkWatches and removeWatches concern; 4 and 5 since 3.9. */
export const watcherType = { children: 1, data: 2, any: 3, persistent: 4, persistentRecursive: 5 } as const
export type WatcherType = (typeof watcherType)[keyof typeof watcherType]

export const addWatchMode = { persistent: 0, persistentRecursive: 1 } as const
export type AddWatchMode = (typeof addWatchMode)[keyof typeof addWatchMode]

/** Xids with a special meaning (ClientCnxn.java). Ordinary requests count up from 1. */
export const specialXid = { watchEvent: -1, ping: -2, auth: -4, setWatches: -8 } as const
