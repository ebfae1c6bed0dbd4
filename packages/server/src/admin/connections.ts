/** Connections, sessions and ephemerals as `stat`, `cons` and `dump` show them (ServerCnxn.java, ExpiryQueue.java). */
import { formatHex, opCode } from '@lightkeeper/protocol'
import type { Replica } from '../replica.ts'
import type { SessionExpiry } from '../session/expiry.ts'
import type { BoundedText } from './bounded-text.ts'
import type { ConnectionView, ServerView } from './view.ts'

/** Apache's names of what a connection did last (Request.java, FinalRequestProcessor.java). */
const operationNames: ReadonlyMap<number, string> = new Map<number, string>([
  [opCode.ping, 'PING'],
  [opCode.createSession, 'SESS'],
  [opCode.closeSession, 'CLOS'],
  [opCode.multi, 'MULT'],
  [opCode.multiRead, 'MLTR'],
  [opCode.create, 'CREA'],
  [opCode.create2, 'CREA'],
  [opCode.createTTL, 'CREA'],
  [opCode.createContainer, 'CREA'],
  [opCode.delete, 'DELE'],
  [opCode.setData, 'SETD'],
  [opCode.reconfig, 'RECO'],
  [opCode.setACL, 'SETA'],
  [opCode.sync, 'SYNC'],
  [opCode.exists, 'EXIS'],
  [opCode.getData, 'GETD'],
  [opCode.setWatches, 'SETW'],
  [opCode.setWatches2, 'STW2'],
  [opCode.addWatch, 'ADDW'],
  [opCode.getACL, 'GETA'],
  [opCode.getChildren, 'GETC'],
  [opCode.getChildren2, 'GETC'],
  [opCode.getAllChildrenNumber, 'GETACN'],
  [opCode.checkWatches, 'CHKW'],
  [opCode.removeWatches, 'REMW'],
  [opCode.whoAmI, 'HOMI'],
  [opCode.getEphemerals, 'GETE'],
])

/** Apache's name of an operation, `NA` where there is none. */
export function operationName(type: number | undefined): string {
  return (type === undefined ? undefined : operationNames.get(type)) ?? 'NA'
}

/** ` /127.0.0.1:50606[1](queued=0,recved=1,sent=0)`, and in full with what the session did last. */
export function connectionLine(connection: ConnectionView, isBrief: boolean): string {
  const { remote, replies, received, sent, session, stats } = connection
  const brief = ` /${remote}[${connection.isReading ? 1 : 0}](queued=${replies.length},recved=${received},sent=${sent}`
  // Without a session there is nothing more: who asks is such a one.
  if (isBrief || session === undefined) return `${brief})`
  const cxid = stats.lastCxid < 0 ? '' : `,lcxid=0x${stats.lastCxid.toString(16)}`
  return (
    `${brief},sid=${formatHex(session.id)},lop=${operationName(stats.lastType)},est=${stats.establishedAt},to=${session.timeoutMs}${cxid}` +
    `,lzxid=${formatHex(stats.lastZxid)},lresp=${whole(stats.lastResponseAt)},llat=${whole(stats.lastLatency)}` +
    `,minlat=${whole(stats.minLatency)},avglat=${whole(stats.averageLatency)},maxlat=${whole(stats.maxLatency)})`
  )
}

/** Sessions and connections by the time at which they end unless something comes, and who owns which ephemerals. */
export function dump(
  { server, replica }: { readonly server: ServerView; readonly replica: Replica },
  now: number,
  wall: number,
  text: BoundedText,
): void {
  const dateOf = (at: number): string => javaDate(wall + at - now)
  const expiries = replica.sessions.expiries()
  text.line('SessionTracker dump:')
  if (replica.ensemble === undefined) sessionSets(expiries, dateOf, text)
  else globalSessions(replica, text)
  text.line('ephemeral nodes dump:')
  const owners = replica.tree.ephemerals()
  text.line(`Sessions with Ephemerals (${owners.size}):`)
  for (const [session, paths] of owners) {
    text.line(`${formatHex(session)}:`)
    for (const path of paths) text.line(`\t${path}`)
  }
  text.line('Connections dump:')
  const sets = connectionSets(server, expiries)
  text.line(`Connections Sets (${sets.length})/(${sets.reduce((sum, [, members]) => sum + members.length, 0)}):`)
  for (const [at, members] of sets) {
    text.line(`${members.length} expire at ${dateOf(at)}:`)
    for (const { remote, session } of members) {
      text.line(`\tip: /${remote} sessionId: ${formatHex(session?.id ?? 0n)}`)
    }
  }
}

function sessionSets(expiries: Expiries, dateOf: (at: number) => string, text: BoundedText): void {
  text.line(`Session Sets (${expiries.length})/(${countOf(expiries)}):`)
  for (const [at, sessions] of expiries) {
    text.line(`${sessions.size} expire at ${dateOf(at)}:`)
    for (const { id } of sessions) text.line(`\t${formatHex(id)}`)
  }
}

/** A member that follows a leader knows which sessions there are, and not when they expire (LearnerSessionTracker.java). */
function globalSessions({ tree }: Replica, text: BoundedText): void {
  text.line(`Global Sessions(${tree.sessions.size}):`)
  const sorted = [...tree.sessions].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [id, timeoutMs] of sorted) text.line(`${formatHex(id)}\t${timeoutMs}ms`)
}

type Expiries = ReturnType<SessionExpiry['expiries']>

/** A connection lives as long as its session; one without a session until we lose patience. */
function connectionSets(server: ServerView, expiries: Expiries): [at: number, members: ConnectionView[]][] {
  const atOf = new Map<unknown, number>()
  for (const [at, sessions] of expiries) for (const session of sessions) atOf.set(session, at)
  for (const [at, members] of server.impatience()) for (const connection of members) atOf.set(connection, at)
  const sets = new Map<number, ConnectionView[]>()
  for (const connection of server.connections) {
    const at = atOf.get(connection) ?? atOf.get(connection.session)
    if (at === undefined) continue
    const set = sets.get(at)
    if (set === undefined) sets.set(at, [connection])
    else set.push(connection)
  }
  return [...sets].sort(([a], [b]) => a - b)
}

function countOf(expiries: Expiries): number {
  return expiries.reduce((sum, [, sessions]) => sum + sessions.size, 0)
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** As Date.toString of Java, in UTC: `Sat Nov 28 16:53:05 UTC 2026`. */
function javaDate(wall: number): string {
  const date = new Date(wall)
  const two = (value: number): string => `${value}`.padStart(2, '0')
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':')
  return `${days[date.getUTCDay()]} ${months[date.getUTCMonth()]} ${two(date.getUTCDate())} ${time} UTC ${date.getUTCFullYear()}`
}

export function whole(value: number): number {
  return Math.round(value)
}
