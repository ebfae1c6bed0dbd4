/**
 * What the gateway and the web application say to each other, as JSON. Zxids and session ids are texts as servers print them (`0x1a`),
 * times are milliseconds since 1970, bytes are base64.
 */

/** An answer that is no result. */
export interface Problem {
  /** What happened, in one sentence for people. */
  readonly message: string
  /** The code of the client's error (`NO_NODE`, `BAD_VERSION`…), or one of the gateway: `REFUSED`, `TOKEN`, `READ_ONLY`, `WRONG`. */
  readonly code: string
  /** For BAD_VERSION: the znode as it is now. */
  readonly current?: Znode
}

/** `GET /api/about`. */
export interface About {
  /** The connect string. */
  readonly servers: string
  readonly state: ConnectionState
  readonly allowsWrites: boolean
  /** Whether the past can be asked: a data directory or an admin port is given. */
  readonly hasPast: boolean
  /** The identities of the console at its server, `scheme:user` each; empty while they are not known. */
  readonly identities: readonly string[]
}

export interface ConnectionState {
  readonly kind: string
  /** The server of the current connection, `host:port`; undefined without one. */
  readonly server?: string
  readonly session?: string
  /** Why there is no connection, where that is known. */
  readonly reason?: string
}

export interface Stat {
  readonly czxid: string
  readonly mzxid: string
  readonly pzxid: string
  readonly created: number
  readonly modified: number
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  readonly kind: 'persistent' | 'ephemeral' | 'container' | 'ttl'
  /** Milliseconds, for `ttl`. */
  readonly ttl?: number
  /** The session of an ephemeral. */
  readonly owner?: string
  readonly dataLength: number
  readonly numChildren: number
}

export interface AclEntry {
  /** The letters of its permissions, in the order `cdrwa`. */
  readonly perms: string
  readonly scheme: string
  readonly id: string
}

/** `GET /api/znode?path=`. */
export interface Znode {
  readonly path: string
  readonly data: string
  readonly stat: Stat
  /** Undefined where the console may not read it. */
  readonly acl?: readonly AclEntry[]
  /** Its quota; undefined where it can have none (the root, what is below /zookeeper, behind a chroot) or the console may not see it. */
  readonly quota?: Quota
}

/** What a znode and everything below it may have, and has. A limit that is missing is none. */
export interface Quota {
  /** What a write of the quota expects; undefined where there is none yet. */
  readonly version?: number
  /** A server logs a warning above these. */
  readonly soft: QuotaFigures
  /** A server refuses writes above these, where it is set to. */
  readonly hard: QuotaFigures
  /** Empty where nothing is counted, as without a quota. */
  readonly used: QuotaFigures
}

export interface QuotaFigures {
  readonly znodes?: number
  readonly bytes?: number
}

/** `GET /api/children?path=&offset=&limit=`, a page of the sorted list; `find=NAME` may be repeated. */
export interface Children {
  readonly path: string
  /** Another one whenever the list has changed. */
  readonly state: string
  /** The number of all children of the znode. */
  readonly total: number
  readonly offset: number
  readonly children: readonly Child[]
  /** Where the names of `find` stand in the whole list; -1 for one that is not in it. */
  readonly places: readonly number[]
}

export interface Child {
  readonly name: string
  readonly numChildren: number
  readonly dataLength: number
  readonly kind: Stat['kind']
}

/** One line of `GET /api/search`, JSON each. */
export type SearchLine =
  | { readonly kind: 'found'; readonly path: string; readonly where: 'name' | 'data' }
  | { readonly kind: 'progress'; readonly looked: number }
  | { readonly kind: 'end'; readonly looked: number; readonly isWhole: boolean; readonly why?: string }

/** A value of a znode, cut where it is long. */
export interface Value {
  readonly data: string
  readonly bytes: number
  readonly version: number
}

/** One change, in a batch of the stream. */
export interface ChangeItem {
  readonly kind: 'created' | 'changed' | 'deleted' | 'unreadable'
  readonly path: string
  readonly zxid?: string
  /** The server's time of the write; undefined for a deletion. */
  readonly time?: number
  readonly value?: Value
  readonly previous?: Value
  /** Writes between the two that were not seen. */
  readonly missed?: number
}

/** The events of `GET /api/changes?path=`, and of `GET /api/follow`. */
export type StreamEvent =
  /** Everything up to `zxid` is known; changes follow. */
  | { readonly kind: 'ready'; readonly zxid: string; readonly znodes: number }
  /** The connection to the server was lost; what is shown may be old. */
  | { readonly kind: 'stale' }
  /** `leftOut` changes came in the same time and are not shown. */
  | { readonly kind: 'changes'; readonly items: readonly ChangeItem[]; readonly leftOut: number }
  /** The list of children of `path` is in this state: when the stream begins, and after each change. */
  | { readonly kind: 'children'; readonly path: string; readonly state: string }
  | { readonly kind: 'state'; readonly state: ConnectionState }
  | { readonly kind: 'failed'; readonly problem: Problem }

export interface PartyItem {
  readonly path: string
  readonly session?: string
  readonly since: number
  readonly id?: string
  readonly side?: 'read' | 'write'
  readonly item?: string
  readonly behind?: readonly string[]
  readonly data: string
}

export interface StructureItem {
  readonly kind: string
  readonly path: string
  readonly layouts: readonly string[]
  readonly holders: readonly PartyItem[]
  readonly waiters: readonly PartyItem[]
  readonly capacity?: number
  readonly items?: number
  readonly notes: readonly string[]
}

/** `GET /api/structures?path=`. */
export interface Structures {
  readonly structures: readonly StructureItem[]
  /** Circles of waiting: each session waits at a path for the next one. */
  readonly circles: readonly (readonly {
    readonly session: string
    readonly waitsAt: string
    readonly holder: string
  }[])[]
  /** Znodes that the console may not read, so something may be missing. */
  readonly unreadable: number
}

/** `GET /api/servers`. */
export interface Servers {
  readonly servers: readonly ServerItem[]
  /** The members of the ensemble as its configuration names them; empty where servers stand alone, or it cannot be read. */
  readonly members: readonly MemberItem[]
  /** What all of it means, one sentence each. */
  readonly notes: readonly string[]
  /** What could not be asked, and why, one sentence each. */
  readonly problems: readonly string[]
}

/**
 * Why a server did not say what it is: it could not be reached; it runs and serves no clients, without a leader for example; it may
 * not answer the words.
 */
export type Silence = 'away' | 'idle' | 'refused'

export interface ServerItem {
  readonly server: string
  /** The role, `standalone`, `leader`, `follower` or `observer`; undefined where it did not say one. */
  readonly role?: string
  /** Why there is no role. */
  readonly silence?: Silence
  readonly version?: string
  readonly zxid?: string
  /** Transactions behind the newest of the servers of one epoch. */
  readonly lag?: number
  readonly connections?: number
  readonly outstanding?: number
  readonly latency?: string
  /** Every figure of `mntr`. */
  readonly figures: Readonly<Record<string, string>>
}

export interface MemberItem {
  readonly id: string
  readonly role: 'participant' | 'observer'
  /** Where members talk to each other. */
  readonly address: string
  /** Where clients connect, as far as the configuration says it. */
  readonly client?: string
}

/** `GET /api/sessions`. */
export interface Sessions {
  readonly sessions: readonly SessionItem[]
  readonly problems: readonly string[]
}

export interface SessionItem {
  readonly id: string
  readonly server?: string
  readonly address?: string
  readonly timeout?: number
  /** When its connection was opened, milliseconds since 1970. */
  readonly since?: number
  /** The four letters of its last operation: `SETD`, `PING`. */
  readonly lastOperation?: string
  /** Requests that are read and not answered. */
  readonly queued?: number
  /** Average and longest, milliseconds: `0/9`. */
  readonly latency?: string
  readonly ephemerals: readonly string[]
  /** Paths with watches of data. */
  readonly watches: readonly string[]
  /** This is the session of the console itself. */
  readonly isOwn: boolean
}

/** `GET /api/sessions/end?session=`: what ending it would do. */
export interface EndPreview {
  readonly session: string
  /** The server ends the session itself; otherwise only its ephemerals are deleted. */
  readonly isWhole: boolean
  readonly ephemerals: readonly string[]
  /** Watches of other sessions that fire, as far as servers list them. */
  readonly watches: readonly { readonly path: string; readonly sessions: readonly string[] }[]
  readonly notes: readonly string[]
}

/** `GET /api/figures?points=`: the last day. */
export interface Figures {
  readonly servers: readonly ServerFigures[]
}

export interface ServerFigures {
  readonly server: string
  /** The server keeps them itself; otherwise the console has measured them since it was started. */
  readonly isKept: boolean
  /** Milliseconds between two points that were measured. */
  readonly everyMs: number
  /** Milliseconds since 1970. */
  readonly times: readonly number[]
  /** A value for each time; null where there was none. */
  readonly values: Readonly<Record<string, readonly (number | null)[]>>
}

/** One write of the past. */
export interface PastChange {
  readonly kind: 'created' | 'changed' | 'acl changed' | 'deleted' | 'gap'
  readonly path: string
  readonly zxid: string
  readonly time: number
  readonly session: string
  readonly before?: Value
  readonly after?: Value
  /** Lines or members that differ, for people. */
  readonly diff?: readonly { readonly sign: '-' | '+'; readonly text: string }[]
}

/** `GET /api/past/history?path=`. */
export interface History {
  readonly changes: readonly PastChange[]
  /** There were more; the newest are shown. */
  readonly leftOut: number
}

/** `GET /api/past/tree?path=&at=`. */
export interface PastTree {
  readonly zxid: string
  readonly nodes: readonly { readonly path: string; readonly value?: Value; readonly kind: Stat['kind'] }[]
  readonly leftOut: number
}

/** `GET /api/past/diff?path=&from=&to=`: what differs below a path between two moments. */
export interface PastDiff {
  readonly from: string
  readonly to: string
  readonly differences: readonly PastDifference[]
  readonly leftOut: number
}

export interface PastDifference {
  readonly path: string
  /** `replaced` is another znode with the same path. */
  readonly kind: 'created' | 'changed' | 'deleted' | 'replaced'
  readonly before?: Value
  readonly after?: Value
  readonly diff?: readonly { readonly sign: '-' | '+'; readonly text: string }[]
}

/** `GET /api/past/session?session=`: what a session did, the newest first. */
export interface SessionPast {
  readonly acts: readonly {
    readonly zxid: string
    readonly time: number
    /** `create`, `multi`, `closeSession`, `error`… */
    readonly operation: string
    /** Why it was refused. */
    readonly error?: string
    readonly changes: readonly PastChange[]
  }[]
  readonly leftOut: number
}

/** `GET /api/ephemerals?path=`: the ephemerals at and below a path, as servers list them. */
export interface Ephemerals {
  readonly ephemerals: readonly { readonly path: string; readonly session: string; readonly address?: string }[]
  /** There are more. */
  readonly leftOut: number
  readonly problems: readonly string[]
}
